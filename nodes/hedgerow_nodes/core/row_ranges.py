"""Which rows of a source are known: half-open ranges of row numbers, sorted, merged and bounded. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

MOST_RANGES = 256
"""A source numbers its rows without gaps, so there are a few ranges; beyond this many the oldest gap is given up."""

MOST_ROWS = 2**63 - 1
"""Row numbers are below this: a database's integers end there."""

Range = tuple[int, int]


class RowRanges:
    """A set of row numbers.

    Args:
        ranges: half-open pairs, in any order.
    """

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in ranges:
            self.add(start, end)

    def __len__(self) -> int:
        """How many ranges there are."""
        return len(self._starts)

    def add(self, start: int, end: int) -> None:
        """Know these rows too; an empty range changes nothing."""
        if start >= end:
            return
        first = bisect_left(self._ends, start)  # one that ends where this begins is joined with it
        last = bisect_right(self._starts, end)
        if first < last:
            start, end = min(start, self._starts[first]), max(end, self._ends[last - 1])
        self._starts[first:last], self._ends[first:last] = [start], [end]
        if len(self._starts) > MOST_RANGES:
            del self._starts[1], self._ends[0]

    def missing(self, start: int, end: int) -> list[Range]:
        """The parts of a range that are not known, in order."""
        found: list[Range] = []
        at = bisect_right(self._ends, start)
        while start < end:
            if at == len(self._starts) or self._starts[at] >= end:
                found.append((start, end))
                break
            if start < self._starts[at]:
                found.append((start, self._starts[at]))
            start = self._ends[at]
            at += 1
        return found

    def pairs(self) -> list[Range]:
        """All ranges, in order."""
        return list(zip(self._starts, self._ends, strict=True))

    @property
    def rows(self) -> int:
        """How many rows are known."""
        return sum(self._ends) - sum(self._starts)

    @property
    def gap_rows(self) -> int:
        """How many rows are missing between the known ones."""
        return self._ends[-1] - self._starts[0] - self.rows if self._starts else 0
