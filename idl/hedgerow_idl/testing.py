"""Hypothesis strategies for samples of any wire type, and a comparison; needs `hypothesis`, so only tests import it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, TypeVar

import numpy as np
from cyclonedds.idl import IdlStruct
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from hedgerow_idl.fields import Enumeration, Kind, Primitive, Sequence, Struct, Text
from hedgerow_idl.reflection import tree_of

S = TypeVar("S", bound=IdlStruct)


def samples(wire_type: type[S], *, max_items: int = 3, max_text: int = 12) -> SearchStrategy[S]:
    """Return a strategy for samples with every field set to any value that its kind can carry.

    Args:
        max_items: the length of the longest sequence.
        max_text: the length of the longest text, in characters.
    """
    strategy: SearchStrategy[S] = _values(tree_of(wire_type), max_items, max_text)
    return strategy


def first_difference(left: Any, right: Any, path: str = "sample") -> str | None:
    """Compare two samples field by field, types included and NaN like NaN; return the first difference in words."""
    if type(left) is not type(right):
        return f"{path}: {type(left).__name__} and {type(right).__name__}"
    if isinstance(left, IdlStruct):
        names = [field.name for field in dataclasses.fields(left)]  # type: ignore[arg-type]
        found = (first_difference(getattr(left, name), getattr(right, name), f"{path}.{name}") for name in names)
        return next((difference for difference in found if difference), None)
    if isinstance(left, list | np.ndarray):
        if len(left) != len(right) or getattr(left, "dtype", None) != getattr(right, "dtype", None):
            return f"{path}: {left!r} and {right!r}"
        pairs = enumerate(zip(left, right, strict=True))
        found = (first_difference(one, other, f"{path}[{at}]") for at, (one, other) in pairs)
        return next((difference for difference in found if difference), None)
    both_nan = isinstance(left, float | np.floating) and math.isnan(left) and math.isnan(right)
    return None if both_nan or left == right else f"{path}: {left!r} and {right!r}"


def _values(kind: Kind, max_items: int, max_text: int) -> SearchStrategy[Any]:
    match kind:
        case Struct():
            fields = {field.name: _values(field.kind, max_items, max_text) for field in kind.fields}
            return st.builds(kind.type, **fields)
        case Sequence(is_octets=True):
            return st.binary(max_size=max_items)
        case Sequence(element=Primitive(is_float=True, size=size) as element):
            numbers = st.lists(_values(element, max_items, max_text), max_size=max_items)
            return numbers.map(lambda values: np.array(values, dtype=f"<f{size}"))
        case Sequence():
            return st.lists(_values(kind.element, max_items, max_text), max_size=max_items)
        case Enumeration():
            return st.sampled_from(list(kind.type))
        case Text():
            # No IDL string holds a zero, and no UTF-8 a lone surrogate.
            return st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=max_text)
        case Primitive(is_bool=True):
            return st.booleans()
        case Primitive(is_float=True):
            return st.floats(width=32 if kind.size == 4 else 64)
        case Primitive():
            return st.integers(*kind.bounds)
