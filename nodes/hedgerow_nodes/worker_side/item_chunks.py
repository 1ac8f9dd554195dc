"""Items as chunks on the wire: cut, encoded without a copy of their data, and opened where they lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from struct import Struct

from hedgerow_idl.codec import CodecError, codec_of
from hedgerow_idl.serve import ItemChunk

CHUNK_BYTES = 256 << 10
"""Far below what a chunk may be: a receiver copies one while the next is on its way."""

Part = bytes | bytearray | memoryview
_CODEC = codec_of(ItemChunk)
_COUNT = Struct("<I")
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")
# Where the two strings begin: of a chunk with nothing in it they take 8 bytes each, and 4 come after them.
_STRINGS_AT = len(_CODEC.encode(ItemChunk())) - 2 * 8 - _COUNT.size


@dataclass(frozen=True)
class Piece:
    """One chunk's place in its item: `parts` are views of the item's payload."""

    index: int
    parts: tuple[memoryview, ...]
    size_bytes: int


def pieces(payload: Sequence[Part], chunk_bytes: int = CHUNK_BYTES) -> Iterator[Piece]:
    """Cut a payload, which may lie in several places, without a copy; of an empty one there is one empty piece."""
    index, held, size = 0, list[memoryview](), 0
    for part in payload:
        view = memoryview(part).cast("B") if len(part) else memoryview(b"")
        while len(view):
            taken = view[: chunk_bytes - size]
            held.append(taken)
            size += len(taken)
            view = view[len(taken) :]
            if size == chunk_bytes:
                yield Piece(index, tuple(held), size)
                index, held, size = index + 1, [], 0
    if held or index == 0:
        yield Piece(index, tuple(held), size)


def encoded(chunk: ItemChunk, piece: Piece) -> list[bytes | memoryview]:
    """A chunk with a piece as its data, in parts."""
    # The encoding of no data ends with their number, 0: the real number and the data take its place.
    head = _CODEC.encode(chunk)[: -_COUNT.size] + _COUNT.pack(piece.size_bytes)
    return [head, *piece.parts, _PADDING[piece.size_bytes % 4]]


def opened(view: memoryview) -> tuple[ItemChunk, memoryview]:
    """A chunk without its data, and a view of them where they lie.

    Raises:
        CodecError: it is none.
    """
    at = _STRINGS_AT
    for _ in range(2):
        at = _after_string(view, at)
    if len(view) < at + _COUNT.size:
        raise CodecError(f"{len(view)} bytes end before the data of an item's chunk")
    size: int = _COUNT.unpack_from(view, at)[0]
    begin = at + _COUNT.size
    if not 0 <= len(view) - begin - size < 4:
        raise CodecError(f"a chunk of {size} bytes of data in {len(view) - begin}")
    chunk = _CODEC.decode(bytes(view[:at]) + _COUNT.pack(0))
    return chunk, view[begin : begin + size]


def _after_string(view: memoryview, at: int) -> int:
    if len(view) < at + _COUNT.size:
        raise CodecError(f"{len(view)} bytes are no chunk of an item")
    size: int = _COUNT.unpack_from(view, at)[0]
    # Counted from behind the encapsulation, which is 4 bytes itself, strings and numbers begin at multiples of 4.
    return at + _COUNT.size + (size + 3) // 4 * 4
