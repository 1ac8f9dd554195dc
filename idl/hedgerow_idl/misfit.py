"""Find the field whose value its wire type cannot carry, after the compiled encoder has refused the sample."""

from __future__ import annotations

import math
import operator
import struct
from typing import Any

import numpy as np

from hedgerow_idl.errors import shown
from hedgerow_idl.fields import Enumeration, Kind, Primitive, Sequence, Struct, Text


def first_misfit(kind: Kind, value: Any, path: str = "") -> str | None:
    """Describe the first value that does not fit as `path: what is wrong`, or return None."""
    match kind:
        case Struct():
            return _struct(kind, value, path)
        case Sequence():
            return _sequence(kind, value, path)
        case Text():
            reason = _text(value)
        case Enumeration():
            fits = type(value) is kind.type
            reason = None if fits else f"no member of {kind.name}; known: {', '.join(kind.members)}"
        case Primitive():
            reason = _primitive(kind, value)
    return reason and f"{path}: {shown(value)} is {reason}"


def _struct(kind: Struct, value: Any, path: str) -> str | None:
    for field in kind.fields:
        inner = f"{path}.{field.name}" if path else field.name
        try:
            member = getattr(value, field.name)
        except AttributeError:
            return f"{path or 'sample'}: {shown(value)} is no {kind.type.__name__}"
        if found := first_misfit(field.kind, member, inner):
            return found
    return None


def _sequence(kind: Sequence, value: Any, path: str) -> str | None:
    if kind.is_octets:
        fits = isinstance(value, bytes | bytearray | memoryview)
        return None if fits else f"{path}: {shown(value)} is neither bytes, bytearray nor memoryview"
    if isinstance(value, str):
        return f"{path}: {shown(value)} is no sequence but a text"
    if kind.is_floats and isinstance(value, np.ndarray) and (value.ndim != 1 or value.dtype.kind not in "fiu"):
        return f"{path}: array of shape {value.shape} and type {value.dtype} is no row of numbers"
    try:
        items = list(value)
    except TypeError:
        return f"{path}: {shown(value)} is no sequence"
    found = (first_misfit(kind.element, item, f"{path}[{at}]") for at, item in enumerate(items))
    return next((reason for reason in found if reason), None)


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return "no text"
    if "\0" in value:
        return "a text with a zero byte, which no IDL string can hold"
    try:
        value.encode()
    except UnicodeEncodeError as error:
        return f"no Unicode text: {error.reason}"
    return None


def _primitive(kind: Primitive, value: Any) -> str | None:
    if kind.is_bool:
        fits = isinstance(value, bool | np.bool_) or (isinstance(value, int | float) and value in (0, 1))
        return None if fits else "neither True nor False"
    try:
        number = float(value) if kind.is_float and not isinstance(value, str | bytes) else operator.index(value)
    except (TypeError, ValueError, OverflowError):
        return f"no {kind.name}"
    if kind.is_float:
        return "out of range for float32" if kind.size == 4 and not fits_float32(number) else None
    low, high = kind.bounds
    return None if low <= number <= high else f"out of range for {kind.name}, {low} to {high}"


def fits_float32(number: float) -> bool:
    """Say whether a number has a finite float32 beside it, or is itself not finite."""
    if not math.isfinite(number):
        return True
    try:
        struct.pack("<f", number)
    except OverflowError:
        return False
    return True
