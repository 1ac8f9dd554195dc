"""Everything that a host holds: services by epoch, instances, results, and what is to be told."""

from __future__ import annotations

import heapq
import itertools
import logging
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hedgerow_idl.serve import OrderCode
from hedgerow_nodes.serve.frames import Head
from hedgerow_nodes.serve.member import Emission, Member
from hedgerow_nodes.serve.router import Router

MOST_ROWS = 200_000
MOST_RESULTS = 1024
MOST_RESULT_BYTES = 64 << 20
"""Answers are kept so long, for orders that come again."""

log = logging.getLogger("hedgerow.host")


@dataclass(slots=True)
class Service:
    """The epochs of a service that this host knows.

    `in_use` is the newest that has begun to work, `followed` the newest by which the sources here send as well.
    """

    name: str
    routers: dict[int, Router] = field(default_factory=dict)
    in_use: int = 0
    followed: int = 0

    def begin(self, epoch: int) -> None:
        """An epoch works, or its sources are told to send by it."""
        self.in_use = max(self.in_use, epoch)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an order."""

    command_id: str
    code: OrderCode = OrderCode.DONE
    reason: str = ""
    body: str = ""
    at_sequence: int = -1


class World:
    """All that a host holds; used under its lock alone."""

    def __init__(self, folder: Path, home: Path, execution_providers: Callable[[], Sequence[str]] = tuple) -> None:
        self.folder, self.execution_providers = folder, execution_providers
        self.uploads, self.models = home / "uploads", home / "models"
        self.outgoing: deque[tuple[Any, ...]] = deque()
        self.lines: list[str] = []
        self.node_id = ""
        self.services: dict[str, Service] = {}
        self.members: dict[str, Member] = {}
        self.by_number: dict[int, Member] = {}
        self.numbers = itertools.count(1)
        self.tickets = itertools.count(1)
        self.refused = 0
        # Items into instances and out of them, and what moving them has cost the instances.
        self.moved, self.moving_s = 0, 0.0
        self.rows: deque[tuple[Any, ...]] = deque(maxlen=MOST_ROWS)
        self.lost_rows = 0
        self.results: list[Result] = []
        self.answered: OrderedDict[str, Result] = OrderedDict()
        self._answered_bytes = 0
        self.pending: set[str] = set()
        self.away: dict[tuple[Any, ...], Emission] = {}
        self.gone_instances: set[str] = set()
        self.replaced: set[str] = set()
        self.given_up: set[str] = set()
        self.over: dict[str, int] = {}
        self.has_changed = False
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self.touched: set[int] = set()

    def at(self, due_s: float, act: Callable[[], None]) -> None:
        """Do something at a moment of the monotonic clock."""
        heapq.heappush(self._timers, (due_s, next(self.tickets), act))

    def run_timers(self) -> float | None:
        """Do what is due; seconds until the next."""
        while self._timers and self._timers[0][0] <= time.monotonic():
            heapq.heappop(self._timers)[2]()
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def router(self, service_id: str, epoch: int) -> Router | None:
        """The links of an epoch, if it is known here."""
        service = self.services.get(service_id)
        return None if service is None else service.routers.get(epoch)

    def follow(self, service_id: str, epoch: int) -> None:
        """Nothing here begins an item by an earlier epoch any more."""
        service = self.services.get(service_id)
        if service is not None and epoch in service.routers:
            service.followed = max(service.followed, epoch)

    def of_service(self, service_id: str) -> list[Member]:
        """The instances of a service."""
        return [member for member in self.members.values() if member.service_id == service_id]

    def tell(self, member: Member, head: Head, pieces: Any = ()) -> None:
        """Send an instance a frame, as soon as it takes it."""
        if member.connection is not None:
            member.writer.add(head, pieces)
            self.touched.add(member.number)

    def answer(self, result: Result) -> None:
        """Give the result of an order; only the first one counts."""
        if result.command_id in self.answered:
            return
        self.pending.discard(result.command_id)
        self.answered[result.command_id] = result
        self._answered_bytes += len(result.body)
        while len(self.answered) > 1 and (
            len(self.answered) > MOST_RESULTS or self._answered_bytes > MOST_RESULT_BYTES
        ):
            _command_id, oldest = self.answered.popitem(last=False)
            self._answered_bytes -= len(oldest.body)
        self.results.append(result)
        self.has_changed = True

    def trace(self, member: Member, event: str, head: Head, port: str, size: float = math.nan, at_s: float = 0) -> None:
        """Note an event of an item, unless its epoch's plan wants no trace."""
        epoch = head["epoch"]
        service = self.services.get(member.service_id)
        if service is None or epoch not in service.routers or not service.routers[epoch].plan.trace:
            return
        if len(self.rows) == MOST_ROWS:
            self.lost_rows += 1
        self.rows.append((at_s or time.time(), head["seq"], epoch, event, size, port, member))
