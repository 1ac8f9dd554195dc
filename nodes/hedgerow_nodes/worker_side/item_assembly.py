"""Puts the chunks of other workers together again, and knows how far each stream was taken."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from hedgerow_idl.codec import CodecError
from hedgerow_idl.serve import ItemChunk, ItemKind

MOST_BYTES = 256 << 20
MOST_STREAMS = 256


@dataclass(frozen=True)
class Arrived:
    """A whole item of another worker; the payload is this item's own."""

    from_node_id: str
    kind: ItemKind
    header: dict[str, Any]
    payload: memoryview


@dataclass
class _Stream:
    last_position: int = 0
    kind: ItemKind = ItemKind.CAST
    header: dict[str, Any] | None = None
    payload: bytearray | None = None
    filled_bytes: int = 0
    next_index: int = 0


class ItemAssembly:
    """Any number of streams, of which each comes in order.

    Args:
        most_bytes: a larger item is refused.

    Attributes:
        incomplete: items given up because a chunk of them never came.
        duplicates: chunks that had been seen.
        malformed: chunks that contradict themselves or their item, or whose item is too large.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._streams: OrderedDict[tuple[str, int], _Stream] = OrderedDict()
        self.incomplete = self.duplicates = self.malformed = 0

    def add(self, chunk: ItemChunk, data: memoryview) -> Arrived | None:
        """Take in a chunk; the item if it is whole now."""
        stream = self._stream(chunk.from_node_id, chunk.stream_id)
        if chunk.position <= stream.last_position:
            self.duplicates += 1
            return None
        is_next = chunk.position == stream.last_position + 1
        stream.last_position = chunk.position
        if chunk.index == 0:
            self.incomplete += stream.payload is not None
            if not self._begin(stream, chunk):
                return None
        elif stream.payload is None or not is_next or chunk.index != stream.next_index:
            # Its begin, or what stood between, is lost, or was refused.
            self._abandon(stream)
            return None
        assert stream.payload is not None
        end = stream.filled_bytes + len(data)
        if end > len(stream.payload) or chunk.size_bytes != len(stream.payload) or (not data and chunk.size_bytes):
            self.malformed += 1
            stream.payload = None
            return None
        stream.payload[stream.filled_bytes : end] = data
        stream.filled_bytes, stream.next_index = end, chunk.index + 1
        if end < len(stream.payload):
            return None
        payload, stream.payload = stream.payload, None
        return Arrived(chunk.from_node_id, stream.kind, stream.header or {}, memoryview(payload).toreadonly())

    def go_on(self, from_node_id: str, stream_id: int, as_stream_id: int) -> None:
        """A stream goes on under another id."""
        stream = self._streams.pop((from_node_id, stream_id), None)
        if stream is not None:
            self._streams[from_node_id, as_stream_id] = stream

    def forget(self, from_node_id: str) -> None:
        """A worker is gone, and its streams with it."""
        for key in [key for key in self._streams if key[0] == from_node_id]:
            self._abandon(self._streams.pop(key))

    def _begin(self, stream: _Stream, chunk: ItemChunk) -> bool:
        stream.payload = None
        try:
            header = json.loads(chunk.header) if chunk.header else {}
            if not isinstance(header, dict):
                raise CodecError(f"an item's header is {chunk.header!r}; it must be a JSON object")
            if chunk.size_bytes > self._most_bytes:
                raise CodecError(f"an item of {chunk.size_bytes} bytes; {self._most_bytes} are the most")
        except (json.JSONDecodeError, CodecError):
            self.malformed += 1
            return False
        stream.kind, stream.header = chunk.kind, header
        stream.payload, stream.filled_bytes = bytearray(chunk.size_bytes), 0
        return True

    def _abandon(self, stream: _Stream) -> None:
        self.incomplete += stream.payload is not None
        stream.payload = None

    def _stream(self, from_node_id: str, stream_id: int) -> _Stream:
        key = from_node_id, stream_id
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = _Stream()
            if len(self._streams) > MOST_STREAMS:
                self._abandon(self._streams.popitem(last=False)[1])
        self._streams.move_to_end(key)
        return stream
