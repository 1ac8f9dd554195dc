"""How a quantity is written in an explanation: three figures and a prefix that keeps the number readable."""

from __future__ import annotations

import math

from hedgerow_nodes.estimators.interval import Interval

_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def quantity(value: float, unit: str) -> str:
    """Write `0.0123, "s"` as `12.3 ms`; NaN as `unknown`."""
    if math.isnan(value):
        return "unknown"
    for factor, prefix in _PREFIXES:
        if abs(value) >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"


def quantity_range(interval: Interval, unit: str) -> str:
    """Write value and bounds: `12.3 ms (4 ms to 30 ms)`."""
    return f"{quantity(interval.value, unit)} ({quantity(interval.low, unit)} to {quantity(interval.high, unit)})"
