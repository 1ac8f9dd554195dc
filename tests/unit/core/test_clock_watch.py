"""The watch over the wall clock tells steps back, and nothing else."""

from __future__ import annotations

import threading

import pytest

from hedgerow_nodes.core.clock_watch import ClockWatch


@pytest.mark.parametrize(
    ("steps_s", "told"),
    [([0.0, 0.01, -0.01], 0), ([3600.0], 0), ([-3600.0], 1), ([-3600.0, 0.0], 1), ([3600.0, -3600.0, -60.0], 2)],
)
def test_each_step_back_is_told_once(steps_s: list[float], told: int) -> None:
    clock_s, ahead_s, calls = 50.0, 1_000.0, 0

    def count() -> None:
        nonlocal calls
        calls += 1

    watch = ClockWatch(count, now=lambda: clock_s + ahead_s, clock=lambda: clock_s)
    for step_s in steps_s:
        clock_s += 0.1
        ahead_s += step_s
        watch.look()
    assert calls == told


def test_it_looks_by_itself_until_it_is_closed() -> None:
    told, ahead_s = threading.Event(), 0.0
    watch = ClockWatch(told.set, now=lambda: ahead_s, clock=lambda: 0.0)
    watch.start()
    ahead_s = -1.0
    assert told.wait(10.0)
    watch.close()
