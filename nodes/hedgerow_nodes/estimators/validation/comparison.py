"""Estimates beside references: how far they lie apart, and how many references lie in the interval that we claim."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hedgerow_nodes.estimators.interval import Interval

NEAR = 1.05
FACTOR = 2.0
HEAD = (
    "| what | reference | n | reference / estimate: median (range) | within 5 % | within 2x | in the interval |\n"
    "|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Pair:
    """One estimate and its reference, both above 0, in the same unit; `interval` is None where we claim none."""

    case: str
    estimate: float
    reference: float
    interval: Interval | None = None

    @property
    def ratio(self) -> float:
        """Reference over estimate."""
        return self.reference / self.estimate

    @property
    def inside(self) -> bool:
        """The reference lies in the interval."""
        return self.interval is not None and self.interval.low <= self.reference <= self.interval.high

    def within(self, factor: float) -> bool:
        """Neither is more than that factor larger than the other."""
        return 1 / factor <= self.ratio <= factor


def row(what: str, reference: str, pairs: Sequence[Pair]) -> str:
    """One row of the table; a share is a dash where no interval is claimed.

    Raises:
        ValueError: there is nothing to compare.
    """
    if not pairs:
        raise ValueError(f"{what}: nothing to compare")
    ratios = sorted(pair.ratio for pair in pairs)
    claimed = [pair for pair in pairs if pair.interval is not None]
    near, twice = ([pair.within(factor) for pair in pairs] for factor in (NEAR, FACTOR))
    inside = _share([pair.inside for pair in claimed]) if claimed else "-"
    return (
        f"| {what} | {reference} | {len(pairs)} | "
        f"{_number(statistics.median(ratios))} ({_number(ratios[0])} to {_number(ratios[-1])}) | "
        f"{_share(near)} | {_share(twice)} | {inside} |"
    )


def table(rows: Iterable[str]) -> str:
    """The rows under their head, as Markdown."""
    return "\n".join([HEAD, *rows])


def farthest(pairs: Sequence[Pair], count: int) -> list[Pair]:
    """The pairs that lie farthest apart, farthest first."""
    return sorted(pairs, key=lambda pair: -max(pair.ratio, 1 / pair.ratio))[:count]


def _share(hits: Sequence[bool]) -> str:
    return f"{sum(hits) / len(hits):.1%}"


def _number(ratio: float) -> str:
    return f"{ratio:#.4g}".rstrip(".")
