"""What a host knows of one instance, and of the items on their way into it."""

from __future__ import annotations

import math
import socket
from dataclasses import dataclass, field
from typing import Any

from hedgerow_idl.plan import Link, PlacedInstance
from hedgerow_idl.serve import InstanceState
from hedgerow_nodes.serve.frames import FrameReader, FrameWriter, Head
from hedgerow_nodes.serve.lane import Lane

REQUEST = "request"
LaneKey = tuple[str, str, str]


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
