"""Tensors in chunks of up to 1 MiB, and the readers' word on how far they have come."""

from dataclasses import field

from cyclonedds.idl import IdlEnum, IdlStruct

from hedgerow_idl.kinds import Octets, no_octets, sequence, uint32, uint64, wire_type

CHUNK_BYTES = 1 << 20
"""No chunk carries more of a tensor."""


class Element(IdlEnum, typename="hedgerow.bulk.Element", default="U1"):
    """What a tensor is made of, as numpy names it: truth values, integers, unsigned, floats, complex; size in bytes."""

    B1 = 0
    I1 = 1
    I2 = 2
    I4 = 3
    I8 = 4
    U1 = 5
    U2 = 6
    U4 = 7
    U8 = 8
    F2 = 9
    F4 = 10
    F8 = 11
    C8 = 12
    C16 = 13


@wire_type
class Chunk(IdlStruct, typename="hedgerow.bulk.Chunk"):
    """A piece of a tensor whose elements lie in C order, little-endian.

    `stream_id` is one writer's for its life, and `position` counts its chunks from 1. `index` counts the chunks of one
    tensor from 0; every chunk of it holds `chunk_bytes`, the last one what is left. So a tensor begins at the position
    `position - index`, and this chunk at the byte `index * chunk_bytes` of it. `data` comes last: it is sent from where
    the array lies and copied straight to where it shall lie.
    """

    stream_id: uint64 = 0
    position: uint64 = 0
    index: uint32 = 0
    chunk_bytes: uint32 = CHUNK_BYTES
    element: Element = Element.U1
    shape: sequence[uint64] = field(default_factory=list)
    data: Octets = field(default_factory=no_octets)


@wire_type
class Credit(IdlStruct, typename="hedgerow.bulk.Credit"):
    """A reader has taken everything of a stream up to a position."""

    stream_id: uint64 = 0
    reader_id: uint64 = 0
    position: uint64 = 0
