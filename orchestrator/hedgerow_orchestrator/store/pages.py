"""Cuts long lists into pages: the cursor is the last key shown, which stays right while rows come and go."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from hedgerow_orchestrator.store.errors import BadCursor

MAX_LIMIT = 200
Key = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list; `next` is the cursor of the following part, None at the end."""

    items: list[dict[str, Any]]
    next: str | None


def capped(limit: int) -> int:
    """Give the number of rows that are shown when this many are asked for: 1 to 200."""
    return max(1, min(limit, MAX_LIMIT))


def encode_cursor(name: str, key: Key) -> str:
    """Write the last key of a page of the list `name`."""
    return base64.urlsafe_b64encode(msgspec.json.encode([name, *key])).decode().rstrip("=")


def decode_cursor(name: str, cursor: str | None, length: int) -> Key | None:
    """Read a cursor of the list `name` whose keys have `length` numbers; None for the first page.

    Raises:
        BadCursor: it is no cursor, or one of another list.
    """
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found, *key = msgspec.json.decode(text, type=list[str | int])
    except (binascii.Error, ValueError, UnicodeError, msgspec.DecodeError) as error:
        raise _bad(name, cursor) from error
    numbers = tuple(part for part in key if isinstance(part, int) and 0 <= part < 2**63)
    if found != name or len(numbers) != length or len(key) != length:
        raise _bad(name, cursor)
    return numbers


def cut(
    name: str,
    rows: Sequence[dict[str, Any]],
    limit: int,
    key: Callable[[dict[str, Any]], Key],
    view: Callable[[dict[str, Any]], dict[str, Any]],
) -> Page:
    """Make a page of at most `limit` rows; there is a next one when one row more was read."""
    shown = rows[:limit]
    following = encode_cursor(name, key(shown[-1])) if len(rows) > limit else None
    return Page([view(row) for row in shown], following)


def _bad(name: str, cursor: str) -> BadCursor:
    return BadCursor(f"cursor {cursor[:80]!r} is not one of {name}; leave it out for the first page")
