"""How many items a second come, smoothed."""

from __future__ import annotations

import time
from collections.abc import Callable

WEIGHT = 0.5
"""Of the newest rate in the mean; the older ones share the rest the same way."""


class Framerate:
    """Exponentially weighted mean of 1 / the time between two items."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._last_s: float | None = None
        self._mean: float | None = None

    def seen(self) -> float | None:
        """Count an item; the rate in items a second to one decimal, unknown at the first one."""
        now_s = self._now()
        if self._last_s is not None and now_s > self._last_s:
            rate = 1 / (now_s - self._last_s)
            self._mean = rate if self._mean is None else WEIGHT * rate + (1 - WEIGHT) * self._mean
        self._last_s = now_s
        return None if self._mean is None else round(self._mean, 1)
