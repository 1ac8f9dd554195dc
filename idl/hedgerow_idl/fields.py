"""The neutral tree of field kinds on which codec, plain form, schema and .idl text rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from cyclonedds.idl import IdlEnum, IdlStruct


@dataclass(frozen=True)
class Primitive:
    """A number or truth value of fixed size; `code` is its letter in the `struct` module."""

    name: str
    code: str
    size: int

    @property
    def is_float(self) -> bool:
        return self.code in "fd"

    @property
    def is_bool(self) -> bool:
        return self.code == "?"

    @cached_property
    def bounds(self) -> tuple[int, int]:
        """The least and the greatest value of an integer."""
        bits = 8 * self.size
        return (-(1 << bits - 1), (1 << bits - 1) - 1) if self.code.islower() else (0, (1 << bits) - 1)


@dataclass(frozen=True)
class Text:
    """An unbounded string."""


@dataclass(frozen=True)
class Enumeration:
    """An enum, an int32 on the wire."""

    type: type[IdlEnum]
    size: ClassVar[int] = 4

    @cached_property
    def members(self) -> dict[str, int]:
        return {member.name: member.value for member in self.type}

    @property
    def name(self) -> str:
        return str(self.type.__idl_typename__)


@dataclass(frozen=True)
class Sequence:
    """An unbounded sequence."""

    element: Kind

    @property
    def is_octets(self) -> bool:
        """Whether Python sees `bytes`."""
        return isinstance(self.element, Primitive) and self.element.code == "B"

    @property
    def is_floats(self) -> bool:
        """Whether Python sees a numpy array."""
        return isinstance(self.element, Primitive) and self.element.is_float


@dataclass(frozen=True)
class Field:
    """One member of a struct."""

    name: str
    kind: Kind
    is_key: bool = False


@dataclass(frozen=True)
class Struct:
    """A wire type and its members in wire order."""

    type: type[IdlStruct]
    fields: tuple[Field, ...]

    @property
    def name(self) -> str:
        return str(self.type.__idl_typename__)

    @cached_property
    def leaves(self) -> int:
        """How many values there are when every nested struct is written out once."""
        return sum(_leaves(field.kind) for field in self.fields)

    @cached_property
    def depth(self) -> int:
        """How deep structs and sequences are nested."""
        return 1 + max(_depth(field.kind) for field in self.fields)

    def key(self, *, is_nested: bool = False) -> Struct:
        """Reduce to the DDS key: the key fields, and in a nested struct without key fields all of them."""
        takes_all = is_nested and not any(field.is_key for field in self.fields)
        chosen = (field for field in self.fields if field.is_key or takes_all)
        return Struct(self.type, tuple(Field(f.name, _key_kind(f.kind), f.is_key) for f in chosen))


Kind = Primitive | Text | Enumeration | Sequence | Struct


def types_in(kind: Kind) -> Iterator[Struct | Enumeration]:
    """Yield every struct and enum of a tree, the innermost first; one used twice comes twice."""
    match kind:
        case Struct():
            for field in kind.fields:
                yield from types_in(field.kind)
            yield kind
        case Sequence():
            yield from types_in(kind.element)
        case Enumeration():
            yield kind


def _key_kind(kind: Kind) -> Kind:
    return kind.key(is_nested=True) if isinstance(kind, Struct) else kind


def _leaves(kind: Kind) -> int:
    match kind:
        case Struct():
            return kind.leaves
        case Sequence():
            return 1 + _leaves(kind.element)
        case _:
            return 1


def _depth(kind: Kind) -> int:
    match kind:
        case Struct():
            return kind.depth
        case Sequence():
            return 1 + _depth(kind.element)
        case _:
            return 0
