"""Describe a wire type as JSON text, and build an equivalent type from such a text where the type is not known."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from cyclonedds.idl import IdlEnum, IdlStruct

from hedgerow_idl import advice, common, control
from hedgerow_idl.errors import SchemaError, UnsupportedTypeError
from hedgerow_idl.fields import Enumeration, Kind, Primitive, Sequence, Struct, Text, types_in
from hedgerow_idl.reflection import tree_of
from hedgerow_idl.schema_builder import Builder
from hedgerow_idl.schema_text import EnumText, StructText, TypeText

__all__ = ["SchemaError", "build", "describe"]

MAX_BYTES = 64 * 1024


def describe(wire_type: type[IdlStruct]) -> str:
    """Return the JSON text that describes a type with all it is made of.

    `{"type": NAME, "enums": [{"name", "members", "default", "doc"}], "structs": [{"name", "fields": [[NAME, KIND]],
    "key", "doc"}]}`: each struct stands after those it contains, `doc` is a docstring's first line, and KIND is a
    primitive (`bool`, `int8` … `uint64`, `float32`, `float64`), `string`, `sequence<KIND>` or the name of a type.

    Raises:
        UnsupportedTypeError: the type has something that the contract does not know.
        SchemaError: `build` would refuse the text.
    """
    tree = tree_of(wire_type)
    enums: dict[str, EnumText] = {}
    structs: dict[str, StructText] = {}
    for inner in types_in(tree):
        if isinstance(inner, Enumeration):
            enums[inner.name] = _enum_text(inner)
        else:
            structs[inner.name] = _struct_text(inner)
    described = TypeText(type=tree.name, enums=list(enums.values()), structs=list(structs.values()))
    text = msgspec.json.encode(described).decode()
    build(text)
    return text


@lru_cache(maxsize=256)
def build(text: str) -> type[IdlStruct]:
    """Make the type that a text of `describe` describes: the same bytes on the wire, the same DDS type id.

    Where the text describes one of this package's own types, that type itself takes its place, so that a foreign
    output's `header` is a `Header`.

    Raises:
        SchemaError: the text is longer than 64 KiB, no JSON, or does not describe a type.
    """
    size = len(text.encode(errors="surrogatepass"))
    if size > MAX_BYTES:
        raise SchemaError(f"a description of {size} bytes; the limit is {MAX_BYTES}")
    try:
        described = msgspec.json.decode(text, type=TypeText)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise SchemaError(f"no description of a type: {error}") from error
    return Builder(_own_types()).build(described)


@lru_cache(maxsize=1)
def _own_types() -> dict[str, tuple[EnumText | StructText, Any]]:
    own: dict[str, tuple[EnumText | StructText, Any]] = {}
    for module in (common, advice, control):
        for value in vars(module).values():
            if not (isinstance(value, type) and value.__module__ == module.__name__):
                continue
            if issubclass(value, IdlEnum):
                own[value.__idl_typename__] = _enum_text(Enumeration(value)), value
            elif issubclass(value, IdlStruct):
                own[value.__idl_typename__] = _struct_text(tree_of(value)), value
    return own


def _enum_text(kind: Enumeration) -> EnumText:
    if kind.type.__idl_annotations__:
        raise UnsupportedTypeError(f"{kind.name}: annotations {', '.join(kind.type.__idl_annotations__)} are unknown")
    default = kind.type(kind.type.__idl_enum_default_value__)
    return EnumText(name=kind.name, members=dict(kind.members), default=default.name, doc=_first_line(kind.type))


def _struct_text(tree: Struct) -> StructText:
    marks = {mark for marks in tree.type.__idl_field_annotations__.values() for mark in marks} - {"key"}
    if tree.type.__base__ is not IdlStruct:
        raise UnsupportedTypeError(f"{tree.name}: derives from {tree.type.__base__}; write its fields out")
    for unknown in (set(tree.type.__idl_annotations__) - {"extensibility"}) | marks:
        raise UnsupportedTypeError(f"{tree.name}: annotation {unknown} is unknown")
    return StructText(
        name=tree.name,
        fields=[(field.name, _kind_text(field.kind)) for field in tree.fields],
        key=[field.name for field in tree.fields if field.is_key],
        doc=_first_line(tree.type),
    )


def _kind_text(kind: Kind) -> str:
    match kind:
        case Primitive() | Enumeration() | Struct():
            return kind.name
        case Text():
            return "string"
        case Sequence():
            return f"sequence<{_kind_text(kind.element)}>"


def _first_line(wire_type: type) -> str:
    # A dataclass without a docstring is given one that repeats its fields, an enum without one that of its base.
    own = wire_type.__dict__.get("__doc__") or ""
    return "" if own.startswith(f"{wire_type.__name__}(") else own.strip().partition("\n")[0]
