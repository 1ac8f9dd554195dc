"""What one worker sends to one other: a queue for each link, a window of chunks for all, credits that move it on."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from hedgerow_idl.serve import ItemKind
from hedgerow_nodes.worker_side.item_chunks import Part, Piece, pieces

WINDOW_CHUNKS = 48
"""Fewer than a `bulk` writer keeps for sending again, so that none is lost while the receiver lives."""

WINDOW_BYTES = 2 << 20
"""So much may be on its way: less than a socket's buffer holds."""

FlowKey = tuple[Any, ...]


@dataclass(eq=False)
class Outgoing:
    """An item for another worker. `flow` tells its link from others; `capacity` 0 is a link that holds nobody back.

    `began_alone` says that nothing else was on its way when it began: its time to the answer is the link's then.
    """

    header: dict[str, Any]
    payload: Sequence[Part]
    kind: ItemKind = ItemKind.CAST
    flow: FlowKey = ()
    newest: bool = False
    capacity: int = 0
    began_at_s: float = 0.0
    began_alone: bool = False
    size_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.size_bytes = sum(memoryview(part).nbytes for part in self.payload)


@dataclass(frozen=True)
class SentChunk:
    """A chunk to be written now; `is_first` ones carry the header."""

    item: Outgoing
    position: int
    piece: Piece

    @property
    def is_first(self) -> bool:
        """Whether the item begins here."""
        return self.piece.index == 0


@dataclass(frozen=True)
class Delivered:
    """An item that the receiver has taken whole, and how long that took from its first chunk to the answer."""

    item: Outgoing
    took_s: float


@dataclass(eq=False)
class _Flow:
    flow_id: int
    waiting: deque[Outgoing] = field(default_factory=deque)
    sent: int = 0
    taken: int = 0
    capacity: int = 0

    @property
    def may_send(self) -> bool:
        return bool(self.waiting) and (self.capacity == 0 or self.sent - self.taken < self.capacity)


class ItemStream:
    """Sends in turn from every link that has something, one item whole after the other.

    Two kinds of credit: the receiver's loop says how far it has taken the chunks, which moves the window on; and of a
    lossless link it says how many items the instance has taken, which is what a slow instance holds back, alone.

    Args:
        draw_id: gives the ids of the flows, 64 bits.

    Attributes:
        dropped: items that a newer one replaced.
    """

    def __init__(self, draw_id: Callable[[], int]) -> None:
        self._draw_id = draw_id
        self._flows: OrderedDict[FlowKey, _Flow] = OrderedDict()
        self._by_id: dict[int, _Flow] = {}
        self._current: tuple[Outgoing, Iterator[Piece]] | None = None
        self._next_piece: Piece | None = None
        self._on_the_way: deque[tuple[int, int, Outgoing, bool]] = deque()
        self._bytes_on_the_way = 0
        self.position = 0
        self.taken = 0
        self.dropped = 0

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is on its way."""
        return self._current is None and not self._on_the_way and not any(f.waiting for f in self._flows.values())

    def put(self, item: Outgoing) -> list[Outgoing]:
        """Queue an item; those that it replaces on a link whose newest item wins."""
        flow = self._flow(item.flow, item.capacity)
        replaced = []
        if item.newest and item.kind is ItemKind.CAST:
            replaced = [old for old in flow.waiting if old.newest and old.kind is ItemKind.CAST]
            flow.waiting = deque(old for old in flow.waiting if old not in replaced)
            self.dropped += len(replaced)
        flow.waiting.append(item)
        return replaced

    def room(self, key: FlowKey, capacity: int) -> bool:
        """Whether a lossless link takes another item: fewer than its capacity wait here or at the receiver."""
        flow = self._flows.get(key)
        return flow is None or len(flow.waiting) + flow.sent - flow.taken < max(1, capacity)

    def next_chunk(self, clock_s: float) -> SentChunk | None:
        """The next chunk if the window has room for it."""
        if self._current is None and not self._begin(clock_s):
            return None
        assert self._current is not None
        item, rest = self._current
        piece = self._next_piece
        assert piece is not None
        if self._on_the_way and (
            len(self._on_the_way) >= WINDOW_CHUNKS or self._bytes_on_the_way + piece.size_bytes > WINDOW_BYTES
        ):
            return None
        if piece.index == 0:
            item.began_at_s, item.began_alone = clock_s, not self._on_the_way
        self._next_piece = next(rest, None)
        is_last = self._next_piece is None
        if is_last:
            self._current = None
        self.position += 1
        self._on_the_way.append((self.position, piece.size_bytes, item, is_last))
        self._bytes_on_the_way += piece.size_bytes
        return SentChunk(item, self.position, piece)

    def credit(self, position: int, clock_s: float) -> list[Delivered]:
        """The receiver's loop has taken all up to a position; the items that it has whole now."""
        if position > self.position:
            return []  # of another stream, or made up
        self.taken = max(self.taken, position)
        delivered = []
        while self._on_the_way and self._on_the_way[0][0] <= position:
            _, size_bytes, item, is_last = self._on_the_way.popleft()
            self._bytes_on_the_way -= size_bytes
            if is_last:
                delivered.append(Delivered(item, clock_s - item.began_at_s))
        return delivered

    def flow_credit(self, flow_id: int, count: int) -> bool:
        """An instance has taken so many items of a lossless link; whether there is such a link."""
        flow = self._by_id.get(flow_id)
        if flow is None or count > flow.sent:
            return False
        flow.taken = max(flow.taken, count)
        return True

    def drop(self, unwanted: Callable[[Outgoing], bool]) -> list[Outgoing]:
        """Give up what waits and is unwanted, such as items of an epoch that is over; flows that are empty go too."""
        gone = []
        for key, flow in list(self._flows.items()):
            gone += [item for item in flow.waiting if unwanted(item)]
            flow.waiting = deque(item for item in flow.waiting if not unwanted(item))
            if not flow.waiting and flow.sent <= flow.taken:
                del self._flows[key], self._by_id[flow.flow_id]
        return gone

    def give_up(self) -> list[Outgoing]:
        """The receiver is dead: everything that it has not taken."""
        began = [item for _, _, item, is_last in self._on_the_way if is_last]
        current = [] if self._current is None else [self._current[0]]
        waiting = [item for flow in self._flows.values() for item in flow.waiting]
        self._flows.clear()
        self._by_id.clear()
        self._current = self._next_piece = None
        self._on_the_way.clear()
        self._bytes_on_the_way = 0
        return began + current + waiting

    def _begin(self, clock_s: float) -> bool:
        for key, flow in self._flows.items():
            if flow.may_send:
                item = flow.waiting.popleft()
                self._flows.move_to_end(key)  # the others come first next time
                if flow.capacity:
                    flow.sent += 1
                    item.header = {**item.header, "flow": flow.flow_id, "nth": flow.sent}
                rest = pieces(item.payload)
                self._next_piece = next(rest)
                self._current = item, rest
                return True
        return False

    def _flow(self, key: FlowKey, capacity: int) -> _Flow:
        flow = self._flows.get(key)
        if flow is None:
            flow = self._flows[key] = _Flow(self._draw_id())
            self._by_id[flow.flow_id] = flow
        flow.capacity = capacity
        return flow
