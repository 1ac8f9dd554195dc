"""What single values are: numbers, times, truths, missing ones; pure, and bounded in time for each value."""

from __future__ import annotations

import math
import re
from datetime import datetime
from enum import Enum

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-", "--", "#n/a", "nil", "missing"})
TRUTHS = frozenset({"true", "false", "yes", "no", "t", "f", "y", "n"})
LONGEST_NUMBER = 40
LONGEST_TIME = 40
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff")
AUDIO_ENDINGS = (".wav", ".mp3", ".flac", ".ogg", ".m4a", ".opus")

_INTEGER = re.compile(r"[+-]?\d{1,30}")
_NUMBER = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,4})?")
_COMMA_NUMBER = re.compile(r"[+-]?\d{1,30},\d{1,30}")
_TIME_FORMATS = (
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%m/%d/%Y %H:%M",
)
_TIME_LIKE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}.{0,30}|\d{4}-\d{2}|\d{4}-?W\d{2}.{0,3}")
_MONTH = re.compile(r"\d{4}-\d{2}")


class Nested(Enum):
    """A value that is itself a list or an object."""

    NESTED = "nested"


NESTED = Nested.NESTED
Cell = str | Nested | None


def is_missing(cell: Cell) -> bool:
    """Whether a cell holds nothing, or one of the usual words for nothing."""
    return cell is None or (isinstance(cell, str) and cell.strip().casefold() in MISSING)


def is_integer(value: str) -> bool:
    """Whether the value is a whole number."""
    return _INTEGER.fullmatch(value.strip()) is not None


def number_of(value: str) -> float | None:
    """The value as a finite number, with a point or a comma before its fraction; None if it is none."""
    plain = value.strip()
    if len(plain) > LONGEST_NUMBER:
        return None
    if _NUMBER.fullmatch(plain) is None:
        if _COMMA_NUMBER.fullmatch(plain) is None:
            return None
        plain = plain.replace(",", ".")
    number = float(plain)
    return number if math.isfinite(number) else None


def time_of(value: str) -> float | None:
    """The value as a day or a time of day on one, in seconds on a scale of its own; None if it is none.

    Times with a zone and times without one are put on the same scale as if the zone were not there, for only their
    order is looked at. Where day and month could be either, the day is taken first.
    """
    plain = value.strip()
    if len(plain) > LONGEST_TIME or _TIME_LIKE.fullmatch(plain) is None:
        return None
    if _MONTH.fullmatch(plain):
        plain += "-01"
    try:
        return _seconds(datetime.fromisoformat(plain))
    except ValueError:
        pass
    for format_ in _TIME_FORMATS:
        try:
            return _seconds(datetime.strptime(plain, format_))
        except ValueError:
            continue
    return None


def _seconds(time: datetime) -> float:
    return time.toordinal() * 86400.0 + time.hour * 3600 + time.minute * 60 + time.second
