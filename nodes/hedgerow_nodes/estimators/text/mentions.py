"""A quantity in its clause, the limit that it may set, and the patterns that look around it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hedgerow_nodes.estimators.text.comparisons import Sense

# A month is a twelfth of a Gregorian year.
PERIOD_S: Mapping[str, float] = MappingProxyType(
    {"s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hr": 3600.0, "hour": 3600.0}
    | {"day": 86_400.0, "night": 86_400.0, "week": 604_800.0, "month": 2_629_746.0, "year": 31_556_952.0}
)
DAY_S = 86_400.0
# What one inference works on, as people call it.
ITEM = (
    r"image|photo|picture|frame|request|query|inference|prediction|sentence|document|page|call|message|item|sample|file"
    r"|scan|answer|token|clip|video|recording|record|row|word|classification|detection"
)

Finder = Callable[[str], re.Match[str] | None]


@dataclass(frozen=True)
class Mention:
    """A quantity in its clause: the text before its comparison and behind it, and the comparison as it is written."""

    value: float
    written: str
    dimension: str
    before: str
    after: str
    sense: Sense | None
    comparison: str


@dataclass(frozen=True)
class Reading:
    """The limit that a mention sets: its name, what its value is divided by, and how much of `after` belongs to it."""

    name: str
    divisor: float = 1.0
    extent: int = 0


def at_start(words: str) -> Finder:
    """Find words right at the start of a text."""
    return re.compile(rf"\s*-?\s*(?:{words})", re.IGNORECASE).match


def at_end(words: str) -> Finder:
    """Find words right at the end of a text."""
    return re.compile(rf"\b(?:{words})\s*$", re.IGNORECASE).search


def near_end(words: str, reach: int) -> Finder:
    """Find words in the last clause of a text, with at most so many characters behind them."""
    return re.compile(rf"\b(?:{words})\b[^.;,!?]{{0,{reach}}}$", re.IGNORECASE).search
