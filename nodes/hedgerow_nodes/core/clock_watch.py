"""Notices that the wall clock was set back, which would leave the DDS library's timed waits asleep for as long.

The library's wheel waits on the wall clock (it is built for a C library that knows no other clock there). A step back
by an hour holds up each wait that is under way for an hour: no more signs of life, no more time-outs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

LOOK_EVERY_S = 0.1
"""Well below the time between two signs of life of a participant with a lease of 1 s, which is 0.8 s."""

STEP_S = 0.02
"""A smaller step only lengthens a wait by as much."""


class ClockWatch:
    """Compares the wall clock with the monotonic clock, in a thread of its own.

    Args:
        on_step_back: called in that thread when the wall clock was set back.
        now, clock: the two clocks.
    """

    def __init__(
        self,
        on_step_back: Callable[[], None],
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_step_back = on_step_back
        self._now = now
        self._clock = clock
        self._ahead_s = now() - clock()
        self._closing = threading.Event()

    def start(self) -> None:
        """Begin to look, until `close`."""
        threading.Thread(target=self._run, name="clock watch", daemon=True).start()

    def close(self) -> None:
        """Look no more."""
        self._closing.set()

    def look(self) -> None:
        """Compare once."""
        ahead_s = self._now() - self._clock()
        stepped_back = ahead_s < self._ahead_s - STEP_S
        self._ahead_s = ahead_s
        if stepped_back:
            self._on_step_back()

    def _run(self) -> None:
        # The event waits on the monotonic clock, so this thread is not held up itself.
        while not self._closing.wait(LOOK_EVERY_S):
            self.look()
