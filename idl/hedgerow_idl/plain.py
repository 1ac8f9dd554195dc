"""The plain form of a sample: dicts, lists, texts and numbers, as they go into JSON and come out of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any

import msgspec
from cyclonedds.idl import IdlStruct

from hedgerow_idl.errors import PlainError
from hedgerow_idl.plain_reader import from_plain
from hedgerow_idl.plain_writer import writer_of
from hedgerow_idl.reflection import tree_of

__all__ = ["PlainError", "from_plain", "to_json", "to_plain"]


def to_plain(sample: IdlStruct, *, skip: Collection[str] = ()) -> dict[str, Any]:
    """Return a sample as plain values, in wire order, without the top-level fields named in `skip`.

    NaN becomes None, an infinity the text `Infinity` or `-Infinity`, an enum its member's name, octets base64 text, an
    array of floats a list, a nested struct a dict.

    Raises:
        PlainError: a value does not fit its field, or `skip` names an unknown field.
        UnsupportedTypeError: the type has a field that the contract does not know.
    """
    return _writer(type(sample), frozenset(skip))(sample)


def to_json(sample: IdlStruct, *, skip: Collection[str] = ()) -> str:
    """Return the plain form of a sample as JSON text; errors as `to_plain`."""
    return msgspec.json.encode(to_plain(sample, skip=skip)).decode()


@lru_cache(maxsize=1024)
def _writer(wire_type: type[IdlStruct], skip: frozenset[str]) -> Callable[[Any], dict[str, Any]]:
    return writer_of(tree_of(wire_type), skip)
