"""Reads the input that a person gives a service in a form: what was typed as its kind, or a file by its name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, BinaryIO, cast

import msgspec
from werkzeug.datastructures import FileStorage

from hedgerow_frontend.problem_details import field_error
from hedgerow_frontend.serving.inputs import encoded_image

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "record": "a record: a JSON object",
        "text": "text, as it is",
        "tensors": "tensors: a JSON object of nested lists",
        "image": 'a picture: {"array": [[[red, green, blue], …]]}',
    }
)
"""What may be typed, by the type of the value; pictures are better given as a file."""

MEDIA_TYPES: Mapping[str, str] = MappingProxyType({".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"})
JSON_MAX_BYTES = 1_000_000


def typed_input(kind: str, text: str) -> dict[str, Any]:
    """The input that was typed.

    Raises:
        ApiError: 422 for the field `kind` or `value`.
    """
    if kind not in KINDS:
        raise field_error("kind", f"{kind!r} is unknown; known: {', '.join(KINDS)}")
    if kind == "text":
        return {"type": "text", "value": text}
    if not text.strip():
        raise field_error("value", "is empty; write the input, or choose a file")
    return {"type": kind, "value": _object("value", text)}


def input_in_file(file: FileStorage) -> dict[str, Any]:
    """The input in a file: a picture as it is, or a JSON object with its `type` and `value`, a record without them.

    Raises:
        ApiError: 422 for the field `file`.
    """
    ending = PurePath(file.filename or "").suffix.casefold()
    stream = cast(BinaryIO, file.stream)
    if ending in MEDIA_TYPES:
        return encoded_image(stream, MEDIA_TYPES[ending], size_of(stream))
    if ending != ".json":
        raise field_error("file", f"{file.filename!r} is not read here; choose a .jpg, .png or .json")
    text = stream.read(JSON_MAX_BYTES + 1)
    if len(text) > JSON_MAX_BYTES:
        raise field_error("file", f"{file.filename!r} is too large; at most {JSON_MAX_BYTES} bytes of JSON are read")
    return _object("file", text.decode("utf-8", "replace"))


def size_of(stream: BinaryIO) -> int:
    """How many bytes a stream that can be wound has, from its beginning."""
    size_bytes = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    return size_bytes


def _object(field: str, text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeEncodeError) as error:
        raise field_error(field, f"is no JSON object: {error}") from None
    except RecursionError:
        raise field_error(field, "is nested too deeply") from None
