"""Time that a search may take, on a clock that the caller hands in."""

from __future__ import annotations

from collections.abc import Callable


class Budget:
    """Counts from its making.

    Args:
        clock: seconds from any origin, never going back, such as `time.thread_time` or `time.monotonic`.
        seconds: the search ends soon after them.
    """

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        if not seconds > 0:
            raise ValueError(f"the time for a search is {seconds} s; give more than 0")
        self._clock = clock
        self._began = clock()
        self.seconds = seconds

    @property
    def used_s(self) -> float:
        """Since the begin."""
        return self._clock() - self._began

    def is_over(self) -> bool:
        """Whether the time is used up."""
        return self.used_s >= self.seconds

    def is_past(self, part: float) -> bool:
        """Whether a part of the time is used up."""
        return self.used_s >= self.seconds * part
