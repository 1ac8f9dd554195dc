"""How much processor time a second the worker takes with all its processes, and how busy its processors are in all."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable

import psutil

from hedgerow_nodes.worker_side.cpu_meter import busy_and_all_s

SMOOTHING = 0.3
"""The weight of the newest look, which is about a second long."""


class OwnLoad:
    """Looks at regular times; both figures are smoothed alike, so that their difference is what others take.

    Args:
        clock: the monotonic clock.

    Attributes:
        busy_cores: processor time a second of everybody, on the processors that the worker may run on; NaN at first.
        used_cores: that of the worker's process and of all below it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._process = psutil.Process()
        self._processors = set(self._process.cpu_affinity() or ())
        self.busy_cores = self.used_cores = math.nan
        self._at_s = clock()
        self._busy_s, self._used_s = self._busy(), self._used()

    def look(self) -> None:
        """Count what was taken since the last look; of a process that ended meanwhile what it took before that."""
        at_s, busy_s, used_s = self._clock(), self._busy(), self._used()
        passed_s = at_s - self._at_s
        if passed_s <= 0:
            return
        used = sum(max(0.0, now_s - self._used_s.get(pid, 0.0)) for pid, now_s in used_s.items())
        self.busy_cores = _smoothed(self.busy_cores, max(0.0, busy_s - self._busy_s) / passed_s)
        self.used_cores = _smoothed(self.used_cores, used / passed_s)
        self._at_s, self._busy_s, self._used_s = at_s, busy_s, used_s

    def _busy(self) -> float:
        each = enumerate(psutil.cpu_times(percpu=True))
        return sum(busy_and_all_s(times)[0] for number, times in each if number in self._processors)

    def _used(self) -> dict[int, float]:
        used_s = {}
        for process in (self._process, *self._process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                used_s[process.pid] = times.user + times.system
        return used_s


def _smoothed(before: float, newest: float) -> float:
    return newest if math.isnan(before) else before + SMOOTHING * (newest - before)
