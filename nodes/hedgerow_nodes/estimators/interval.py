"""A number that is not negative, with the interval it lies in, and the arithmetic that keeps the interval right."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hedgerow_idl import Estimate


@dataclass(frozen=True)
class Interval:
    """`low <= value <= high`, all finite and not negative, in whatever unit the name around it says.

    Sums and products are taken bound by bound (Moore, Interval Analysis, 1966): the result holds every combination
    of what its parts may be, so it is wide where the parts are dependent, and never too narrow.
    """

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not (0 <= self.low <= self.value <= self.high < math.inf):
            raise ValueError(f"{self.value!r} in [{self.low!r}, {self.high!r}] is no interval of finite numbers >= 0")

    @classmethod
    def exactly(cls, value: float) -> Interval:
        """A number without uncertainty, such as a physical constant."""
        return cls(value, value, value)

    @classmethod
    def within_factor(cls, value: float, factor: float) -> Interval:
        """A number known up to a factor: from value / factor to value x factor.

        Raises:
            ValueError: the factor is below 1.
        """
        if not factor >= 1:
            raise ValueError(f"factor {factor!r} is below 1")
        return cls(value, min(value, value / factor), max(value, value * factor))

    @classmethod
    def of(cls, estimate: Estimate) -> Interval | None:
        """What an estimate says; None where it is unknown, a point where it gives no bounds."""
        if not math.isfinite(estimate.value) or estimate.value < 0:
            return None
        low = estimate.low if 0 <= estimate.low <= estimate.value else estimate.value
        high = estimate.high if estimate.value <= estimate.high < math.inf else estimate.value
        return cls(estimate.value, low, high)

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.value + other.value, self.low + other.low, self.high + other.high)

    def __mul__(self, other: Interval | float) -> Interval:
        factor = other if isinstance(other, Interval) else Interval.exactly(other)
        return Interval(self.value * factor.value, self.low * factor.low, self.high * factor.high)

    def __truediv__(self, other: Interval | float) -> Interval:
        """Divide.

        Raises:
            ZeroDivisionError: the divisor may be 0.
        """
        divisor = other if isinstance(other, Interval) else Interval.exactly(other)
        return Interval(self.value / divisor.value, self.low / divisor.high, self.high / divisor.low)

    def at_most(self, ceiling: float) -> Interval:
        """The same number, cut off at a ceiling."""
        return Interval(min(self.value, ceiling), min(self.low, ceiling), min(self.high, ceiling))

    def estimate(self, method: str, source: str) -> Estimate:
        """The wire form, with its method label and its source."""
        return Estimate(value=self.value, low=self.low, high=self.high, method=method, source=source)
