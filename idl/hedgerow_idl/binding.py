"""Serialise by way of the binding's own code, for the types and encapsulations that the compiler does not do."""

from __future__ import annotations

from typing import TypeVar

from cyclonedds.idl import IdlStruct
from cyclonedds.idl._support import Endianness

from hedgerow_idl.errors import CodecError

S = TypeVar("S", bound=IdlStruct)

# Plain CDR and plain CDR2, big and little endian: the encapsulations that a final type can come in.
_PLAIN_HEADERS = (b"\0\0", b"\0\1", b"\0\6", b"\0\7")


def encode(sample: IdlStruct, *, key_only: bool = False) -> bytes:
    """Serialise a sample, or its key, and pad it with zeros to a multiple of 4.

    Raises:
        CodecError: a value does not fit.
    """
    try:
        data = sample.serialize_key() if key_only else sample.serialize()
    except Exception as error:
        raise CodecError(f"{type(sample).__name__}: {error}") from error
    return data + bytes(-len(data) % 4)


def decode(wire_type: type[S], data: bytes, *, key_only: bool = False) -> S:
    """Deserialise a sample, or its key.

    Raises:
        CodecError: the binding cannot read the data.
    """
    if len(data) < 4:
        raise CodecError(f"{wire_type.__idl_typename__}: {len(data)} bytes are too few for a sample")
    read = wire_type.deserialize_key if key_only else wire_type.deserialize
    try:
        sample: S = read(data)
    except Exception as error:
        raise CodecError(f"{wire_type.__idl_typename__}: {len(data)} bytes are no sample: {error!r}") from error
    return sample


def transcoded(wire_type: type[IdlStruct], data: bytes, *, key_only: bool = False) -> bytes:
    """Turn a final type's sample, or its key, in another plain encapsulation into XCDR1, little-endian.

    Raises:
        CodecError: the header is none of a final type's, or the data do not hold exactly one sample.
    """
    header = data[:2]
    if header not in _PLAIN_HEADERS or len(data) < 4:
        raise CodecError(f"header {data[:4].hex(' ')} is none of a final type")
    sample = decode(wire_type, data, key_only=key_only)
    write = sample.serialize_key if key_only else sample.serialize
    order = Endianness.Little if header[1] & 1 else Endianness.Big
    try:
        again = write(endianness=order, use_version_2=header[1] > 1)
        little = write(endianness=Endianness.Little, use_version_2=False)
    except Exception as error:
        raise CodecError(f"{len(data)} bytes are no sample: {error}") from error
    # The binding does not notice data that end early or late.
    if not 0 <= len(data) - len(again) < 4:
        raise CodecError(f"the sample ends at byte {len(again)}, the data at byte {len(data)}")
    return little
