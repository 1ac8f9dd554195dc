"""Check a description of a wire type that came from anywhere, and make the classes it describes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import field
from functools import partial
from keyword import iskeyword
from typing import Any

import msgspec
from cyclonedds.idl import IdlStruct, make_idl_enum, make_idl_struct

from hedgerow_idl.errors import SchemaError, shown
from hedgerow_idl.kinds import NAN, no_floats, no_octets, sequence, wire_type
from hedgerow_idl.reflection import MAX_DEPTH, MAX_LEAVES, PRIMITIVES
from hedgerow_idl.schema_text import EnumText, StructText, TypeText

MAX_NAME = 255
MAX_DOC = 1000

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_RESERVED = frozenset(dir(IdlStruct))
_BY_NAME = {primitive.name: (hint, primitive) for hint, primitive in PRIMITIVES.items()}


class _Made(msgspec.Struct, frozen=True):
    """A type that is ready: what to annotate a field with, what makes its default, its size and depth in the tree."""

    hint: Any
    default: Callable[[], Any]
    leaves: int
    depth: int


class Builder:
    """Makes the types of one description, one after another, so that each can only contain earlier ones."""

    def __init__(self, own: dict[str, tuple[EnumText | StructText, Any]]) -> None:
        self._own = own
        self._made: dict[str, _Made] = {}

    def build(self, described: TypeText) -> type[IdlStruct]:
        """Return the type described.

        Raises:
            SchemaError: naming what is wrong.
        """
        for enum in described.enums:
            self._add_enum(enum)
        for struct in described.structs:
            self._add_struct(struct)
        if not described.structs or described.structs[-1].name != described.type:
            raise SchemaError(f"type {shown(described.type)} is not the last of the structs")
        built: type[IdlStruct] = self._made[described.type].hint
        return built

    def _add_enum(self, enum: EnumText) -> None:
        self._check_type_name(enum.name, enum.doc)
        for name, value in enum.members.items():
            _check_name(f"{enum.name}.{name}", name)
            if not 0 <= value < 1 << 31:
                raise SchemaError(
                    f"{enum.name}.{name}: value {value} is out of range; it goes from 0 to {(1 << 31) - 1}"
                )
        if enum.default not in enum.members or len(set(enum.members.values())) < len(enum.members):
            raise SchemaError(f"{enum.name}: the default {shown(enum.default)} is no member, or two values are equal")
        made = self._known(enum)
        if made is None:
            try:
                made = make_idl_enum(enum.name.rpartition(".")[2], enum.name, enum.members)
            except (TypeError, ValueError) as error:
                raise SchemaError(f"{enum.name}: {error}") from error
            # The binding's function has an argument for it, and forgets it.
            made.__idl_enum_default_value__ = enum.members[enum.default]  # type: ignore[misc,assignment]
            _dress(made, enum.doc)
        self._made[enum.name] = _Made(made, partial(made, enum.members[enum.default]), 1, 0)

    def _add_struct(self, struct: StructText) -> None:
        self._check_type_name(struct.name, struct.doc)
        names = [name for name, _ in struct.fields]
        for name in names:
            _check_name(f"{struct.name}.{name}", name)
        if not names or len(set(names)) < len(names):
            raise SchemaError(f"{struct.name}: no field, or two of one name")
        if not set(struct.key) <= set(names):
            raise SchemaError(f"{struct.name}: key {struct.key} names no field; known: {', '.join(names)}")
        members = {name: self._kind(kind, f"{struct.name}.{name}") for name, kind in struct.fields}
        leaves = sum(member.leaves for member in members.values())
        depth = 1 + max(member.depth for member in members.values())
        if leaves > MAX_LEAVES or depth > MAX_DEPTH:
            raise SchemaError(
                f"{struct.name}: {leaves} values, nested {depth} deep; the limits are {MAX_LEAVES} and {MAX_DEPTH}"
            )
        made = self._known(struct) or _new_struct(struct, members)
        self._made[struct.name] = _Made(made, made, leaves, depth)

    def _known(self, described: EnumText | StructText) -> Any:
        """Return this package's own type where it is the one described."""
        own, made = self._own.get(described.name, (None, None))
        if own is None or msgspec.structs.replace(own, doc="") != msgspec.structs.replace(described, doc=""):
            return None
        if isinstance(described, StructText):
            # The name of a member's type may stand for another type here than in the package.
            used = {_stripped(kind)[0] for _, kind in described.fields} & set(self._made)
            if any(name not in self._own or self._made[name].hint is not self._own[name][1] for name in used):
                return None
        return made

    def _kind(self, kind: str, where: str) -> _Made:
        name, wraps = _stripped(kind)
        made = self._element(name, where)
        hint: Any = made.hint
        for _ in range(wraps):
            hint = sequence.__class_getitem__(hint)  # type: ignore[no-untyped-call]
        if not wraps:
            return made
        primitive = _BY_NAME[name][1] if name in _BY_NAME and wraps == 1 else None
        default: Callable[[], Any] = list
        if primitive and primitive.code == "B":
            default = no_octets
        elif primitive and primitive.is_float:
            default = no_floats
        return _Made(hint, default, made.leaves + wraps, made.depth + wraps)

    def _element(self, name: str, where: str) -> _Made:
        if name == "string":
            return _Made(str, str, 1, 0)
        if name in _BY_NAME:
            hint, primitive = _BY_NAME[name]
            return _Made(hint, _nan if primitive.is_float else bool if primitive.is_bool else int, 1, 0)
        if name in self._made:
            return self._made[name]
        known = ["string", *_BY_NAME, *self._made]
        raise SchemaError(f"{where}: kind {shown(name)} unknown; known: {', '.join(known)}, and sequence<…> of them")

    def _check_type_name(self, name: str, doc: str) -> None:
        for part in name.split("."):
            _check_name(f"type {shown(name)}", part)
        if len(name) > MAX_NAME or name in self._made or name in _BY_NAME or name == "string":
            raise SchemaError(f"type {shown(name)}: longer than {MAX_NAME} characters, or a name that is taken")
        if len(doc) > MAX_DOC:
            raise SchemaError(f"{name}: doc of {len(doc)} characters; the limit is {MAX_DOC}")


def _stripped(kind: str) -> tuple[str, int]:
    """Return the innermost element of a kind, and in how many sequences it is."""
    wraps = 0
    while wraps <= MAX_DEPTH and kind.startswith("sequence<") and kind.endswith(">"):
        kind, wraps = kind[len("sequence<") : -1], wraps + 1
    return kind, wraps


def _check_name(where: str, name: str) -> None:
    if not _NAME.fullmatch(name) or iskeyword(name) or name in _RESERVED or len(name) > MAX_NAME:
        raise SchemaError(f"{where}: {shown(name)} is no name; letters, digits and _ after a letter, no Python word")


def _new_struct(struct: StructText, members: dict[str, _Made]) -> type[IdlStruct]:
    bare = make_idl_struct(
        struct.name.rpartition(".")[2],
        struct.name,
        {name: member.hint for name, member in members.items()},
        dataclassify=False,
        field_annotations={name: {"key": True} for name in struct.key},
    )
    for name, member in members.items():
        setattr(bare, name, field(default_factory=member.default))
    _dress(bare, struct.doc)
    return wire_type(bare)


def _nan() -> float:
    return NAN


def _dress(made: Any, doc: str) -> None:
    made.__doc__ = doc
    made.__module__ = __name__
