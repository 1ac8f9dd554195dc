"""Reads what a person wrote into a TOML or JSON file, with the file's line in what is wrong."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hedgerow_launch.failures import USAGE, CommandFailure

MOST_BYTES = 1_000_000
_AT_LINE = re.compile(r"\(at line (\d+), column (\d+)\)|\(at end of document\)")


def read_text(path: Path, what: str) -> str:
    """The text of a file; `what` says what is expected in it.

    Raises:
        CommandFailure: it cannot be read, is too large, or no UTF-8.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise CommandFailure(f"{path} has more than {MOST_BYTES} bytes; {what} is a few lines", USAGE)
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandFailure(f"{path} cannot be read: {error.strerror or error}", USAGE) from error
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise CommandFailure(f"{path}:{line}: is no UTF-8 text", USAGE) from error


def parse(path: Path, content: str) -> dict[str, Any]:
    """The object in a text that is TOML or JSON, as its file's name says.

    Raises:
        CommandFailure: it is neither, or no object.
    """
    kind = path.suffix.casefold()
    if kind not in (".toml", ".json"):
        raise CommandFailure(f"{path}: name it .toml or .json, so that it is clear how it is to be read", USAGE)
    try:
        fields = tomllib.loads(content) if kind == ".toml" else json.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise CommandFailure(_malformed(path, content, str(error)), USAGE) from error
    except json.JSONDecodeError as error:
        raise CommandFailure(f"{path}:{error.lineno}: is no JSON: {error.msg}, column {error.colno}", USAGE) from error
    except RecursionError as error:
        raise CommandFailure(f"{path}: is nested too deeply", USAGE) from error
    if not isinstance(fields, dict):
        raise CommandFailure(f"{path}:1: is a JSON {type(fields).__name__}; write an object", USAGE)
    return fields


def _malformed(path: Path, content: str, message: str) -> str:
    at = _AT_LINE.search(message)
    bare = _AT_LINE.sub("", message).strip()
    line, column = (at.group(1), at.group(2)) if at else (None, None)
    return f"{path}:{line or len(content.splitlines())}: is no TOML: {bare}{f', column {column}' if column else ''}"


def check_keys(path: Path, content: str, found: Mapping[str, Any], known: tuple[str, ...], above: str) -> None:
    """Refuse keys that nobody knows.

    Raises:
        CommandFailure: there is one; the message names its line and the known ones.
    """
    for key in found:
        if key not in known:
            line = line_of(content, key)
            place = f"{path}:{line}" if line else str(path)
            raise CommandFailure(f"{place}: {above}{key} is unknown; known: {', '.join(known)}", USAGE)


def line_of(content: str, key: str) -> int | None:
    """The first line on which a key is given a value, counted from 1; None where none is."""
    name = re.escape(key)
    written = re.compile(rf"""^\s*\[?\s*(?:[\w."]+\.)?["']?{name}["']?\s*[=:.\]]|[{{,]\s*["']?{name}["']?\s*[=:]""")
    lines = (number for number, line in enumerate(content.splitlines(), 1) if written.search(line))
    return next(lines, None)
