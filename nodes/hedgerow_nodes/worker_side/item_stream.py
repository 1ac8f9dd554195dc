"""What one worker sends to one other: a queue for each link, a window of chunks for all, credits that move it on."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
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
    """An item for another worker. `flow` tells its link from others; of a `newest` one a newer item takes the place.

    `began_alone` says that nothing else was on its way when it began: its time to the answer is the link's then.
    """

    header: dict[str, Any]
    payload: Sequence[Part]
    kind: ItemKind = ItemKind.CAST
    flow: FlowKey = ()
    newest: bool = False
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
    """An item that the receiver has taken whole, and how long that took from its first chunk to the answer.

    `behind_s` is the time since the answer before it, if as many bytes as may be were on their way all that time, so
    that the link was never idle, else NaN; `behind_bytes` have come in it. Of several in one answer the last has both.
    """

    item: Outgoing
    took_s: float
    behind_s: float | None = None
    behind_bytes: int = 0


class ItemStream:
    """Sends in turn from every link that has something, one item whole after the other.

    What holds back the sender of a lossless link is not this window but the instances' own credits, which travel as
    items: so a slow instance holds back its link, and no other link between the two workers.

    Attributes:
        position: that of the newest chunk; `taken` is how far the receiver has come.
        dropped: items that a newer one replaced.
    """

    def __init__(self) -> None:
        self._flows: OrderedDict[FlowKey, deque[Outgoing]] = OrderedDict()
        self._current: tuple[Outgoing, Iterator[Piece]] | None = None
        self._next_piece: Piece | None = None
        self._on_the_way: deque[tuple[SentChunk, bool]] = deque()
        self._again: deque[SentChunk] = deque()
        self._bytes_on_the_way = 0
        self._is_full = False
        self._answered_at_s = math.nan
        self.position = 0
        self.taken = 0
        self.dropped = 0

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is on its way."""
        return self._current is None and not self._on_the_way and not self._flows

    @property
    def waits(self) -> bool:
        """Something is on its way, and the receiver has not said that it has it."""
        return bool(self._on_the_way)

    def put(self, item: Outgoing) -> list[Outgoing]:
        """Queue an item; those that it replaces on a link whose newest item wins."""
        waiting = self._flows.setdefault(item.flow, deque())
        replaced = []
        if item.newest:
            replaced = [old for old in waiting if old.newest]
            for old in replaced:
                waiting.remove(old)
            self.dropped += len(replaced)
        waiting.append(item)
        return replaced

    def next_chunk(self, clock_s: float) -> SentChunk | None:
        """The next chunk if the window has room for it; first those that have to go again."""
        if self._again:
            return self._again.popleft()
        self._is_full = False
        if self._current is None and not self._begin():
            return None
        assert self._current is not None
        item, rest = self._current
        piece = self._next_piece
        assert piece is not None
        if self._on_the_way and (
            len(self._on_the_way) >= WINDOW_CHUNKS or self._bytes_on_the_way + piece.size_bytes > WINDOW_BYTES
        ):
            self._is_full = self._bytes_on_the_way + piece.size_bytes > WINDOW_BYTES
            return None
        if piece.index == 0:
            item.began_at_s, item.began_alone = clock_s, not self._on_the_way
        self._next_piece = next(rest, None)
        is_last = self._next_piece is None
        if is_last:
            self._current = None
        self.position += 1
        sent = SentChunk(item, self.position, piece)
        self._on_the_way.append((sent, is_last))
        self._bytes_on_the_way += piece.size_bytes
        return sent

    def credit(self, position: int, clock_s: float) -> list[Delivered]:
        """The receiver's loop has taken all up to a position; the items that it has whole now."""
        if position > self.position:
            return []  # of another stream, or made up
        self.taken = max(self.taken, position)
        if not self._is_full:
            self._answered_at_s = math.nan
        delivered = []
        while self._on_the_way and self._on_the_way[0][0].position <= position:
            sent, is_last = self._on_the_way.popleft()
            self._bytes_on_the_way -= sent.piece.size_bytes
            if is_last:
                delivered.append(Delivered(sent.item, clock_s - sent.item.began_at_s))
        if delivered:
            size_bytes = sum(each.item.size_bytes for each in delivered)
            since_s = clock_s - self._answered_at_s
            delivered[-1] = replace(delivered[-1], behind_s=since_s, behind_bytes=size_bytes)
            self._answered_at_s = clock_s
        return delivered

    def rewind(self) -> None:
        """What the receiver has not said to have is lost: it goes again, before all else."""
        self._again = deque(sent for sent, _ in self._on_the_way)
        self._answered_at_s = math.nan
        for sent in self._again:
            sent.item.began_alone = False  # its time tells nothing of the link

    def drop(self, unwanted: Callable[[Outgoing], bool]) -> list[Outgoing]:
        """Give up what waits and is unwanted, such as items of an epoch that is over."""
        gone = []
        for key, waiting in list(self._flows.items()):
            gone += [item for item in waiting if unwanted(item)]
            kept = deque(item for item in waiting if not unwanted(item))
            if kept:
                self._flows[key] = kept
            else:
                del self._flows[key]
        return gone

    def give_up(self) -> list[Outgoing]:
        """The receiver is dead: everything that it has not taken."""
        began = [sent.item for sent, is_last in self._on_the_way if is_last]
        current = [] if self._current is None else [self._current[0]]
        waiting = [item for queue in self._flows.values() for item in queue]
        self._flows.clear()
        self._current = self._next_piece = None
        self._on_the_way.clear()
        self._again.clear()
        self._bytes_on_the_way = 0
        return began + current + waiting

    def _begin(self) -> bool:
        if not self._flows:
            return False
        key, waiting = next(iter(self._flows.items()))
        item = waiting.popleft()
        if waiting:
            self._flows.move_to_end(key)  # the others come first next time
        else:
            del self._flows[key]
        rest = pieces(item.payload)
        self._next_piece = next(rest)
        self._current = item, rest
        return True
