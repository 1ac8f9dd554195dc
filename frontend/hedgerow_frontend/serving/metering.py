"""Rates from counters: remembers the reports of the last seconds of each instance and takes differences."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hedgerow_frontend.formatting import is_number

WINDOW_S = 10.0
FORGET_S = 120.0


@dataclass(frozen=True)
class Reading:
    """Counters of one instance at the moment its worker stamped them, in seconds since the Unix epoch."""

    at_s: float
    received: int
    sent: int


@dataclass(frozen=True)
class Rate:
    """Items a second over an interval."""

    in_per_s: float
    out_per_s: float
    over_s: float


class RateMeter:
    """Holds what was last seen; may be used from any thread.

    Each look at a service brings it up to date, so a rate is of the last seconds while somebody looks, and otherwise
    of the time since the last look, or unknown.
    """

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._lock = threading.Lock()
        self._seen: dict[str, deque[Reading]] = {}

    def rate(self, status: Mapping[str, Any], at_s: object) -> Rate | None:
        """Take in an instance's status as its worker stamped it; its rate, None before there are two reports."""
        if not is_number(at_s):
            return None
        now = Reading(float(at_s), int(status["received"]), int(status["sent"]))
        with self._lock:
            seen = self._seen.setdefault(str(status["physical_id"]), deque())
            if seen and (now.received < seen[-1].received or now.sent < seen[-1].sent or now.at_s < seen[-1].at_s):
                seen.clear()  # counted anew: a restart
            if not seen or now.at_s > seen[-1].at_s:
                seen.append(now)
            while len(seen) > 2 and seen[1].at_s <= now.at_s - self._window_s:
                seen.popleft()
            self._forget(now.at_s)
            first, last = seen[0], seen[-1]
        over_s = last.at_s - first.at_s
        if over_s <= 0:
            return None
        return Rate((last.received - first.received) / over_s, (last.sent - first.sent) / over_s, over_s)

    def _forget(self, now_s: float) -> None:
        for key in [key for key, seen in self._seen.items() if seen[-1].at_s < now_s - FORGET_S]:
            del self._seen[key]
