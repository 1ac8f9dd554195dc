"""The values that flow between handlers, and their bytes: a msgpack head and raw buffers, never a pickle.

    bytes of a value = length of the head (4 bytes, little-endian) | head | padding | buffer | padding | buffer ...

Every buffer begins at a multiple of 16 bytes, so that an array is a view of what was received and is not copied.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from hedgerow_nodes.serve.value_types import (
    VALUE_TYPES,
    BadValue,
    Blob,
    Box,
    Boxes,
    Buffer,
    EncodedImage,
    Image,
    Record,
    Tensors,
    Text,
    Value,
    seen,
)

__all__ = [
    "VALUE_TYPES",
    "BadValue",
    "Blob",
    "Box",
    "Boxes",
    "Buffer",
    "EncodedImage",
    "Image",
    "Record",
    "Tensors",
    "Text",
    "Value",
    "decode",
    "encode",
    "size_bytes",
]

ALIGNMENT_BYTES = 16
MOST_BUFFERS = 65536
"""A head that names more buffers than this is refused."""


def encode(value: Value) -> list[Buffer]:
    """The bytes of a value in pieces; arrays that lie together in memory are not copied.

    Raises:
        BadValue: it is no value, or holds what cannot be sent.
    """
    packing = _Packing()
    pack = _PACK.get(type(value))
    if pack is None:
        known = ", ".join(sorted(kind.__name__ for kind in _PACK))
        raise BadValue(f"{seen(value)} is no value; return one of {known}")
    body = pack(value, packing)
    try:
        head = msgspec.msgpack.encode([packing.sizes, body])
    except (TypeError, OverflowError, RecursionError) as error:
        raise BadValue(f"a {value.type_name} holds what cannot be sent: {error}") from None
    filled = -(4 + len(head)) % ALIGNMENT_BYTES
    return [len(head).to_bytes(4, "little") + head + bytes(filled), *packing.pieces]


def decode(type_name: str, buffer: Buffer) -> Value:
    """The value of some bytes; its arrays are views of `buffer`, and may be written to if that may.

    Raises:
        BadValue: the bytes are not those of a value of this type.
    """
    view = memoryview(buffer).cast("B")
    try:
        unpack = _UNPACK[type_name]
    except KeyError:
        raise BadValue(f"{type_name!r} is no type of values; there are {', '.join(sorted(_UNPACK))}") from None
    try:
        head_end = 4 + int.from_bytes(view[:4], "little")
        if head_end > len(view):
            raise ValueError(f"the head ends at byte {head_end} of {len(view)}")
        sizes, body = msgspec.msgpack.decode(view[4:head_end], type=tuple[list[int], Any])
        return unpack(body, _opened(view, sizes, head_end))
    except (ValueError, TypeError, KeyError, IndexError, msgspec.MsgspecError) as error:
        raise BadValue(f"these {len(view)} bytes are no {type_name}: {error}") from None


def size_bytes(pieces: list[Buffer]) -> int:
    """How many bytes an encoded value has."""
    return sum(memoryview(piece).nbytes for piece in pieces)


class _Packing:
    """Collects the buffers of a value; in the head stand their indices."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.pieces: list[Buffer] = []

    def buffer(self, data: Buffer) -> int:
        view = memoryview(data).cast("B")
        self.sizes.append(len(view))
        if len(view):
            self.pieces.append(view)
            filled = -len(view) % ALIGNMENT_BYTES
            if filled:
                self.pieces.append(bytes(filled))
        return len(self.sizes) - 1

    def array(self, array: Any) -> list[Any]:
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biufc":
            raise BadValue(f"{seen(array)} is no array of numbers or truth values")
        # A view of bytes has no shape of zero elements, and no array of rank 0 is contiguous for it.
        flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8) if array.size else np.empty(0, np.uint8)
        return [array.dtype.str, list(array.shape), self.buffer(flat.data)]


def _opened(view: memoryview, sizes: list[int], head_end: int) -> list[memoryview]:
    if len(sizes) > MOST_BUFFERS:
        raise ValueError(f"{len(sizes)} buffers, more than {MOST_BUFFERS}")
    opened, at = [], head_end
    for size in sizes:
        at += -at % ALIGNMENT_BYTES
        if size < 0 or at + size > len(view):
            raise ValueError(f"a buffer of {size} bytes at byte {at} of {len(view)}")
        opened.append(view[at : at + size])
        at += size
    return opened


def _array(described: Any, buffers: list[memoryview]) -> NDArray[Any]:
    dtype_text, shape, index = described
    dtype = np.dtype(str(dtype_text))
    if dtype.kind not in "biufc":
        raise ValueError(f"an array of {dtype_text}")
    return np.frombuffer(buffers[index], dtype).reshape([int(side) for side in shape])


def _pack_box(box: Box, packing: _Packing) -> list[Any]:
    if not isinstance(box, Box):
        raise BadValue(f"boxes hold Box, not {seen(box)}")
    crop = None if box.crop is None else packing.array(box.crop)
    embedding = None if box.embedding is None else packing.array(box.embedding)
    sides = [float(side) for side in (box.probability, box.x, box.y, box.width, box.height)]
    return [box.label, *sides, [[float(x), float(y)] for x, y in box.landmarks], crop, embedding]


def _unpack_box(body: Any, buffers: list[memoryview]) -> Box:
    label, probability, x, y, width, height, landmarks, crop, embedding = body
    points = tuple((float(across), float(down)) for across, down in landmarks)
    return Box(
        *(label, probability, x, y, width, height, points),
        crop=None if crop is None else _array(crop, buffers),
        embedding=None if embedding is None else _array(embedding, buffers),
    )


_PACK: dict[type, Callable[[Any, _Packing], Any]] = {
    Image: lambda value, packing: packing.array(value.array),
    EncodedImage: lambda value, packing: [value.media_type, packing.buffer(value.data)],
    Boxes: lambda value, packing: [value.width, value.height, [_pack_box(box, packing) for box in value.boxes]],
    Tensors: lambda value, packing: {name: packing.array(array) for name, array in value.arrays.items()},
    Record: lambda value, packing: value.fields,
    Text: lambda value, packing: value.text,
    Blob: lambda value, packing: packing.buffer(value.data),
}

_UNPACK: dict[str, Callable[[Any, list[memoryview]], Value]] = {
    "image": lambda body, buffers: Image(_array(body, buffers)),
    "encoded_image": lambda body, buffers: EncodedImage(bytes(buffers[body[1]]), str(body[0])),
    "boxes": lambda body, buffers: Boxes(tuple(_unpack_box(box, buffers) for box in body[2]), body[0], body[1]),
    "tensors": lambda body, buffers: Tensors({name: _array(array, buffers) for name, array in body.items()}),
    "record": lambda body, buffers: Record(dict(body)),
    "text": lambda body, buffers: Text(msgspec.convert(body, str)),
    "blob": lambda body, buffers: Blob(bytes(buffers[body])),
}
