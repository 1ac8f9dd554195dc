"""Sinks that send each value on, to a web server or over a TCP connection; tries are bounded."""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import Annotated

from msgspec import Meta

from hedgerow_nodes.handlers.transport.back_off import tried
from hedgerow_nodes.handlers.transport.fetching import Unreachable, checked_url, exchange
from hedgerow_nodes.handlers.transport.plain_values import json_line, plain
from hedgerow_nodes.serve import Context, EncodedImage, Value, parameters, sink

MOST_ANSWER_BYTES = 2**20
Timeout = Annotated[float, Meta(ge=0.05, le=600.0, description="of each try, seconds")]
Attempts = Annotated[int, Meta(ge=1, le=100, description="tries for each item; after them the item has failed")]


@parameters
class HttpParameters:
    url: Annotated[str, Meta(min_length=1, description="http://HOST/… or https://HOST/…")]
    timeout_s: Timeout = 5.0
    attempts: Attempts = 3
    with_sequence: Annotated[bool, Meta(description="wrap JSON with `sequence` and `epoch`")] = True


@sink("http", inputs={"value": Value}, parameters=HttpParameters, class_type="http")
class Http:
    """POST each value: a picture's file as it is, everything else as JSON.

    A picture has its sequence number in the header `Hedgerow-Sequence`, its epoch in `Hedgerow-Epoch`.
    """

    def __init__(self, parameters: HttpParameters, context: Context) -> None:
        self._settings, self._context = parameters, context
        checked_url(parameters.url, ("http", "https"))

    def process(self, value: Value) -> None:
        """Send it; a server that fails `attempts` times makes the item fail."""
        settings, context = self._settings, self._context
        if isinstance(value, EncodedImage):
            body, media_type = bytes(value.data), value.media_type
        else:
            told = plain(value)
            if settings.with_sequence:
                told = {"sequence": context.sequence, "epoch": context.epoch, "value": told}
            body, media_type = json_line(told), "application/json"
        headers = {
            "Content-Type": media_type,
            "Hedgerow-Sequence": str(context.sequence),
            "Hedgerow-Epoch": str(context.epoch),
        }
        tried(
            lambda: exchange(settings.url, settings.timeout_s, MOST_ANSWER_BYTES, body, headers),
            Unreachable,
            settings.attempts,
            context.sleep,
            context.log.warning,
        )


@parameters
class TcpParameters:
    host: Annotated[str, Meta(min_length=1, description="name or address of the receiver")]
    port: Annotated[int, Meta(ge=1, le=65535)]
    timeout_s: Timeout = 5.0
    attempts: Attempts = 3


@sink("tcp", inputs={"value": Value}, parameters=TcpParameters, class_type="tcp")
class Tcp:
    """Each value as JSON behind its length, a whole number of 4 bytes, the highest first; connected again when lost.

    The JSON is `{"sequence": …, "epoch": …, "value": …}`.
    """

    def __init__(self, parameters: TcpParameters, context: Context) -> None:
        self._settings, self._context = parameters, context
        self._connection: socket.socket | None = None

    def process(self, value: Value) -> None:
        """Send it whole over one connection; one that breaks meanwhile is made anew and the item sent again."""
        context = self._context
        told = {"sequence": context.sequence, "epoch": context.epoch, "value": plain(value)}
        body = json_line(told)
        message = struct.pack(">I", len(body)) + body
        tried(lambda: self._send(message), Unreachable, self._settings.attempts, context.sleep, context.log.warning)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(self, message: bytes) -> None:
        settings = self._settings
        try:
            if self._connection is not None and _is_closed(self._connection):
                self.close()
            if self._connection is None:
                self._connection = socket.create_connection((settings.host, settings.port), settings.timeout_s)
                self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connection.sendall(message)
        except OSError as error:
            self.close()
            raise Unreachable(f"{settings.host}:{settings.port} cannot be reached: {error}") from error


def _is_closed(connection: socket.socket) -> bool:
    """Whether the receiver has ended the connection, which a first `send` would not tell."""
    before = connection.gettimeout()
    connection.settimeout(0.0)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    finally:
        with contextlib.suppress(OSError):
            connection.settimeout(before)
