"""Which core a process runs on: a pair that the scheduler now joins, now parts, has two speeds by chance."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

OURS = 0
THE_PEERS = 1


@contextlib.contextmanager
def on_core(number: int) -> Iterator[None]:
    """Keep this thread, and the threads and processes that it starts meanwhile, on one of the cores it may use."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {_core(number)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def move_to_core(number: int) -> None:
    """Keep this thread and what it starts on one core from now on."""
    os.sched_setaffinity(0, {_core(number)})


def _core(number: int) -> int:
    return number % (os.cpu_count() or 1)
