"""Ranges of row numbers behave as the set of those numbers, and stay few."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hedgerow_nodes.core import row_ranges
from hedgerow_nodes.core.row_ranges import MOST_RANGES, RowRanges

RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=20)


@given(RANGES, st.integers(0, 60), st.integers(0, 60))
def test_they_are_a_set_of_numbers(pairs: list[tuple[int, int]], start: int, end: int) -> None:
    ranges = RowRanges(pairs)
    numbers = {number for first, last in pairs for number in range(first, last)}
    found = ranges.pairs()
    assert {number for first, last in found for number in range(first, last)} == numbers
    assert all(first < last for first, last in found)
    assert all(one[1] < other[0] for one, other in pairwise(found))  # merged and sorted
    missing = ranges.missing(start, end)
    assert [number for first, last in missing for number in range(first, last)] == [
        number for number in range(start, end) if number not in numbers
    ]
    assert ranges.rows == len(numbers)
    assert ranges.gap_rows == (max(numbers) - min(numbers) + 1 - len(numbers) if numbers else 0)


def test_of_too_many_gaps_the_oldest_is_given_up() -> None:
    ranges = RowRanges((3 * number, 3 * number + 1) for number in range(MOST_RANGES))
    assert len(ranges) == row_ranges.MOST_RANGES
    ranges.add(10_000, 10_001)
    assert len(ranges) == MOST_RANGES
    assert ranges.pairs()[:2] == [(0, 4), (6, 7)]
