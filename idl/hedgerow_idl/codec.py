"""Turn samples into bytes and back: compiled for each wire type, byte-identical with the binding's own serialiser."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Generic, TypeVar

from cyclonedds.idl import IdlStruct

from hedgerow_idl import binding
from hedgerow_idl.decoder import decoder_of
from hedgerow_idl.encoder import encoder_of
from hedgerow_idl.errors import CodecError, UnsupportedTypeError
from hedgerow_idl.reflection import bare_fields, tree_of

__all__ = ["Codec", "CodecError", "codec_of"]

S = TypeVar("S", bound=IdlStruct)

_log = logging.getLogger("hedgerow.codec")


class Codec(Generic[S]):
    """The wire form of one type: final XCDR1, little-endian, with its 4-byte header, zero-padded to a multiple of 4.

    Attributes:
        encode: sample -> bytes; raises CodecError naming the field whose value does not fit.
        decode: bytes -> sample; raises CodecError for anything that is not exactly one sample of the type.
        encode_key: sample -> bytes of its key fields only, as a dispose carries them.
        decode_key: bytes that hold only the key fields -> sample whose other fields have their defaults.
        is_compiled: whether the type has only kinds of field that the compiler knows; if not, the binding's own
            serialiser does the work, slowly, octets are then lists of ints, and arrays of floats lists.

    Data in another encapsulation (big-endian, CDR2) are decoded by way of the binding.
    """

    __slots__ = ("decode", "decode_key", "encode", "encode_key", "is_compiled", "type")

    def __init__(self, wire_type: type[S]) -> None:
        self.type = wire_type
        self.encode: Callable[[S], bytes] = binding.encode
        self.encode_key: Callable[[S], bytes] = partial(binding.encode, key_only=True)
        self.decode: Callable[[bytes], S] = partial(binding.decode, wire_type)
        self.decode_key: Callable[[bytes], S] = partial(binding.decode, wire_type, key_only=True)
        try:
            tree = tree_of(wire_type)
        except UnsupportedTypeError as reason:
            self.is_compiled = False
            _log.warning("%s; the binding's own serialiser does the whole type, many times slower", reason)
            return
        self.is_compiled = True
        self.encode = encoder_of(tree)
        self.decode = decoder_of(tree, lambda data: self.decode(binding.transcoded(wire_type, data)))
        key = tree.key()
        if not key.fields:
            self.decode_key = lambda data: wire_type()
            return
        self.encode_key = encoder_of(key)
        if not bare_fields(wire_type):
            self.decode_key = decoder_of(
                key, lambda data: self.decode_key(binding.transcoded(wire_type, data, key_only=True)), is_key=True
            )


@lru_cache(maxsize=1024)
def codec_of(wire_type: type[S]) -> Codec[S]:
    """Return the codec of a wire type, compiled on the first call.

    Raises:
        TypeError: the type is no IDL struct.
    """
    if not (isinstance(wire_type, type) and issubclass(wire_type, IdlStruct)):
        raise TypeError(f"{wire_type!r} is no IdlStruct type and has no wire form")
    return Codec(wire_type)
