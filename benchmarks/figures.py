"""What a row gives back: figures, and the bounds that each must keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Scaling(StrEnum):
    """How a bound follows the machine: absolute times and rates do, ratios measured in one run do not."""

    CALIBRATED = "calibrated"
    NONE = "none"


@dataclass(frozen=True)
class Bound:
    """A limit from below or from above, in the figure's unit.

    Attributes:
        limit: as promised, before any scaling.
        is_floor: the figure must reach it; else it must stay under it.
        scaling: whether a slower machine is granted a slacker limit.
        meaning: where a ratio comes from, as in `2 x a unix socket`.
    """

    limit: float
    is_floor: bool
    scaling: Scaling = Scaling.CALIBRATED
    meaning: str = ""

    def at(self, slowness: float) -> float:
        """The limit on a machine that takes `slowness` times as long as the reference."""
        if self.scaling is Scaling.NONE:
            return self.limit
        return self.limit / slowness if self.is_floor else self.limit * slowness

    def holds(self, value: float, slowness: float) -> bool:
        """Whether a figure keeps the bound; NaN keeps none."""
        return value >= self.at(slowness) if self.is_floor else value <= self.at(slowness)


def at_least(limit: float) -> Bound:
    """A rate promised on the reference machine."""
    return Bound(limit, is_floor=True)


def at_most(limit: float) -> Bound:
    """A time promised on the reference machine."""
    return Bound(limit, is_floor=False)


def at_least_times(times: float, value: float, of: str) -> Bound:
    """At least so many times what something else reached in the same run."""
    return Bound(times * value, True, Scaling.NONE, f"{times:g} x {of}")


def at_most_times(times: float, value: float, of: str) -> Bound:
    """At most so many times what something else took in the same run."""
    return Bound(times * value, False, Scaling.NONE, f"{times:g} x {of}")


def fixed_at_least(limit: float) -> Bound:
    """A limit from below that no machine changes, such as a ratio."""
    return Bound(limit, True, Scaling.NONE)


def fixed_at_most(limit: float) -> Bound:
    """A limit from above that no machine changes, such as a share of memory."""
    return Bound(limit, False, Scaling.NONE)


@dataclass(frozen=True)
class Figure:
    """One line of the report.

    Attributes:
        name: begins with the row's name.
        value: the figure itself, in `unit`.
        bounds: all of them must hold.
        details: whatever explains the figure, as JSON can hold it.
        trials: the single measurements behind the figure, in its unit.
    """

    name: str
    value: float
    unit: str
    bounds: tuple[Bound, ...]
    details: dict[str, Any] = field(default_factory=dict)
    trials: tuple[float, ...] = ()
