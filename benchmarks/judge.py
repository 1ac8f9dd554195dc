"""Judge figures by their bounds and by how still the machine was; no clock, no files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum

from benchmarks.figures import Bound, Figure, Scaling

MOST_SCALING = 2.0
"""A slower machine is granted at most twice the time, a faster one at least half."""

MOST_MOVEMENT = 0.2
"""The calibration may differ by so much before and after a row."""

MOST_REPEATS = 6


class Verdict(StrEnum):
    """How a line ends. NOISY is not OK."""

    OK = "ok"
    SHORT = "short"
    NOISY = "noisy"


def slowness(measured: Mapping[str, float], reference: Mapping[str, float]) -> float:
    """How many times as long as the reference a machine takes: the geometric mean, within a factor of 2 either way."""
    ratios = [math.log(measured[part] / reference[part]) for part in reference]
    mean = math.exp(sum(ratios) / len(ratios))
    return min(MOST_SCALING, max(1 / MOST_SCALING, mean))


def movement(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """By what share the part of the calibration that moved most has moved, in either direction."""
    return max(max(before[part], after[part]) / min(before[part], after[part]) for part in before) - 1


def judge(figure: Figure, slowness: float, movement: float) -> Verdict:
    """Judge one figure."""
    if movement > MOST_MOVEMENT:
        return Verdict.NOISY
    return Verdict.OK if all(bound.holds(figure.value, slowness) for bound in figure.bounds) else Verdict.SHORT


def may_repeat(
    verdicts: Iterable[Verdict], repeats: int, remaining_s: float, budget_s: float, reserved_s: float
) -> bool:
    """Whether a row is measured again: it was noisy, and the rows that are still to come keep their time.

    Args:
        repeats: how often it has been repeated.
        remaining_s: what is left of the time for all rows.
        budget_s: what one more run of this row may take.
        reserved_s: what the rows to come may take.
    """
    is_noisy = any(verdict is Verdict.NOISY for verdict in verdicts)
    return is_noisy and repeats < MOST_REPEATS and budget_s + reserved_s <= remaining_s


def line(figure: Figure, slowness: float, verdict: Verdict) -> str:
    """The line of the report: `name: figure unit, bound, ok|short|noisy`."""
    bounds = " and ".join(_shown(bound, figure.unit, slowness) for bound in figure.bounds)
    return f"{figure.name}: {number(figure.value)} {figure.unit}, {bounds}, {verdict}"


def number(value: float) -> str:
    """Four digits, and no more decimals than they leave."""
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    decimals = max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}"


def _shown(bound: Bound, unit: str, slowness: float) -> str:
    sign = ">=" if bound.is_floor else "<="
    if bound.scaling is Scaling.CALIBRATED:
        return f"{sign} {number(bound.limit)} {unit} (scaled {number(bound.at(slowness))})"
    meaning = f" ({bound.meaning})" if bound.meaning else ""
    return f"{sign} {number(bound.limit)} {unit}{meaning}"
