"""Finds the line of a key in a TOML text, which `tomllib` does not tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_PART = r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'"""
_DOTTED = rf"(?:{_PART})(?:\s*\.\s*(?:{_PART}))*"
_TABLE = re.compile(rf"^\s*\[{{1,2}}\s*({_DOTTED})\s*\]")
_KEY = re.compile(rf"^\s*({_DOTTED})\s*=")
_LONG_STRINGS = ('"""', "'''")


def line_of(text: str, key: Sequence[str]) -> int | None:
    """The 1-based line where a key stands, or the nearest one around it: its inline table, its table's header."""
    best: tuple[int, int] | None = None
    for number, path in _keys(text):
        agree = tuple(key[: len(path)]) == path
        if agree and (best is None or len(path) > best[0]):
            best = (len(path), number)
    return best[1] if best else None


def _keys(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    table: tuple[str, ...] = ()
    inside: str | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if inside is not None:
            inside = None if inside in line else inside
            continue
        if header := _TABLE.match(line):
            table = _parts(header[1])
            yield number, table
        elif entry := _KEY.match(line):
            yield number, table + _parts(entry[1])
            opened = [quote for quote in _LONG_STRINGS if line.count(quote) == 1]
            inside = opened[0] if opened else None


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))
