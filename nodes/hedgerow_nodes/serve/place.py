"""The `Context` that a handler gets in its process."""

from __future__ import annotations

import itertools
import logging
import time
from pathlib import Path
from typing import Any

from hedgerow_nodes.serve.channel import Channel, Closed
from hedgerow_nodes.serve.frames import Head
from hedgerow_nodes.serve.handler import CallFailed, HandlerType
from hedgerow_nodes.serve.values import BadValue, Value, decode

ERROR = "error"
"""The type of a reply that says that the call failed; its payload is text."""


class Place:
    """Where a handler is, and what it may do beside returning a value."""

    def __init__(self, begin: Head, kind: HandlerType, channel: Channel) -> None:
        self.name: str = begin["name"]
        self.service_id: str = begin["service_id"]
        self.logical_id: str = begin["logical_id"]
        self.folder = Path(begin["folder"])
        self.models = Path(begin["models"])
        self.execution_providers: tuple[str, ...] = tuple(begin["execution_providers"])
        self.parameters: Any = None
        self.log = logging.getLogger(f"hedgerow.handler.{self.name}")
        self.current: Head = {"seq": begin["first_sequence"], "epoch": begin["epoch"], "call": "", "kind": "cast"}
        self.has_replied = False
        self.woken_at_s = time.time()
        self._kind = kind
        self._channel = channel
        self._numbers = itertools.count(1)

    @property
    def sequence(self) -> int:
        """Of the item that is worked on; of a source, that of the next one."""
        return int(self.current["seq"])

    @property
    def epoch(self) -> int:
        """Of the item that is worked on."""
        return int(self.current["epoch"])

    @property
    def stopping(self) -> bool:
        """Whether the handler shall come to an end."""
        try:
            self._channel.poll()
        except Closed:
            return True
        return False

    def sleep(self, seconds: float) -> bool:
        """Wait; `False` if the handler shall stop, which ends the wait at once."""
        try:
            self._channel.wait_until(lambda: False, max(0.0, seconds))
        except Closed:
            return False
        finally:
            self.woken_at_s = time.time()
        return True

    def cast(self, port: str, value: Value, delay_s: float = 0.0) -> None:
        """Send a value over a port, now or later."""
        self._send(port, value, "cast", str(self.current["call"]), delay_s)

    def call(self, port: str, value: Value, timeout_s: float = 10.0) -> Value:
        """Send a value over a port and wait for the reply."""
        call = f"{self.logical_id}:{next(self._numbers)}"
        self._send(port, value, "call", call, 0.0)
        replies = self._channel.replies
        if not self._channel.wait_until(lambda: call in replies, timeout_s):
            raise TimeoutError(f"no reply over {port} of {self.name} within {timeout_s:g} s")
        head, payload = replies.pop(call)
        if head["type"] == ERROR:
            raise CallFailed(bytes(payload).decode(errors="replace"))
        return decode(head["type"], payload)

    def reply(self, value: Value) -> None:
        """Answer the call, or the request, that the item which is worked on belongs to."""
        if self.current["call"] and not self.has_replied:
            self.has_replied = True
            self._channel.emit("", {**self.stamp(), "kind": "reply"}, value)

    def fail(self, text: str) -> None:
        """Answer it with an error."""
        if self.current["call"] and not self.has_replied:
            self.has_replied = True
            head = {"do": "emit", "out": "", "type": ERROR, **self.stamp(), "kind": "reply"}
            self._channel.send(head, [text.encode()])

    def stamp(self) -> Head:
        """What every item carries on that comes of the one that is worked on."""
        return {"seq": self.current["seq"], "epoch": self.current["epoch"], "call": self.current["call"]}

    def _send(self, port: str, value: Value, kind: str, call: str, delay_s: float) -> None:
        self.check(port, value)
        self._channel.emit(port, {**self.stamp(), "kind": kind, "call": call, "delay": delay_s}, value)

    def check(self, port: str, value: Value) -> None:
        """Refuse a value that the port does not take.

        Raises:
            BadValue: there is no such port, or the value is of another type.
        """
        outputs = self._kind.outputs
        if port not in outputs:
            raise BadValue(f"{self.name} has no output {port!r}; it has {', '.join(outputs) or 'none'}")
        if not isinstance(value, outputs[port]):
            raise BadValue(f"output {port} of {self.name} takes {outputs[port].__name__}, not {type(value).__name__}")


class HostLog(logging.Handler):
    """Hands what an instance logs to its host."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(logging.INFO)
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        """Send one line."""
        self._channel.send({"do": "log", "level": record.levelno, "text": self.format(record)})


def error_text(error: BaseException) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
