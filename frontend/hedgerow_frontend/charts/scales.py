"""Where a value lies along an axis, and the round values at which the axis is marked."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

WIDE = 30.0
TICKS = 5
MOST_TICKS = 8


@dataclass(frozen=True)
class Scale:
    """Maps `low` to `begin` and `high` to `end`, evenly or by factors."""

    low: float
    high: float
    begin: float
    end: float
    by_factors: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value; what lies outside is moved to the nearer end."""
        value = min(max(value, self.low), self.high)
        low, high, at = (
            (math.log(x) for x in (self.low, self.high, value)) if self.by_factors else (self.low, self.high, value)
        )
        return self.begin + (at - low) / (high - low) * (self.end - self.begin)

    def ticks(self) -> list[float]:
        """Round values within the axis, four to eight of them as a rule."""
        return _decades(self.low, self.high) if self.by_factors else _steps(self.low, self.high)


def scale_over(values: Iterable[float], begin: float, end: float, *, from_zero: bool = False) -> Scale:
    """A scale that holds all values with a little room; by factors where they are positive and far apart.

    Args:
        values: finite; without any the scale goes from 0 to 1.
        begin: place of the lower end.
        end: place of the upper end.
        from_zero: begin at 0 and go evenly, as bars must.
    """
    known = list(values) or [0.0, 1.0]
    low, high = min(known), max(known)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
        room = (high - low) * 0.02 or 1.0
        return Scale(low, high + room, begin, end)
    if low > 0 and high / low >= WIDE:
        return Scale(low / 1.3, high * 1.3, begin, end, by_factors=True)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return Scale(low - room, high + room, begin, end)


def _steps(low: float, high: float) -> list[float]:
    rough = (high - low) / TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * round_ for round_ in (1, 2, 5, 10) if size * round_ >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [place * step for place in range(first, math.floor(high / step + 1e-9) + 1)]


def _decades(low: float, high: float) -> list[float]:
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    whole = [10.0**exponent for exponent in exponents if low <= 10.0**exponent <= high]
    if len(whole) >= 4:
        return whole[:: math.ceil(len(whole) / 8)]
    for factors in ((1, 2, 5), (1, 3)):
        fine = [factor * 10.0**exponent for exponent in exponents for factor in factors]
        within = [value for value in fine if low <= value <= high]
        if len(within) <= MOST_TICKS:
            break
    return within
