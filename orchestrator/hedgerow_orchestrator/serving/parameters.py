"""Compares the parameters of a handler with the JSON schema that its catalogue gives: types, ranges, unknown names."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
    "null": (type(None),),
}

_BOUNDS: tuple[tuple[str, str, Callable[[float, float], bool]], ...] = (
    ("minimum", "at least", operator.lt),
    ("exclusiveMinimum", "above", operator.le),
    ("maximum", "at most", operator.gt),
    ("exclusiveMaximum", "below", operator.ge),
)


def wrong_parameters(given: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Pairs of a parameter's name and what is wrong with it; without a schema nothing is known to be wrong.

    Understood are what msgspec and pydantic write: `$ref`, `anyOf`, `enum`, `const`, ranges, lengths and items.
    """
    whole = _resolved(schema, schema)
    if "properties" not in whole:
        if given and whole:
            yield from ((name, "unknown; this handler has no parameters") for name in given)
        return
    known = whole["properties"]
    for name, value in given.items():
        if name not in known:
            yield name, f"unknown; known: {', '.join(sorted(known)) or 'none'}"
        elif message := _wrong(value, known[name], schema):
            yield name, message
    for name in whole.get("required", ()):
        if name not in given:
            yield name, "is missing, and has no default"


def _resolved(part: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = part.get("$ref", "")
    if not reference.startswith("#/"):
        return part
    found: Any = whole
    for step in reference[2:].split("/"):
        found = found.get(step, {})
    return _resolved(found, whole)


def _wrong(value: Any, part: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    """What is wrong with a value; empty where nothing is."""
    part = _resolved(part, whole)
    choices = part.get("anyOf") or part.get("oneOf")
    if choices:
        reasons = [_wrong(value, choice, whole) for choice in choices]
        return "" if not all(reasons) else " and ".join(dict.fromkeys(reasons))
    if "enum" in part and value not in part["enum"]:
        return f"{value!r} is none of {', '.join(map(repr, part['enum']))}"
    if "const" in part and value != part["const"]:
        return f"{value!r} is not {part['const']!r}"
    kinds = part.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    if kinds and not any(_is(value, kind) for kind in kinds):
        return f"{value!r} is no {' or '.join(kinds)}"
    return _out_of_range(value, part) or _wrong_items(value, part, whole)


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES.get(kind, (object,)))


def _out_of_range(value: Any, part: Mapping[str, Any]) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        for key, words, is_out in _BOUNDS:
            if key in part and is_out(value, part[key]):
                return f"{value!r} is out of range; give {words} {part[key]!r}"
        # Not a number is in no range.
        if value != value:
            return f"{value!r} is no number"
    if isinstance(value, str | list | tuple):
        length = "Length" if isinstance(value, str) else "Items"
        if len(value) < part.get(f"min{length}", 0):
            return f"{value!r} is too short; give {part[f'min{length}']} at least"
        if len(value) > part.get(f"max{length}", len(value)):
            return f"{value!r} is too long; give {part[f'max{length}']} at most"
    return ""


def _wrong_items(value: Any, part: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    if isinstance(value, list | tuple) and isinstance(part.get("items"), Mapping):
        for at, item in enumerate(value):
            if message := _wrong(item, part["items"], whole):
                return f"[{at}]: {message}"
    if isinstance(value, dict) and "properties" in part:
        for name, message in wrong_parameters(value, {**part, "$defs": whole.get("$defs", {})}):
            return f"{name}: {message}"
    return ""
