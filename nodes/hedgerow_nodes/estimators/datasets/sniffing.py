"""Which kind of file some first bytes belong to, whatever the file is called."""

from __future__ import annotations

import codecs
from collections.abc import Mapping

TEXT = "text"
JSON = "JSON"
PARQUET = "a Parquet file"
UNKNOWN_BINARY = "a binary file of an unknown kind"
EMPTY = "an empty file"

# First bytes as the formats' own specifications give them.
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"PAR1", PARQUET),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF-", "a PDF document"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"ID3", "an MP3 recording"),
    (b"fLaC", "a FLAC recording"),
    (b"OggS", "an Ogg recording"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
)
_RIFF: Mapping[bytes, str] = {b"WEBP": "a WebP image", b"WAVE": "a WAV recording", b"AVI ": "an AVI video"}
_BITMAP_RESERVED = slice(6, 10)
_WIDE: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = frozenset(range(32)) - {9, 10, 11, 12, 13, 27}
_CONTROL_SHARE = 0.02


def kind_of(head: bytes) -> str:
    """The kind of a file that begins so: `TEXT`, `JSON`, or words for any other, such as "a PNG image"."""
    if not head:
        return EMPTY
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], UNKNOWN_BINARY)
    if head[:2] == b"BM" and head[_BITMAP_RESERVED] == bytes(4):
        return "a BMP image"
    if head[4:8] == b"ftyp":
        return "an MP4 video or a HEIC image"
    # "MZ" and "ID3" are words as well: a text that begins so goes on without bytes that no text has.
    for signature, kind in _SIGNATURES:
        if head.startswith(signature) and (not signature.isalnum() or signature == b"PAR1" or _is_binary(head)):
            return kind
    if wide_encoding(head) is None and _is_binary(head):
        return UNKNOWN_BINARY
    return _kind_of_text(decoded(head)[0])


def is_image(head: bytes) -> bool:
    """Whether the bytes begin an image."""
    return kind_of(head).endswith(" image")


def wide_encoding(head: bytes) -> str | None:
    """The encoding that a byte order mark of two or four bytes names."""
    return next((name for mark, name in _WIDE if head.startswith(mark)), None)


def decoded(content: bytes) -> tuple[str, str]:
    """The text and the name of its encoding: by its mark, else UTF-8, else Windows-1252, which fits any bytes.

    A character cut off at the end is left out.
    """
    wide = wide_encoding(content)
    if wide is not None:
        return codecs.getincrementaldecoder(wide)(errors="replace").decode(content), wide
    try:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(content), "utf-8"
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace"), "cp1252"


def _is_binary(head: bytes) -> bool:
    return 0 in head or sum(byte in _CONTROL for byte in head) > _CONTROL_SHARE * len(head)


def _kind_of_text(text: str) -> str:
    start = text.lstrip()[:200].lower()
    if not start:
        return EMPTY
    if start.startswith(("<!doctype html", "<html")):
        return "an HTML page"
    if start.startswith("<?xml"):
        return "an XML file"
    if start.startswith("version https://git-lfs"):
        return "a Git LFS pointer, not the file itself"
    inside = start[1:].lstrip()
    is_object = start[0] == "{" and inside[:1] in ('"', "}")
    is_list = start[0] == "[" and inside[:1] in tuple('{["]-0123456789tfn')
    return JSON if is_object or is_list else TEXT
