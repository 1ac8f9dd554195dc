"""A number with its interval, the method that found it and the source that it is from."""

from __future__ import annotations

from dataclasses import dataclass

from hedgerow_idl import Estimate
from hedgerow_nodes.estimators.interval import Interval


@dataclass(frozen=True)
class Figure:
    """A number with its interval, the method that found it and the source that it is from."""

    interval: Interval
    method: str
    source: str

    @property
    def estimate(self) -> Estimate:
        """The wire form."""
        return self.interval.estimate(self.method, self.source)

    @classmethod
    def of(cls, estimate: Estimate) -> Figure | None:
        """What an estimate says; None where it is unknown."""
        interval = Interval.of(estimate)
        return None if interval is None else cls(interval, estimate.method, estimate.source)


def estimate_of(figure: Figure | None) -> Estimate:
    """The wire form of a figure; unknown where there is none."""
    return Estimate() if figure is None else figure.estimate
