"""Frames on a stream socket: a msgpack head and raw bytes, however the kernel cuts them.

frame = length of the head (4 bytes) | length of the payload (8 bytes) | head | payload          (little-endian)
"""

from __future__ import annotations

import socket
import struct
from collections import deque
from collections.abc import Iterable
from typing import Any

import msgspec

from hedgerow_nodes.serve.values import Buffer

_LENGTHS = struct.Struct("<IQ")
READ_BYTES = 1 << 16
MOST_HEAD_BYTES = 1 << 20
MOST_PAYLOAD_BYTES = 1 << 32
MOST_PIECES = 64
"""Pieces in one sendmsg; the kernel takes 1024."""

Head = dict[str, Any]
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(dict[str, Any])


class BadFrame(Exception):
    """Bytes that are no frame: the connection is of no use any more."""


def frame(head: Head, pieces: Iterable[Buffer] = ()) -> list[Buffer]:
    """The bytes of a frame in pieces."""
    payload = [memoryview(piece).cast("B") for piece in pieces if len(piece)]
    encoded = _encoder.encode(head)
    return [_LENGTHS.pack(len(encoded), sum(len(piece) for piece in payload)) + encoded, *payload]


def send(connection: socket.socket, head: Head, pieces: Iterable[Buffer] = ()) -> None:
    """Send a frame over a blocking socket.

    Raises:
        OSError: the other side is gone.
    """
    writer = FrameWriter()
    writer.add(head, pieces)
    while writer.pending_bytes:
        writer.send_once(connection)


class FrameWriter:
    """Frames that wait for a socket to take them."""

    def __init__(self) -> None:
        self._pieces: deque[memoryview] = deque()
        self.pending_bytes = 0

    def add(self, head: Head, pieces: Iterable[Buffer] = ()) -> None:
        """Put a frame at the end."""
        for piece in frame(head, pieces):
            view = memoryview(piece)
            self._pieces.append(view)
            self.pending_bytes += len(view)

    def flush(self, connection: socket.socket) -> bool:
        """Send what a non-blocking socket takes; whether that was everything.

        Raises:
            OSError: the other side is gone.
        """
        while self._pieces:
            try:
                self.send_once(connection)
            except BlockingIOError:
                return False
        return True

    def send_once(self, connection: socket.socket) -> None:
        """One sendmsg; it may take a part only."""
        first = [self._pieces[index] for index in range(min(MOST_PIECES, len(self._pieces)))]
        taken = connection.sendmsg(first)
        self.pending_bytes -= taken
        while taken:
            piece = self._pieces[0]
            if taken < len(piece):
                self._pieces[0] = piece[taken:]
                return
            taken -= len(piece)
            self._pieces.popleft()


class FrameReader:
    """Frames from a socket, blocking or not; large payloads go straight to their place."""

    def __init__(self) -> None:
        self._scratch = bytearray(READ_BYTES)
        self._waiting = bytearray()
        self._head: Head | None = None
        self._payload = bytearray()
        self._filled = 0

    def read(self, connection: socket.socket) -> list[tuple[Head, bytearray]] | None:
        """One recv, and the frames that it completed; `None` once the other side has closed.

        Raises:
            BadFrame: what came is no frame.
            BlockingIOError: there was nothing to read.
            OSError: the other side is gone.
        """
        missing = len(self._payload) - self._filled
        if self._head is not None and missing >= READ_BYTES:
            count = connection.recv_into(memoryview(self._payload)[self._filled :])
            if not count:
                return None
            self._filled += count
            return self._take_payload()
        count = connection.recv_into(self._scratch)
        if not count:
            return None
        return self.feed(memoryview(self._scratch)[:count])

    def feed(self, data: memoryview) -> list[tuple[Head, bytearray]]:
        """The frames that some more bytes complete.

        Raises:
            BadFrame: they are no frames.
        """
        done: list[tuple[Head, bytearray]] = []
        while True:
            if self._head is not None:
                taken = min(len(data), len(self._payload) - self._filled)
                self._payload[self._filled : self._filled + taken] = data[:taken]
                self._filled += taken
                data = data[taken:]
                complete = self._take_payload()
                if not complete:
                    return done
                done += complete
            self._waiting += data
            data = memoryview(b"")
            rest = self._open_head()
            if rest is None:
                return done
            data = memoryview(rest)

    def _open_head(self) -> bytes | None:
        """Begin the next frame, and give the bytes behind its head; `None` as long as the head is incomplete."""
        waiting = self._waiting
        if len(waiting) < _LENGTHS.size:
            return None
        head_bytes, payload_bytes = _LENGTHS.unpack_from(waiting)
        if head_bytes > MOST_HEAD_BYTES or payload_bytes > MOST_PAYLOAD_BYTES:
            raise BadFrame(f"a frame with a head of {head_bytes} and a payload of {payload_bytes} bytes")
        end = _LENGTHS.size + head_bytes
        if len(waiting) < end:
            return None
        try:
            self._head = _decoder.decode(memoryview(waiting)[_LENGTHS.size : end])
        except msgspec.MsgspecError as error:
            raise BadFrame(f"a frame's head is no msgpack object: {error}") from None
        rest = bytes(memoryview(waiting)[end:])
        self._waiting = bytearray()
        self._payload, self._filled = bytearray(payload_bytes), 0
        return rest

    def _take_payload(self) -> list[tuple[Head, bytearray]]:
        if self._head is None or self._filled < len(self._payload):
            return []
        complete = (self._head, self._payload)
        self._head, self._payload, self._filled = None, bytearray(), 0
        return [complete]
