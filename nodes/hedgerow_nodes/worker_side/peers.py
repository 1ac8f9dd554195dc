"""Which other workers there are, by their announcements: each start of one is told apart, and its end is noticed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from hedgerow_idl.serve import WorkerInfo, WorkerStatus
from hedgerow_nodes.core.bus import Kind, Received

HELD_S = 10.0
"""A worker that the bus has lost may be frozen: what is under way to it is kept for so long. Within this time it is
back, or a plan has put others in the place of its instances; or there are none, and nobody waits any more."""


class What(Enum):
    """What happened to a start of a worker.

    CAME: it is there, for the first time. MISSING: the bus has lost it; it may come back. BACK: it is heard again.
    GIVEN_UP: it is missing for too long; it may come back still. OVER: it has left, or a later start took its place.
    """

    CAME = 0
    MISSING = 1
    BACK = 2
    GIVEN_UP = 3
    OVER = 4


@dataclass(frozen=True)
class Change:
    """What happened to which start; `why` is for people."""

    node_id: str
    incarnation: int
    what: What
    why: str = ""


@dataclass
class _Start:
    incarnation: int
    give_up_at_s: float = math.inf
    is_missing: bool = False


class Peers:
    """The starts of other workers; of two under one id the later one counts.

    An end is taken from their statuses too: a loss of the status was seen without one of the announcement.
    """

    def __init__(self) -> None:
        self._starts: dict[str, _Start] = {}
        self._over: dict[str, int] = {}

    @property
    def misses_any(self) -> bool:
        """A worker is missing, and any sign of it would tell that it is back."""
        return any(start.is_missing for start in self._starts.values())

    def see(self, arrivals: Iterable[Received[WorkerInfo] | Received[WorkerStatus]], clock_s: float) -> list[Change]:
        """Take what has arrived; what it changes."""
        changes: list[Change] = []
        for received in arrivals:
            node_id, incarnation = received.sample.node_id, received.sample.incarnation
            if incarnation <= self._over.get(node_id, -1):
                continue
            start = self._starts.get(node_id)
            if received.kind is Kind.DATA:
                changes += self._heard(node_id, incarnation, start)
            elif start is not None and start.incarnation == incarnation:
                if received.kind is Kind.DISPOSED:
                    changes.append(self._end(node_id, start, "the worker has left"))
                elif not start.is_missing:
                    start.is_missing, start.give_up_at_s = True, clock_s + HELD_S
                    changes.append(Change(node_id, incarnation, What.MISSING, "the worker is missing"))
        return changes

    def overdue(self, clock_s: float) -> list[Change]:
        """Those that are missing for too long now."""
        changes = []
        for node_id, start in self._starts.items():
            if start.give_up_at_s <= clock_s:
                start.give_up_at_s = math.inf
                changes.append(Change(node_id, start.incarnation, What.GIVEN_UP, "the worker is lost"))
        return changes

    @property
    def next_due_at_s(self) -> float:
        """When `overdue` has something to tell."""
        return min((start.give_up_at_s for start in self._starts.values()), default=math.inf)

    def __contains__(self, node_id: object) -> bool:
        start = self._starts.get(node_id) if isinstance(node_id, str) else None
        return start is not None and not start.is_missing

    def _heard(self, node_id: str, incarnation: int, start: _Start | None) -> list[Change]:
        changes = []
        if start is not None and incarnation > start.incarnation:
            changes.append(self._end(node_id, start, "the worker has started anew"))
            start = None
        if start is None:
            self._starts[node_id] = _Start(incarnation)
            changes.append(Change(node_id, incarnation, What.CAME))
        elif start.is_missing and incarnation == start.incarnation:
            start.is_missing, start.give_up_at_s = False, math.inf
            changes.append(Change(node_id, incarnation, What.BACK))
        return changes

    def _end(self, node_id: str, start: _Start, why: str) -> Change:
        del self._starts[node_id]
        self._over[node_id] = start.incarnation
        return Change(node_id, start.incarnation, What.OVER, why)
