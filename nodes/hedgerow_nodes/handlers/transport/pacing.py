"""Give items at a rate: each at its time since the first, none early, and no rush after a late one."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pace:
    """`wait` returns when the next item is due; a rate of 0 is as fast as it is taken."""

    def __init__(
        self, per_second: float, sleep: Callable[[float], bool], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._period_s = 1 / per_second if per_second > 0 else 0.0
        self._sleep, self._now = sleep, now
        self._due_s = now()

    def wait(self) -> bool:
        """Wait for the next item's time; `False` if the source shall stop."""
        left_s = self._due_s - self._now()
        if not self._sleep(max(left_s, 0.0)):
            return False
        # What is more than a period late begins anew, so that a pause is not followed by a burst.
        self._due_s = max(self._due_s, self._now() - self._period_s) + self._period_s
        return True
