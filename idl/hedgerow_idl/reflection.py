"""Read a wire type's annotations into the tree of its field kinds."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from keyword import iskeyword
from typing import Any

from cyclonedds.idl import IdlEnum, IdlStruct
from cyclonedds.idl import types as _types
from cyclonedds.idl._type_normalize import get_extended_type_hints

from hedgerow_idl.errors import UnsupportedTypeError
from hedgerow_idl.fields import Enumeration, Field, Kind, Primitive, Sequence, Struct, Text

# Larger types, counted with every nested struct written out, are not compiled: their source would be too long. Deeper
# ones would meet the limit of 20 nested loops that CPython sets.
MAX_LEAVES = 4096
MAX_DEPTH = 16

PRIMITIVES: dict[Any, Primitive] = {
    bool: Primitive("bool", "?", 1),
    int: Primitive("int64", "q", 8),
    float: Primitive("float64", "d", 8),
    _types.int8: Primitive("int8", "b", 1),
    _types.uint8: Primitive("uint8", "B", 1),
    _types.int16: Primitive("int16", "h", 2),
    _types.uint16: Primitive("uint16", "H", 2),
    _types.int32: Primitive("int32", "i", 4),
    _types.uint32: Primitive("uint32", "I", 4),
    _types.int64: Primitive("int64", "q", 8),
    _types.uint64: Primitive("uint64", "Q", 8),
    _types.float32: Primitive("float32", "f", 4),
    _types.float64: Primitive("float64", "d", 8),
}


@lru_cache(maxsize=1024)
def tree_of(wire_type: type[IdlStruct]) -> Struct:
    """Return the tree of a wire type.

    Raises:
        UnsupportedTypeError: the type is not final, recursive, too large, or has a field that the contract does not
            know.
    """
    tree = _struct(wire_type, (), {})
    if tree.leaves > MAX_LEAVES or tree.depth > MAX_DEPTH:
        limits = f"the limits are {MAX_LEAVES} and {MAX_DEPTH}"
        raise UnsupportedTypeError(f"{tree.name}: {tree.leaves} values, nested {tree.depth} deep; {limits}")
    return tree


def bare_fields(wire_type: type[IdlStruct]) -> list[str]:
    """Name the fields without a default."""
    if not dataclasses.is_dataclass(wire_type):
        return list(wire_type.__annotations__)
    missing = dataclasses.MISSING
    return [f.name for f in dataclasses.fields(wire_type) if f.default is missing and f.default_factory is missing]


def _struct(wire_type: type[IdlStruct], outer: tuple[type, ...], done: dict[type, Struct]) -> Struct:
    if wire_type in done:
        return done[wire_type]
    name = wire_type.__idl_typename__
    if wire_type in outer:
        raise UnsupportedTypeError(f"{name}: contains itself")
    annotations = wire_type.__idl_annotations__
    if annotations.get("extensibility", "final") != "final" or "keylist" in annotations or "xcdrv2" in annotations:
        raise UnsupportedTypeError(f"{name}: only @final types without keylist or chosen representation are known")
    try:
        hints = get_extended_type_hints(wire_type)
    except TypeError as error:
        raise UnsupportedTypeError(f"{name}: {error}") from error
    if not hints:
        raise UnsupportedTypeError(f"{name}: has no field")
    marks = wire_type.__idl_field_annotations__
    fields = []
    for field, hint in hints.items():
        # Names become source text; those of a type that was discovered on the bus may be anything.
        if not field.isidentifier() or iskeyword(field):
            raise UnsupportedTypeError(f"{name}: {field!r} is no Python name")
        kind = _kind(hint, (*outer, wire_type), done, f"{name}.{field}")
        fields.append(Field(field, kind, bool(marks.get(field, {}).get("key"))))
    done[wire_type] = Struct(wire_type, tuple(fields))
    return done[wire_type]


def _kind(hint: Any, outer: tuple[type, ...], done: dict[type, Struct], where: str) -> Kind:
    if isinstance(hint, _types.sequence) and hint.max_length is None:
        return Sequence(_kind(hint.subtype, outer, done, where))
    if hint is str:
        return Text()
    if isinstance(hint, type) and issubclass(hint, IdlStruct):
        return _struct(hint, outer, done)
    if isinstance(hint, type) and issubclass(hint, IdlEnum):
        if "bit_bound" in hint.__idl_annotations__ or not all(0 <= member.value < 1 << 31 for member in hint):
            raise UnsupportedTypeError(f"{where}: enum {hint.__idl_typename__} is not a plain int32 enum from 0 up")
        return Enumeration(hint)
    if hint.__hash__ is not None and hint in PRIMITIVES:
        return PRIMITIVES[hint]
    raise UnsupportedTypeError(f"{where}: kind {hint} is unknown")
