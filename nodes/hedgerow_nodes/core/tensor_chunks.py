"""Cut numpy arrays into chunks and put chunks together again; nothing here knows a bus."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hedgerow_idl.bulk import CHUNK_BYTES, Chunk, Element
from hedgerow_idl.codec import CodecError, codec_of

Tensor = NDArray[Any]

MOST_STREAMS = 16
"""So many writers may be in the middle of a tensor; of more, the one heard of least recently starts anew."""

MOST_DIMENSIONS = 32
_CODEC = codec_of(Chunk)
_DTYPES = {element: np.dtype(f"<{element.name.lower()}") for element in Element}
_ELEMENTS = {dtype: element for element, dtype in _DTYPES.items()}
_COUNT = Struct("<I")
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")
# Where the number of dimensions stands in an encoded chunk, and where they begin.
_DIMENSIONS_AT = 32
_SHAPE_AT = 36


def as_little_endian(array: Any) -> tuple[Element, Tensor]:
    """The array in C order and little-endian, itself where it is so already, and what it is made of.

    Raises:
        TypeError: its elements are no numbers or truth values.
    """
    array = np.asarray(array, order="C")
    dtype = array.dtype.newbyteorder("<")
    element = _ELEMENTS.get(dtype)
    if element is None:
        known = ", ".join(known.name for known in _DTYPES.values())
        raise TypeError(f"an array of {array.dtype} cannot be sent as a tensor; convert it to one of {known}")
    return element, array.astype(dtype, copy=False)


def chunks(
    array: Any, stream_id: int, position: int, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[tuple[bytes, memoryview, bytes]]:
    """The encoded chunks of an array, each as its head, its data, a view of the array, and padding.

    Args:
        position: that of the first chunk in its stream.
        chunk_bytes: how much of the array each holds.

    Raises:
        TypeError: the array's elements are no numbers or truth values.
    """
    element, array = as_little_endian(array)
    octets = array.reshape(-1).view(np.uint8).data
    head = Chunk(stream_id=stream_id, chunk_bytes=chunk_bytes, element=element, shape=list(array.shape))
    for index in range(max(1, math.ceil(len(octets) / chunk_bytes))):
        head.position, head.index = position + index, index
        data = octets[index * chunk_bytes : (index + 1) * chunk_bytes]
        # The encoding of no data ends with their number, 0: the real number and the data take its place.
        yield _CODEC.encode(head)[: -_COUNT.size] + _COUNT.pack(len(data)), data, _PADDING[len(data) % 4]


def opened(encoded: memoryview) -> tuple[Chunk, memoryview]:
    """A chunk without its data, and a view of them where they lie.

    Raises:
        CodecError: it is none.
    """
    if len(encoded) < _SHAPE_AT:
        raise CodecError(f"{len(encoded)} bytes are no chunk")
    dimensions: int = _COUNT.unpack_from(encoded, _DIMENSIONS_AT)[0]
    if dimensions > MOST_DIMENSIONS:
        raise CodecError(f"a tensor of {dimensions} dimensions; {MOST_DIMENSIONS} are the most")
    data_at = _SHAPE_AT + 8 * dimensions + _COUNT.size
    chunk = _CODEC.decode(bytes(encoded[: data_at - _COUNT.size]) + _COUNT.pack(0))
    if len(encoded) < data_at:
        raise CodecError(f"{len(encoded)} bytes end before the data of a chunk of {dimensions} dimensions")
    size: int = _COUNT.unpack_from(encoded, data_at - _COUNT.size)[0]
    if not 0 <= len(encoded) - data_at - size < 4:
        raise CodecError(f"a chunk of {size} bytes of data in {len(encoded) - data_at}")
    return chunk, encoded[data_at : data_at + size]


@dataclass
class _Stream:
    """One writer's chunks: the last position seen, and the tensor that is being put together."""

    last_position: int = 0
    began_at: int = 0
    tensor: Tensor | None = None
    octets: NDArray[np.uint8] | None = None
    like: tuple[Any, ...] = ()
    missing: int = 0


class Assembly:
    """Puts the chunks of any number of streams together.

    Attributes:
        incomplete: tensors given up, because chunks of a newer one came.
        duplicates: chunks that had been seen, or came after newer ones, and were ignored.
    """

    def __init__(self, most_bytes: int) -> None:
        self.incomplete = 0
        self.duplicates = 0
        self._most_bytes = most_bytes
        self._streams: OrderedDict[int, _Stream] = OrderedDict()

    def add(self, chunk: Chunk, data: memoryview) -> Tensor | None:
        """Copy a chunk's data to their place; return the tensor if it is complete now.

        Raises:
            CodecError: the chunk contradicts itself or its tensor, or the tensor would be too large.
        """
        dtype, size, offset = self._checked(chunk, data)
        stream = self._stream(chunk.stream_id)
        if chunk.position <= stream.last_position:
            self.duplicates += 1
            return None
        began_at, like = chunk.position - chunk.index, (chunk.element, chunk.shape, chunk.chunk_bytes)
        if stream.tensor is None or stream.began_at != began_at:
            self.incomplete += stream.tensor is not None
            stream.began_at, stream.like = began_at, like
            stream.tensor = np.empty(chunk.shape, dtype)
            stream.octets = stream.tensor.reshape(-1).view(np.uint8)
            stream.missing = max(1, math.ceil(size / chunk.chunk_bytes))
        elif stream.like != like:
            raise CodecError(f"a chunk says {like}, its tensor {stream.like}")
        stream.last_position = chunk.position
        assert stream.octets is not None
        stream.octets[offset : offset + len(data)] = data
        stream.missing -= 1
        if stream.missing:
            return None
        whole, stream.tensor, stream.octets = stream.tensor, None, None
        if chunk.element is Element.B1 and whole.view(np.uint8).max(initial=0) > 1:
            raise CodecError("a tensor of truth values holds others than 0 and 1")
        return whole

    def _checked(self, chunk: Chunk, data: memoryview) -> tuple[np.dtype[Any], int, int]:
        dtype = _DTYPES[chunk.element]
        size = math.prod(chunk.shape) * dtype.itemsize
        if size > self._most_bytes or max(chunk.shape, default=0) > self._most_bytes:
            raise CodecError(f"a tensor of shape {chunk.shape} and {size} bytes; {self._most_bytes} are the most here")
        if not 1 <= chunk.chunk_bytes <= CHUNK_BYTES or not chunk.index < chunk.position:
            raise CodecError(f"chunk {chunk.index} at position {chunk.position}, {chunk.chunk_bytes} bytes each")
        offset = chunk.index * chunk.chunk_bytes
        due = min(chunk.chunk_bytes, size - offset)
        if len(data) != due or (due == 0 and chunk.index > 0):
            raise CodecError(f"chunk {chunk.index} of a tensor of {size} bytes holds {len(data)} where {due} are due")
        return dtype, size, offset

    def _stream(self, stream_id: int) -> _Stream:
        stream = self._streams.get(stream_id)
        if stream is None:
            stream = self._streams[stream_id] = _Stream()
            if len(self._streams) > MOST_STREAMS:
                _, oldest = self._streams.popitem(last=False)
                self.incomplete += oldest.tensor is not None
        self._streams.move_to_end(stream_id)
        return stream
