"""The words in which a wire type is written: field types, and the decorator that finishes a class."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform, get_type_hints

import numpy as np
from cyclonedds.idl import IdlStruct
from cyclonedds.idl import annotations as _annotations
from cyclonedds.idl import types as _types
from cyclonedds.idl.types import sequence as sequence

from hedgerow_idl.codec import codec_of
from hedgerow_idl.reflection import bare_fields

S = TypeVar("S", bound=IdlStruct)

NAN = float("nan")

if TYPE_CHECKING:
    from numpy.typing import NDArray

    uint8 = int
    int16 = int
    uint16 = int
    int32 = int
    uint32 = int
    int64 = int
    uint64 = int
    float32 = float
    float64 = float
    Octets = bytes
    Float32s = NDArray[np.float32]
    Float64s = NDArray[np.float64]
else:
    uint8 = _types.uint8
    int16 = _types.int16
    uint16 = _types.uint16
    int32 = _types.int32
    uint32 = _types.uint32
    int64 = _types.int64
    uint64 = _types.uint64
    float32 = _types.float32
    float64 = _types.float64
    # In Python octets are `bytes` and arrays of floats are numpy arrays; on the wire they are plain IDL sequences.
    Octets = _types.sequence[_types.uint8]
    Float32s = _types.sequence[_types.float32]
    Float64s = _types.sequence[_types.float64]


def no_octets() -> bytes:
    """Default of an `Octets` field."""
    return b""


def no_floats() -> np.ndarray[Any, np.dtype[np.float64]]:
    """Default of a `Float64s` field."""
    return np.empty(0, dtype="<f8")


@dataclass_transform(kw_only_default=True, eq_default=False)
def wire_type(cls: type[S]) -> type[S]:
    """Finish an `IdlStruct` class: keyword-only dataclass, @final on the wire, equal where the wire bytes are equal.

    Every field needs a default, so that an author passes only what he knows. Two samples are equal when they have the
    same type and the same encoding: NaN equals NaN, and numpy arrays compare by content.

    Raises:
        TypeError: a field has no default or an annotation that cannot be resolved, or the class is no `IdlStruct`.
    """
    if not issubclass(cls, IdlStruct):
        raise TypeError(f"{cls.__name__} is no IdlStruct; write `class {cls.__name__}(IdlStruct, typename='…')`")
    if any(isinstance(hint, str) for hint in cls.__annotations__.values()):
        _resolve_annotations(cls)
    finished = dataclasses.dataclass(kw_only=True, eq=False)(cls)
    bare = bare_fields(finished)
    if bare:
        raise TypeError(f"{cls.__name__}: fields without a default: {', '.join(bare)}; give each one")
    _annotations.final(finished)
    finished.__eq__ = _same_bytes  # type: ignore[method-assign]
    finished.__hash__ = None  # type: ignore[assignment]
    return finished


def _resolve_annotations(cls: type[IdlStruct]) -> None:
    """Replace annotations that are text, as `from __future__ import annotations` leaves them, by types."""
    try:
        hints = get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise TypeError(f"{cls.__name__}: {error}; name the types of its fields at the top of the module") from error
    cls.__annotations__ |= {name: hints[name] for name in cls.__annotations__}


def key(*names: str) -> None:
    """Declare, inside a class body, which fields are the DDS key."""
    for name in names:
        _annotations.key(name)


def _same_bytes(self: Any, other: object) -> Any:
    own: type[IdlStruct] = type(self)
    if own is not type(other):
        return NotImplemented
    encode = codec_of(own).encode
    return encode(self) == encode(other)
