"""Wire types for these tests: one for each kind of field, at places where alignment matters, and every topic's."""

from dataclasses import field

import pytest
from cyclonedds.idl import IdlEnum, IdlStruct
from cyclonedds.idl.types import int8

from hedgerow_idl import (
    Float32s,
    Float64s,
    Header,
    Octets,
    float32,
    float64,
    int16,
    int32,
    int64,
    key,
    no_floats,
    no_octets,
    sequence,
    uint8,
    uint16,
    uint32,
    uint64,
    wire_type,
)
from hedgerow_idl.topics import TOPICS


class Colour(IdlEnum, typename="garden.Colour", default="RED"):
    """What colour a flower has."""

    GREEN = 2
    RED = 5
    BLUE = 2147483647


@wire_type
class Numbers(IdlStruct, typename="garden.Numbers"):
    """Every primitive, in an order that pads."""

    flag: bool = False
    tiny: int8 = 0
    wide: float64 = 0.0
    small: uint8 = 0
    short: int16 = 0
    other_flag: bool = False
    medium: int32 = 0
    narrow: float32 = 0.0
    unsigned_short: uint16 = 0
    large: int64 = 0
    unsigned: uint32 = 0
    unsigned_large: uint64 = 0
    plain_int: int = 0
    plain_float: float = 0.0


@wire_type
class Leaf(IdlStruct, typename="garden.Leaf"):
    """One byte, so that whatever follows is out of line."""

    mark: uint8 = 0


@wire_type
class Twig(IdlStruct, typename="garden.Twig"):
    """A text before numbers, so that their place is known at run time only."""

    name: str = ""
    flag: bool = False
    weight: float64 = 0.0
    colour: Colour = Colour.RED
    leaf: Leaf = field(default_factory=Leaf)
    depth: int16 = 0
    size: float32 = 0.0


@wire_type
class Arrays(IdlStruct, typename="garden.Arrays"):
    """Sequences of numbers, each after something that shifts it."""

    octets: Octets = field(default_factory=no_octets)
    floats: Float32s = field(default_factory=no_floats)
    name: str = ""
    doubles: Float64s = field(default_factory=no_floats)
    mark: uint8 = 0
    shorts: sequence[uint16] = field(default_factory=list)
    longs: sequence[int64] = field(default_factory=list)
    flags: sequence[bool] = field(default_factory=list)
    ints: sequence[int32] = field(default_factory=list)
    tiny: sequence[int8] = field(default_factory=list)
    colours: sequence[Colour] = field(default_factory=list)
    big: sequence[uint64] = field(default_factory=list)
    last: uint8 = 0


@wire_type
class Branch(IdlStruct, typename="garden.Branch"):
    """Sequences of everything that is not a number, and sequences of those."""

    mark: bool = False
    names: sequence[str] = field(default_factory=list)
    twigs: sequence[Twig] = field(default_factory=list)
    leaves: sequence[Leaf] = field(default_factory=list)
    grid: sequence[sequence[float64]] = field(default_factory=list)
    words: sequence[sequence[str]] = field(default_factory=list)
    blobs: sequence[Octets] = field(default_factory=list)
    arrays: sequence[Arrays] = field(default_factory=list)
    colour: Colour = Colour.GREEN


@wire_type
class Tree(IdlStruct, typename="garden.Tree"):
    """A keyed author's type with the header, with keys in places that shift."""

    name: str = ""
    key("name")
    header: Header = field(default_factory=Header)
    number: uint64 = 7
    key("number")
    leaf: Leaf = field(default_factory=Leaf)
    key("leaf")
    branches: sequence[Branch] = field(default_factory=list)
    twig: Twig = field(default_factory=Twig)
    height: float64 = float("nan")
    key("height")


GARDEN = (Numbers, Leaf, Twig, Arrays, Branch, Tree)


@pytest.fixture(scope="session", params=[*GARDEN, *(topic.type for topic in TOPICS)], ids=lambda t: t.__name__)
def any_type(request: pytest.FixtureRequest) -> type[IdlStruct]:
    """Every type of the topic table, and one for each kind of field."""
    return request.param


@pytest.fixture(scope="session")
def garden() -> dict[str, type]:
    """The types of these tests by name."""
    return {made.__name__: made for made in (*GARDEN, Colour)}
