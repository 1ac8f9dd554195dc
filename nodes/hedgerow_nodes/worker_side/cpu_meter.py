"""How busy the machine's processors were since the last look of this meter, whoever else looks in between."""

from __future__ import annotations

import math
from typing import Any

import psutil


class CpuMeter:
    """A meter of its own for each user: psutil's own percentage is since the last look of anybody in the process."""

    def __init__(self) -> None:
        self._busy_s, self._all_s = busy_and_all_s(psutil.cpu_times())

    def percent(self) -> float:
        """Of all processors together, 0 to 100; NaN if no time has gone by."""
        busy_s, all_s = busy_and_all_s(psutil.cpu_times())
        busy, whole = busy_s - self._busy_s, all_s - self._all_s
        if whole <= 0:
            return math.nan
        self._busy_s, self._all_s = busy_s, all_s
        return min(100.0, max(0.0, 100.0 * busy / whole))


def busy_and_all_s(times: Any) -> tuple[float, float]:
    """Seconds in which processors worked, and all of them, of what `psutil.cpu_times` tells of one or of all."""
    # Linux counts a guest's time in `user` and `nice` already.
    idle_s = times.idle + getattr(times, "iowait", 0.0)
    all_s = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return all_s - idle_s, all_s
