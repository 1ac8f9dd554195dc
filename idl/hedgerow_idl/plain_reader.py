"""Read a sample from plain values, strictly: whatever does not fit is refused by the name of its field."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from cyclonedds.idl import IdlStruct

from hedgerow_idl.errors import PlainError, shown
from hedgerow_idl.fields import Enumeration, Kind, Primitive, Sequence, Struct, Text
from hedgerow_idl.misfit import fits_float32
from hedgerow_idl.plain_writer import INFINITY
from hedgerow_idl.reflection import bare_fields, tree_of

S = TypeVar("S", bound=IdlStruct)

_INFINITIES = {INFINITY: math.inf, f"-{INFINITY}": -math.inf}


def from_plain(wire_type: type[S], mapping: Mapping[str, Any]) -> S:
    """Make a sample of a mapping as `to_plain` returns it; fields that are missing take their defaults.

    None stands for NaN in a float. Nothing is converted: a number is no text, 1.0 no integer, 1 no truth value.

    Raises:
        PlainError: a field is unknown, or its value has the wrong type or is out of range; `.field` is its path.
        UnsupportedTypeError: the type has a field that the contract does not know.
    """
    sample: S = _struct(tree_of(wire_type), mapping, "")
    return sample


def _struct(kind: Struct, value: Any, path: str) -> Any:
    if not isinstance(value, Mapping):
        raise PlainError(path, f"{shown(value)} is no object with fields of {kind.type.__name__}")
    prefix = f"{path}." if path else ""
    kinds = {field.name: field.kind for field in kind.fields}
    for name in value:
        if name not in kinds:
            raise PlainError(f"{prefix}{name}", f"unknown; known: {', '.join(kinds)}")
    for name in bare_fields(kind.type):
        if name not in value:
            raise PlainError(f"{prefix}{name}", "missing, and it has no default")
    return kind.type(**{name: _value(kinds[name], given, f"{prefix}{name}") for name, given in value.items()})


def _value(kind: Kind, value: Any, path: str) -> Any:
    match kind:
        case Text():
            return _text(value, path)
        case Primitive(is_float=True):
            return _float(kind, value, path)
        case Primitive():
            return _integer(kind, value, path)
        case Enumeration():
            return _member(kind, value, path)
        case Struct():
            return _struct(kind, value, path)
        case Sequence(is_octets=True):
            return _octets(value, path)
        case Sequence():
            return _sequence(kind, value, path)


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise PlainError(path, f"{shown(value)} is no text")
    if "\0" in value:
        raise PlainError(path, f"{shown(value)} holds a zero character, which no message can carry")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise PlainError(path, f"{shown(value)} is no Unicode text: {error.reason}") from error
    return value


def _float(kind: Primitive, value: Any, path: str) -> float:
    if value is None:
        return math.nan
    if isinstance(value, str) and value in _INFINITIES:
        return _INFINITIES[value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PlainError(path, f"{shown(value)} is no number")
    try:
        number = float(value)
    except OverflowError as error:
        raise PlainError(path, f"{shown(value)} is out of range for {kind.name}") from error
    if kind.size == 4 and not fits_float32(number):
        raise PlainError(path, f"{shown(value)} is out of range for {kind.name}")
    return number


def _integer(kind: Primitive, value: Any, path: str) -> int | bool:
    if kind.is_bool:
        if isinstance(value, bool):
            return value
        raise PlainError(path, f"{shown(value)} is neither true nor false")
    if isinstance(value, bool) or not isinstance(value, int):
        raise PlainError(path, f"{shown(value)} is no whole number")
    low, high = kind.bounds
    if not low <= value <= high:
        raise PlainError(path, f"{shown(value)} is out of range for {kind.name}; it goes from {low} to {high}")
    return value


def _member(kind: Enumeration, value: Any, path: str) -> Any:
    if not isinstance(value, str) or value not in kind.members:
        raise PlainError(path, f"{shown(value)} unknown; known: {', '.join(kind.members)}")
    return kind.type[value]


def _octets(value: Any, path: str) -> bytes:
    if not isinstance(value, str):
        raise PlainError(path, f"{shown(value)} is no base64 text")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PlainError(path, f"{shown(value)} is no base64 text: {error}") from error


def _sequence(kind: Sequence, value: Any, path: str) -> Any:
    if not isinstance(value, list | tuple):
        raise PlainError(path, f"{shown(value)} is no list")
    items = [_value(kind.element, item, f"{path}[{at}]") for at, item in enumerate(value)]
    if kind.is_floats and isinstance(kind.element, Primitive):
        return np.array(items, dtype=f"<f{kind.element.size}")
    return items
