"""The JSON form of a type's description, checked for its shape when it is read."""

from __future__ import annotations

import msgspec


class EnumText(msgspec.Struct, forbid_unknown_fields=True):
    """The description of an enum."""

    name: str
    members: dict[str, int]
    default: str
    doc: str = ""


class StructText(msgspec.Struct, forbid_unknown_fields=True):
    """The description of a struct; `fields` holds pairs of name and kind."""

    name: str
    fields: list[tuple[str, str]]
    key: list[str] = []
    doc: str = ""


class TypeText(msgspec.Struct, forbid_unknown_fields=True):
    """The description of a type with everything it is made of."""

    type: str
    structs: list[StructText]
    enums: list[EnumText] = []
