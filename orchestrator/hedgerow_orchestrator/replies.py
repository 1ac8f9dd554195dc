"""Replies on their way out: each waits for the store, then for the disk if need be, then for its reader."""

from __future__ import annotations

import math
from collections.abc import Callable

from hedgerow_idl import Reply
from hedgerow_orchestrator.store.writer import Store
from hedgerow_orchestrator.wire import Wire

FEW = 8
GATHER_S = 0.05
"""With more than a few tasks at work, the submitters of so long have their replies together: the disk is asked once."""

KEPT_S = 5.0


class Replies:
    """What clients are told, and when.

    A reply that promises something leaves when a power cut would no longer undo it. Nodes need not wait for that: they
    have their work before the disk is asked.

    Args:
        wire: where replies go.
        store: what they tell of.
        clock: the monotonic clock.
    """

    def __init__(self, wire: Wire, store: Store, clock: Callable[[], float]) -> None:
        self._wire = wire
        self._store = store
        self._clock = clock
        self._unstored: list[Reply] = []
        self._unsynced: list[Reply] = []
        self._promised = False
        self._synced_at_s = -math.inf
        self._waiting: list[tuple[float, Reply]] = []

    @property
    def pending(self) -> bool:
        """Some are to leave soon."""
        return bool(self._waiting or self._unsynced)

    @property
    def unstored(self) -> set[str]:
        """The requests whose replies tell of what is not stored yet."""
        return {reply.request_id for reply in self._unstored}

    def add(self, reply: Reply | None) -> None:
        """A reply of the pass that is not stored yet."""
        if reply is not None:
            self._unstored.append(reply)

    def add_stored(self, reply: Reply | None) -> None:
        """A reply to a request while the pass is held; it tells of nothing that the pass would store."""
        if reply is not None:
            self._unsynced.append(reply)

    def stored(self, *, durable: bool) -> None:
        """The pass was stored; with `durable` its replies promise something."""
        self._promised |= durable
        # Where a promise is open also those of a pass without one wait: they may repeat it.
        self._unsynced += self._unstored
        self._unstored.clear()
        if not self._promised:
            self._release()
        self.send()

    def sync_if_due(self, active: int) -> bool:
        """Ask the disk, if a reply waits for that and few tasks are `active` or the last time is a moment ago."""
        due = bool(self._unsynced) and (active <= FEW or self._clock() >= self._synced_at_s + GATHER_S)
        if due:
            self.sync()
        return due

    def sync(self) -> None:
        """Ask the disk, if a reply waits for that, and send what may leave.

        Raises:
            CommitUncertain: it refused; recover from the store.
        """
        if self._promised and self._unsynced:
            self._store.sync()
            self._promised, self._synced_at_s = False, self._clock()
        self._release()
        self.send()

    def send(self) -> None:
        """Answer those whose readers have been matched."""
        waiting = []
        for until_s, reply in self._waiting:
            if self._wire.reply_ready(reply.client_id):
                self._wire.reply(reply)
            elif self._clock() < until_s:
                waiting.append((until_s, reply))
        self._waiting = waiting

    def _release(self) -> None:
        until_s = self._clock() + KEPT_S
        self._waiting += [(until_s, reply) for reply in self._unsynced]
        self._unsynced.clear()
