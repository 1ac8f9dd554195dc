"""An instance's end of the socket to its host: orders and items come in, results go out within their windows."""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from hedgerow_nodes.serve.frames import FrameReader, Head, send
from hedgerow_nodes.serve.values import Value, encode

Received = tuple[Head, bytearray]


class Closed(BaseException):
    """The instance shall end: its host says so, or is gone. No error: no handler's `except Exception` takes it."""


class Channel:
    """One thread reads and writes; whoever waits for anything here hears the host's orders meanwhile.

    Args:
        connection: a blocking stream socket.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader = FrameReader()
        self.items: deque[Received] = deque()
        self.calls: deque[Received] = deque()
        self.replies: dict[str, Received] = {}
        self.is_running = False
        self.is_closing = False
        self.first_sequence = -1
        self.on_switch: Callable[[Head], None] = lambda head: None
        self.epochs: dict[int, Head] = {}
        self._begin: Head | None = None
        self.has_forgotten = False
        self._windows: dict[str, int] = {}
        self._on_their_way: dict[str, int] = {}

    def first(self) -> Head:
        """The order to begin, which comes before all else."""
        while self._begin is None and not self.is_closing:
            self._read(None)
        if self.is_closing or self._begin is None:
            raise Closed
        return self._begin

    def send(self, head: Head, pieces: list[Any] | None = None) -> None:
        """Tell the host something; waits only for the host's data-plane thread, which never blocks."""
        try:
            send(self._connection, head, pieces or ())
        except OSError:
            raise Closed from None

    def emit(self, port: str, head: Head, value: Value) -> None:
        """Send a value over an output, as soon as its window allows."""
        self.emit_encoded(port, {"type": value.type_name, **head}, encode(value))

    def emit_encoded(self, port: str, head: Head, pieces: list[Any]) -> None:
        """The same with a value's bytes, of the type that the head says."""
        self.wait_until(lambda: self._has_room(port))
        if port in self._windows:
            self._on_their_way[port] = self._on_their_way.get(port, 0) + 1
        self.send({"do": "emit", "out": port, **head}, pieces)

    def wait_until(self, is_true: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Wait for something that an order or an item brings about; `False` if it did not come in time."""
        give_up_at_s = None if timeout_s is None else time.monotonic() + timeout_s
        self.poll()
        while not is_true():
            remaining_s = None if give_up_at_s is None else give_up_at_s - time.monotonic()
            if remaining_s is not None and remaining_s <= 0:
                return False
            self._read(remaining_s)
            if self.is_closing:
                raise Closed
        return True

    def poll(self) -> None:
        """Take what has come."""
        while self._read(0.0):
            pass
        if self.is_closing:
            raise Closed

    def _has_room(self, port: str) -> bool:
        window = self._windows.get(port)
        return window is None or self._on_their_way.get(port, 0) < window

    def _read(self, timeout_s: float | None) -> bool:
        if not select.select([self._connection], [], [], timeout_s)[0]:
            return False
        try:
            frames = self._reader.read(self._connection)
        except OSError:
            frames = None
        if frames is None:
            self.is_closing = True
            return False
        for head, payload in frames:
            self._take(head, payload)
        return True

    def _take(self, head: Head, payload: bytearray) -> None:
        match head["do"]:
            case "item" if head["kind"] == "reply":
                self.replies[head["call"]] = (head, payload)
            case "item" if head["kind"] == "call":
                self.calls.append((head, payload))
            case "item":
                self.items.append((head, payload))
            case "token":
                port = head["out"]
                self._on_their_way[port] = max(0, self._on_their_way.get(port, 0) - 1)
            case "epoch":
                # Only the first says what to be; the epoch may have been told anew before a slow start reads either.
                self._begin = self._begin or head
                self.epochs[head["epoch"]] = head
            case "windows":
                self._windows = {port: size for port, size in head["windows"].items() if size is not None}
            case "forget":
                self.epochs.pop(head["epoch"], None)
                self.has_forgotten = True
            case "run":
                self.is_running = bool(head["run"])
            case "number":
                self.first_sequence = head["at"]
            case "switch":
                self.on_switch(head)
            case "close":
                self.is_closing = True
