"""The types of the values that flow between handlers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Buffer = bytes | bytearray | memoryview


class BadValue(ValueError):
    """A value that cannot be sent, or bytes that are no value; the message says what is wrong with which."""


class Value:
    """What every value type is; as the type of a port it takes any of them."""

    type_name: ClassVar[str] = "any"


@dataclass(frozen=True, slots=True, eq=False)
class Image(Value):
    """A picture: `array` is uint8 of height x width x 3, in the order red, green, blue."""

    array: NDArray[np.uint8]
    type_name: ClassVar[str] = "image"

    def __post_init__(self) -> None:
        array = self.array
        if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
            raise BadValue(f"an image is a uint8 array of height x width x 3, not {seen(array)}")

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.array.shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.array.shape[0])


@dataclass(frozen=True, slots=True)
class EncodedImage(Value):
    """A picture as a file's bytes, and what they are: `image/jpeg`, `image/png`, …"""

    data: Buffer
    media_type: str = "image/jpeg"
    type_name: ClassVar[str] = "encoded_image"


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """Something found in a picture; all lengths in its pixels, from the upper left corner.

    `landmarks` are points (x, y), `crop` is the piece of the picture, `embedding` a vector that tells it from others.
    """

    label: str
    probability: float
    x: float
    y: float
    width: float
    height: float
    landmarks: tuple[tuple[float, float], ...] = ()
    crop: NDArray[np.uint8] | None = None
    embedding: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Boxes(Value):
    """What was found in one picture of `width` x `height` pixels."""

    boxes: tuple[Box, ...] = ()
    width: int = 0
    height: int = 0
    type_name: ClassVar[str] = "boxes"

    def __post_init__(self) -> None:
        object.__setattr__(self, "boxes", tuple(self.boxes))


@dataclass(frozen=True, slots=True, eq=False)
class Tensors(Value):
    """Arrays by name."""

    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    type_name: ClassVar[str] = "tensors"


@dataclass(frozen=True, slots=True)
class Record(Value):
    """Anything that JSON can say as an object; bytes are allowed besides."""

    fields: dict[str, Any] = field(default_factory=dict)
    type_name: ClassVar[str] = "record"


@dataclass(frozen=True, slots=True)
class Text(Value):
    """Text."""

    text: str = ""
    type_name: ClassVar[str] = "text"


@dataclass(frozen=True, slots=True)
class Blob(Value):
    """Bytes of which nothing is known."""

    data: Buffer = b""
    type_name: ClassVar[str] = "blob"


def seen(value: Any) -> str:
    """What a value is, for an error's text."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} with the shape {value.shape}"
    return f"a {type(value).__name__}"


VALUE_TYPES: dict[str, type[Value]] = {
    kind.type_name: kind for kind in (Image, EncodedImage, Boxes, Tensors, Record, Text, Blob)
}
"""Value types by name; `any` is none, it stands for all of them."""
