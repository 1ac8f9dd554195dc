"""What a host knows of one instance, and of everything that it hosts."""

from __future__ import annotations

import heapq
import itertools
import logging
import math
import socket
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hedgerow_idl.plan import Link, PlacedInstance
from hedgerow_idl.serve import InstanceState, OrderCode
from hedgerow_nodes.serve.frames import FrameReader, FrameWriter, Head
from hedgerow_nodes.serve.lane import Lane
from hedgerow_nodes.serve.router import Router

MOST_ROWS = 200_000
MOST_RESULTS = 1024
REQUEST = "request"
LaneKey = tuple[str, str, str]

log = logging.getLogger("hedgerow.host")


@dataclass(slots=True, eq=False)
class Emission:
    """An item that an instance has sent, until every lossless link is through with it."""

    sender: Member
    life: int
    output: str
    remaining: int = 0


@dataclass(slots=True, eq=False)
class Entry:
    """An item on its way into an instance; `origin` is its header if it came from another worker."""

    ticket: int
    head: Head
    payload: Any
    is_kept: bool = False
    emission: Emission | None = None
    origin: Head | None = None


@dataclass(slots=True, eq=False)
class Member:
    """One instance; `life` counts its processes, the fork server knows the present one by `number`."""

    service_id: str
    placed: PlacedInstance
    epochs: set[int]
    epoch: int
    state: InstanceState = InstanceState.PREPARING
    reason: str = ""
    is_wanted_running: bool = False
    is_closing: bool = False
    was_ready: bool = False
    number: int = 0
    life: int = 0
    pid: int = 0
    restarts: int = 0
    crashes: int = 0
    ready_at_s: float = math.nan
    close_by_s: float = math.inf
    connection: socket.socket | None = None
    reader: FrameReader = field(default_factory=FrameReader)
    writer: FrameWriter = field(default_factory=FrameWriter)
    lanes: dict[LaneKey, Lane] = field(default_factory=dict)
    lane_numbers: dict[int, Lane] = field(default_factory=dict)
    windows: dict[str, int | None] = field(default_factory=dict)
    next_sequence: int = 0
    last_sequence: int = -1
    last_epoch: int = 0
    received: int = 0
    sent: int = 0
    dropped: int = 0
    skipped: int = 0
    refused: int = 0
    failed: int = 0
    compute_s: float = math.nan
    at_switch: tuple[int, int] | None = None

    @property
    def takes_items(self) -> bool:
        """Whether its process works on what it is given."""
        working = (InstanceState.RUNNING, InstanceState.STOPPED, InstanceState.ENDED)
        return self.connection is not None and self.state in working

    @property
    def queued(self) -> int:
        """Items that wait for it, or that it was given and is not through with."""
        return sum(len(lane.waiting) + len(lane.given) for lane in self.lanes.values())

    def lane(self, link: Link) -> tuple[int, Lane]:
        """The lane of a link into this instance, with its number."""
        key = (link.sender, link.output, link.input)
        lane = self.lanes.get(key)
        if lane is None:
            lane = self.lanes[key] = Lane(link.mode, link.capacity)
            self.lane_numbers[len(self.lane_numbers) + 1] = lane
        lane.mode, lane.capacity = link.mode, link.capacity
        return next(number for number, each in self.lane_numbers.items() if each is lane), lane


@dataclass(slots=True)
class Service:
    """The epochs of a service that this host knows."""

    name: str
    routers: dict[int, Router] = field(default_factory=dict)


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

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outgoing: deque[tuple[Any, ...]] = deque()
        self.lines: list[str] = []
        self.node_id = ""
        self.services: dict[str, Service] = {}
        self.members: dict[str, Member] = {}
        self.by_number: dict[int, Member] = {}
        self.numbers = itertools.count(1)
        self.tickets = itertools.count(1)
        self.refused = 0
        self.rows: deque[tuple[Any, ...]] = deque(maxlen=MOST_ROWS)
        self.lost_rows = 0
        self.results: list[Result] = []
        self.answered: OrderedDict[str, Result] = OrderedDict()
        self.pending: set[str] = set()
        self.away: dict[tuple[Any, ...], Emission] = {}
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
        while len(self.answered) > MOST_RESULTS:
            self.answered.popitem(last=False)
        self.results.append(result)
        self.has_changed = True

    def trace(self, member: Member, event: str, head: Head, port: str, size: float = math.nan, at_s: float = 0) -> None:
        """Note an event of an item, unless its epoch's plan wants no trace."""
        router = self.router(member.service_id, head["epoch"])
        if router is None or not router.plan.trace:
            return
        if len(self.rows) == MOST_ROWS:
            self.lost_rows += 1
        placed = member.placed
        row = (at_s or time.time(), head["seq"], head["epoch"], event, size)
        self.rows.append((*row, member.service_id, placed.logical_id, placed.physical_id, port))
