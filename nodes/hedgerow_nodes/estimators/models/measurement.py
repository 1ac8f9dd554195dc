"""Time something until its median is stable or the time is spent, and read how much memory this process took."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WARM_UPS = 5
MINIMUM_RUNS = 3
MAXIMUM_RUNS = 200
WINDOW = 10
STABLE_WITHIN = 0.02


@dataclass(frozen=True)
class Timing:
    """Seconds of each run, by the wall clock and by CPU time; `stable` says that the median had settled."""

    wall_s: tuple[float, ...]
    cpu_s: tuple[float, ...]
    warm_ups: int
    stable: bool

    def wall_quantile_s(self, fraction: float) -> float:
        """The run below which that fraction of the runs lie (nearest rank)."""
        ordered = sorted(self.wall_s)
        return ordered[min(len(ordered) - 1, max(0, round(fraction * (len(ordered) - 1))))]

    @property
    def cpu_median_s(self) -> float:
        """Median CPU time of a run."""
        return statistics.median(self.cpu_s)


def time_runs(
    run: Callable[[], Any],
    *,
    budget_s: float,
    wall_clock: Callable[[], float] = time.perf_counter,
    cpu_clock: Callable[[], float] = time.thread_time,
) -> Timing:
    """Warm up, then run until the running median moved less than 2 % over the last 10 runs, or `budget_s` is spent.

    Where one run takes longer than the whole budget the first one counts as well, so that a slow model is not run
    again and again: its timing then holds what a first run costs besides.
    """
    began_s = wall_clock()
    first = _one(run, wall_clock, cpu_clock)
    if first[0] > budget_s:
        return Timing((first[0],), (first[1],), warm_ups=0, stable=False)
    warm_ups = 1
    while warm_ups < WARM_UPS and wall_clock() - began_s < budget_s / 4:
        run()
        warm_ups += 1
    taken: list[tuple[float, float]] = []
    medians: list[float] = []
    stable = False
    while len(taken) < MAXIMUM_RUNS and not stable:
        if len(taken) >= MINIMUM_RUNS and wall_clock() - began_s > budget_s:
            break
        taken.append(_one(run, wall_clock, cpu_clock))
        medians.append(statistics.median(wall for wall, _ in taken))
        stable = _settled(medians)
    walls, cpus = zip(*taken, strict=True)
    return Timing(walls, cpus, warm_ups, stable)


def _one(
    run: Callable[[], Any], wall_clock: Callable[[], float], cpu_clock: Callable[[], float]
) -> tuple[float, float]:
    wall_s, cpu_s = wall_clock(), cpu_clock()
    run()
    return wall_clock() - wall_s, cpu_clock() - cpu_s


def _settled(medians: list[float]) -> bool:
    if len(medians) < 2 * WINDOW:
        return False
    recent = medians[-WINDOW - 1 :]
    return max(recent) - min(recent) <= STABLE_WITHIN * medians[-1]


class PeakMemory:
    """The most resident memory above what the process had when this was made (Linux, /proc).

    Counted are weights, activations, arenas and code that came in after that moment; not counted are the interpreter
    and the libraries loaded before it. Pages that the system took back in between are missed.
    """

    METHOD = "peak resident set (VmHWM, reset) above that before loading"

    def __init__(self, process: Path = Path("/proc/self")) -> None:
        self._status = process / "status"
        # Writing 5 sets the peak back to what is resident now (man 5 proc, clear_refs).
        (process / "clear_refs").write_text("5", encoding="ascii")
        self._before_bytes = self._read("VmRSS")

    def peak_bytes(self) -> int:
        """Bytes above the beginning, at most so far."""
        return max(0, self._read("VmHWM") - self._before_bytes)

    def _read(self, field: str) -> int:
        for line in self._status.read_text(encoding="ascii").splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
        raise ValueError(f"{self._status} has no {field}")
