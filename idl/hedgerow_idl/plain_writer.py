"""Generate, for one wire type, the function that turns a sample into plain values."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Set
from typing import Any

import numpy as np

from hedgerow_idl import runtime
from hedgerow_idl.errors import PlainError
from hedgerow_idl.fields import Enumeration, Kind, Primitive, Sequence, Struct
from hedgerow_idl.misfit import first_misfit
from hedgerow_idl.source import Source

INFINITY = "Infinity"


def writer_of(tree: Struct, skip: Set[str]) -> Callable[[Any], dict[str, Any]]:
    """Compile the writer of a type, leaving out the top-level fields in `skip`.

    Raises:
        PlainError: `skip` names an unknown field.
    """
    known = [field.name for field in tree.fields]
    for name in sorted(skip):
        if name not in known:
            raise PlainError(name, f"{tree.name} has no such field to skip; known: {', '.join(known)}")

    def fail(sample: Any, error: Exception) -> PlainError:
        field, _, reason = (first_misfit(tree, sample) or f": {error}").partition(": ")
        return PlainError(field, reason)

    source = Source({**_CONSTANTS, "fail": fail})
    kept = Struct(tree.type, tuple(field for field in tree.fields if field.name not in skip))
    source.add(f"return {_expression(kept, 'o', source)}")
    handler = ["except ERRORS as error:", "    raise fail(o, error) from error"]
    return source.compile("to_plain", "o", handler, tree.name)


def _expression(kind: Kind, value: str, source: Source) -> str:
    match kind:
        case Primitive(code="?"):
            return f"TRUTH[{value}]"
        case Primitive(is_float=True):
            # NaN, "unknown", is what most floats of most samples are: it must not cost a call.
            return f"(None if (v := {value}) != v else v if v.__class__ is float and finite(v) else number(v))"
        case Primitive():
            return f"(v if (v := {value}).__class__ is int else integer(v))"
        case Enumeration():
            known = source.constant("E", kind.type)
            return f"(e._name_ if (e := {value}).__class__ is {known} else refuse_member(e))"
        case Struct():
            fields = (f"{f.name!r}: {_expression(f.kind, f'{value}.{f.name}', source)}" for f in kind.fields)
            return f"{{{', '.join(fields)}}}"
        case Sequence(is_octets=True):
            return f"base64({value})"
        case Sequence(is_floats=True):
            return f"numbers({value})"
        case Sequence():
            item = source.name("x")
            return f"[{_expression(kind.element, item, source)} for {item} in {value}]"
        case _:
            return value


def _number(value: Any) -> float | str | None:
    number = float(value)
    if math.isfinite(number):
        return number
    if math.isnan(number):
        return None
    return INFINITY if number > 0 else f"-{INFINITY}"


def _numbers(values: Any) -> list[float | str | None]:
    array = np.asarray(values, dtype=np.float64)
    listed: list[float | str | None] = array.tolist()
    return listed if np.isfinite(array).all() else [_number(value) for value in listed]


def _base64(value: Any) -> str:
    return base64.b64encode(value).decode("ascii")


_CONSTANTS = {
    "ERRORS": runtime.ERRORS,
    "TRUTH": {False: False, True: True},
    "base64": _base64,
    "finite": math.isfinite,
    "integer": int,
    "number": _number,
    "numbers": _numbers,
    "refuse_member": runtime.refuse_member,
}
