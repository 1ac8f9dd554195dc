"""The process of one instance: makes the handler, and feeds it items, or takes them from it, until it is closed."""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from typing import Any

from hedgerow_nodes.serve.channel import Channel, Closed
from hedgerow_nodes.serve.handler import HandlerType
from hedgerow_nodes.serve.place import HostLog, Place, error_text
from hedgerow_nodes.serve.receiver_work import ReceiverWork
from hedgerow_nodes.serve.sender import FAILED_EXIT
from hedgerow_nodes.serve.source_work import SourceWork


def run(connection: socket.socket, types: Mapping[str, HandlerType]) -> int:
    """Be an instance until the host says that it is enough; the exit code."""
    channel = Channel(connection)
    try:
        begin = channel.first()
        logging.getLogger("hedgerow").addHandler(HostLog(channel))
        logging.getLogger("hedgerow").setLevel(logging.INFO)
        kind = types.get(begin["handler"])
        if kind is None:
            text = f"handler {begin['handler']} is not known here; there are {', '.join(sorted(types))}"
            channel.send({"do": "failed", "text": text})
            return FAILED_EXIT
        place = Place(begin, kind, channel)
        try:
            place.folder.mkdir(parents=True, exist_ok=True)
            place.parameters = kind.read_parameters(begin["parameters"])
            made = kind.make(begin["parameters"], place)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is why it could not be made
            channel.send({"do": "failed", "text": error_text(error)})
            return FAILED_EXIT
        channel.send({"do": "ready"})
        return _work(kind, made, place, channel)
    except Closed:
        return 0


def _work(kind: HandlerType, made: Any, place: Place, channel: Channel) -> int:
    try:
        if kind.role == "source":
            return SourceWork(kind, made, place, channel).work()
        ReceiverWork(kind, made, place, channel).work()
        return 0
    finally:
        if callable(close := getattr(made, "close", None)):
            close()
