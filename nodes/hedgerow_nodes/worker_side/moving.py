"""What it costs a worker to move an item into an instance or out of one: all its processor time but the handlers'."""

from __future__ import annotations

import math

LEAST_ITEMS = 50
"""Of fewer the worker's own work, which it has without any item as well, would be told as theirs."""

SMOOTHING = 0.3
"""The weight of the newest figure."""


class MovingMeter:
    """Processor time over items, smoothed; NaN before there were enough."""

    def __init__(self) -> None:
        self._before: tuple[int, float] | None = None
        self.item_cpu_s = math.nan

    def look(self, handled: int, spent_s: float) -> None:
        """Look at regular times.

        Args:
            handled: items that went into an instance or out of one, since the start.
            spent_s: processor time since the start, that of handlers left out.
        """
        if self._before is None or handled < self._before[0]:
            self._before = (handled, spent_s)
            return
        items, seconds = handled - self._before[0], spent_s - self._before[1]
        self._before = (handled, spent_s)
        if items >= LEAST_ITEMS:
            each_s = seconds / items
            known = math.isfinite(self.item_cpu_s)
            self.item_cpu_s += SMOOTHING * (each_s - self.item_cpu_s) if known else 0.0
            self.item_cpu_s = self.item_cpu_s if known else each_s
