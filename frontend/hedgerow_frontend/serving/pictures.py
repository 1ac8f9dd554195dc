"""Pictures within a page: data URIs of what a service answers with, raw pixels stored as PNG."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Mapping
from typing import Any

SHOWN_MAX_BYTES = 16_000_000
"""A larger picture is not put into a page."""
_ENCODED = frozenset({"image/jpeg", "image/png"})


def picture_in(output: object) -> str:
    """The data URI of the picture that an output is, encoded or of pixels; empty where it is none."""
    if not isinstance(output, Mapping):
        return ""
    if output.get("media_type") in _ENCODED:
        data = content(output.get("data"))
        return data_uri(data, str(output["media_type"])) if data else ""
    array = output.get("array")
    if not isinstance(array, Mapping) or array.get("dtype") not in ("|u1", "uint8"):
        return ""
    shape, data = array.get("shape"), content(array.get("data"))
    if not isinstance(shape, list) or len(shape) != 3 or shape[2] != 3 or len(data) != shape[0] * shape[1] * 3:
        return ""
    return data_uri(png(shape[1], shape[0], data), "image/png") if data else ""


def data_uri(data: bytes, media_type: str) -> str:
    """Some bytes as an address."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def content(text: Any) -> bytes:
    """What a text in base64 holds; empty where it is none, or more than is shown."""
    if not isinstance(text, str) or len(text) > SHOWN_MAX_BYTES * 4 // 3 + 4:
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def png(width: int, height: int, pixels: bytes) -> bytes:
    """Rows of red, green and blue, a byte each, as PNG (ISO/IEC 15948) without filters."""
    row = 3 * width
    lines = b"".join(b"\0" + pixels[at : at + row] for at in range(0, row * height, row))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
