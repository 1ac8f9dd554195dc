"""What the generated encoders and decoders call while they run."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np
from cyclonedds.idl import IdlEnum

from hedgerow_idl.errors import CodecError

# Whatever unfit values and bytes make generated code raise.
ERRORS = (struct.error, ArithmeticError, AttributeError, BufferError, LookupError, TypeError, ValueError)

BOOL_TO_BYTE = {False: 0, True: 1}
BYTE_TO_BOOL = (False, True)
KNOWN_TEXT_SIZE = 40
KNOWN_TEXTS = 256
"""How many short strings a field remembers: what is told of all nodes of a system, in a few kilobytes."""

ZEROS = tuple(bytes(size) for size in range(9))


def refuse_text() -> NoReturn:
    """Refuse, while encoding, a text with a zero byte, or a text in place of a sequence of texts."""
    raise ValueError("a text with a zero byte, or in place of a sequence of texts")


def refuse_member(value: Any) -> NoReturn:
    """Refuse, while encoding, a value that is no member of the enum."""
    raise ValueError(f"{value!r} is no member of the enum")


def octets(value: Any) -> bytes:
    """Return the bytes of a bytes-like object.

    Raises:
        TypeError: it is none.
    """
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise TypeError(f"{type(value).__name__} in place of bytes")


def float_packer(size: int) -> Callable[[Any], bytes]:
    """Return the function that packs a one-dimensional array or any sequence of floats, `size` bytes each."""
    wanted = np.dtype(f"<f{size}")
    letter = wanted.char

    def pack(values: Any) -> bytes:
        if not isinstance(values, np.ndarray):
            return struct.pack(f"<{len(values)}{letter}", *values)
        if values.ndim != 1 or values.dtype.kind not in "fiu":
            raise TypeError(f"array of shape {values.shape} and type {values.dtype}")
        if values.dtype != wanted:
            with np.errstate(over="raise"):
                values = values.astype(wanted)
        return bytes(values.tobytes())

    return pack


def no_floats(size: int) -> np.ndarray[Any, np.dtype[Any]]:
    """Return an empty array that nobody can change."""
    nothing = np.empty(0, dtype=f"<f{size}")
    nothing.setflags(write=False)
    return nothing


def read_text(known: dict[bytes, str], data: bytes, at: int, size: int, path: str) -> str:
    """Read a string with the zero byte at its end, and remember it if it is short.

    Raises:
        CodecError: there is no string of this size here.
        UnicodeDecodeError: it is not UTF-8.
    """
    raw = data[at : at + size]
    # One search checks the length, the zero byte at the end, and that there is none before it.
    if raw.find(0) != size - 1 or not size:
        raise CodecError(f"{path}: no string of {size} bytes at byte {at}")
    text = raw[:-1].decode()
    if size <= KNOWN_TEXT_SIZE:
        if len(known) >= KNOWN_TEXTS:
            known.clear()
        known[raw] = text
    return text


def refuse_count(path: str, count: int) -> NoReturn:
    """Refuse, while decoding, a sequence that is longer than the data."""
    raise CodecError(f"{path}: {count} elements are more than the data can hold")


def refuse_end(end: int, size: int) -> NoReturn:
    """Refuse data that end before or long after the sample."""
    raise CodecError(f"the sample ends at byte {end}, the data at byte {size}")


@lru_cache(maxsize=1024)
def members_by_value(enum: type[IdlEnum]) -> dict[int, IdlEnum]:
    """Return the table from wire value to member."""
    return {member.value: member for member in enum}


def may_skip_constructor(wire_type: type) -> bool:
    """Say whether assigning every field makes a whole sample: an ordinary dataclass that keeps a `__dict__`."""
    return (
        dataclasses.is_dataclass(wire_type)
        and wire_type.__new__ is object.__new__
        and wire_type.__setattr__ is object.__setattr__
        and not hasattr(wire_type, "__post_init__")
        and all(field.init for field in dataclasses.fields(wire_type))
        and not any("__slots__" in base.__dict__ for base in wire_type.__mro__[:-1])
    )
