"""Stands between the loop and a store that cannot be written: knows since when and why, and when it is over."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from hedgerow_orchestrator.store.changes import Change
from hedgerow_orchestrator.store.errors import StoreMissing, StoreUnavailable
from hedgerow_orchestrator.store.views import iso_time
from hedgerow_orchestrator.store.writer import Store

GRACE_S = 1.0
"""A lock that others hold for less, such as a batch of `hedgerow db prune`, is nobody's trouble: requests wait."""

LOOK_S = 1.0
"""How often the file under the store's name is compared with the one that is open."""

SHORT_PAUSE_S = 0.02
PAUSE_S = 0.2

log = logging.getLogger("hedgerow.orchestrator")


class StoreGuard:
    """Commits for the loop, and remembers how that went.

    Args:
        store: the store.
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._reason = ""
        self._since_s: float | None = None
        self._look_at_s = clock()

    def commit(self, changes: Sequence[Change]) -> bool:
        """Write all changes; False if the store cannot be written now, and the same call is to be made again.

        Raises:
            StoreError: the changes were refused.
            CommitUncertain: start again from the store.
        """
        try:
            self._look()
            self._store.commit(changes)
        except (StoreUnavailable, StoreMissing) as error:
            self._begin(str(error))
            return False
        if self._since_s is not None:
            self._end()
        return True

    def unreadable(self, error: StoreUnavailable) -> None:
        """The store could not be read, so that a pass could not be finished."""
        self._begin(str(error))

    @property
    def lasted_s(self) -> float:
        """How long the store has not been writable, 0 if it is."""
        return 0.0 if self._since_s is None else self._clock() - self._since_s

    @property
    def trouble(self) -> str:
        """Why and since when the store cannot be written; empty if it can, or could not only for a moment."""
        lasted_s = self.lasted_s
        if self._since_s is None or lasted_s < GRACE_S:
            return ""
        return f"cannot be written since {iso_time(time.time() - lasted_s)}: {self._reason}"

    @property
    def pause_s(self) -> float:
        """How long to wait before the next try."""
        return SHORT_PAUSE_S if self.lasted_s < GRACE_S else PAUSE_S

    def component(self) -> dict[str, Any]:
        """The store as `health` shows it."""
        trouble = self.trouble
        return {"name": "store", "ok": not trouble, "detail": trouble or "writable"}

    def _look(self) -> None:
        now_s = self._clock()
        if now_s >= self._look_at_s or self._since_s is not None:
            self._look_at_s = now_s + LOOK_S
            self._store.check_file()

    def _begin(self, reason: str) -> None:
        if self._since_s is None:
            self._since_s = self._clock()
        if reason != self._reason:
            self._reason = reason
            log.error("orchestrator: the store cannot be written, work waits: %s", reason)

    def _end(self) -> None:
        log.info("orchestrator: the store can be written again after %.1f s, work goes on", self.lasted_s)
        self._since_s, self._reason = None, ""
