"""Holds the rows that are not stored yet, each once, oldest first, up to a limit. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from hedgerow_idl.codec import codec_of
from hedgerow_idl.telemetry import TelemetryBatch
from hedgerow_nodes.core.row_ranges import Range, RowRanges
from hedgerow_nodes.core.telemetry_rows import cut, fault_of, range_of

MOST_SOURCES = 1024
"""Of more, those without rows in hand are forgotten, the ones heard of least recently first."""

Key = tuple[str, int]
_codec = codec_of(TelemetryBatch)


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of one source that travel together, encoded."""

    source_id: str
    start: int
    end: int
    cdr: bytes


@dataclass(slots=True)
class _Source:
    """What is known of one source: the rows that came or are stored, those held, and whether the store was asked."""

    seen: RowRanges = field(default_factory=RowRanges)
    stored: RowRanges = field(default_factory=RowRanges)
    held: set[int] = field(default_factory=set)
    asked: bool = False
    lost: int = 0


class Buffer:
    """The collector's rows.

    Args:
        held_bytes: how much is held at most; then the oldest rows that are not on their way are dropped, and counted.
        piece_bytes: the size up to which rows travel together.

    Attributes:
        held_rows, held_bytes: what is held now.
        dropped_rows: what was thrown away because the store stayed away for too long.
        refused_rows: what cannot be stored at all.
        repeated_rows: what came more than once.
        lost_rows: what the sources say they had to throw away themselves.
        delivered_rows: what was held and is stored now.
    """

    def __init__(self, held_bytes: int, piece_bytes: int) -> None:
        self.limit_bytes = held_bytes
        self.piece_bytes = piece_bytes
        self.held_rows = self.held_bytes = 0
        self.dropped_rows = self.refused_rows = self.repeated_rows = self.delivered_rows = 0
        self.fault = ""
        self._pieces: OrderedDict[Key, Piece] = OrderedDict()
        self._sources: OrderedDict[str, _Source] = OrderedDict()
        self._sent: set[Key] = set()
        self._forgotten_lost = 0

    @property
    def lost_rows(self) -> int:
        """What the sources had to throw away before they could send it."""
        return self._forgotten_lost + sum(source.lost for source in self._sources.values())

    def put(self, batch: TelemetryBatch, cdr: bytes | None = None) -> int:
        """Take in the rows that are new; how many.

        Args:
            batch: what a source wrote.
            cdr: the same, encoded, where that is at hand.
        """
        fault = fault_of(batch)
        start, end = range_of(batch)
        if fault:
            self.fault = fault
            self.refused_rows += end - start
            return 0
        source = self._source(batch.source_id)
        source.lost = max(source.lost, batch.lost)
        new = source.seen.missing(start, end)
        source.seen.add(start, end)
        rows = sum(end - start for start, end in new)
        self.repeated_rows += end - start - rows
        for part in new:
            whole = cdr is not None and part == (start, end) and len(cdr) <= self.piece_bytes
            self._hold(batch, part, cdr if whole else None)
        self._make_room()
        return rows

    def unasked(self) -> list[str]:
        """The sources of which it is not known yet what the store has."""
        return [source_id for source_id, source in self._sources.items() if not source.asked]

    def take(self, most_bytes: int, most_pieces: int) -> list[Piece]:
        """The oldest pieces that are to be stored, as many as fit, but one at least; they stay held until known."""
        taken: list[Piece] = []
        size = 0
        for key, piece in self._pieces.items():
            if not self._sources[piece.source_id].asked:
                continue
            if taken and (size + len(piece.cdr) > most_bytes or len(taken) >= most_pieces):
                break
            taken.append(piece)
            size += len(piece.cdr)
            self._sent.add(key)
        return taken

    def give_back(self) -> None:
        """What was taken is not on its way any more."""
        self._sent.clear()

    def known(self, source_id: str, ranges: Iterable[Range]) -> None:
        """The store has these rows of a source: they need not be held any longer."""
        source = self._source(source_id)
        source.asked = True
        for start, end in ranges:
            source.seen.add(start, end)
            source.stored.add(start, end)
        for start in sorted(source.held):
            piece = self._pieces[source_id, start]
            if not source.stored.missing(piece.start, piece.end):
                self._let_go(piece)
                self.delivered_rows += piece.end - piece.start

    def is_stored(self, source_id: str, start: int, end: int) -> bool:
        """Whether the store is known to have all these rows."""
        source = self._sources.get(source_id)
        return source is not None and not source.stored.missing(start, end)

    def refuse(self, piece: Piece, reason: str) -> None:
        """The store will never take this."""
        if (piece.source_id, piece.start) in self._pieces:
            self._let_go(piece)
            self.refused_rows += piece.end - piece.start
            self.fault = reason

    def _hold(self, batch: TelemetryBatch, part: Range, cdr: bytes | None) -> None:
        start, end = part
        encoded = _codec.encode(cut(batch, start, end)) if cdr is None else cdr
        if len(encoded) > self.piece_bytes and end - start > 1:
            middle = (start + end) // 2
            self._hold(batch, (start, middle), None)
            self._hold(batch, (middle, end), None)
        elif len(encoded) > self.piece_bytes:
            self.refused_rows += 1
            self.fault = f"source {batch.source_id!r}: row {start} has {len(encoded)} bytes, {self.piece_bytes} allowed"
        else:
            self._pieces[batch.source_id, start] = Piece(batch.source_id, start, end, encoded)
            self._sources[batch.source_id].held.add(start)
            self.held_rows += end - start
            self.held_bytes += len(encoded)

    def _make_room(self) -> None:
        while self.held_bytes > self.limit_bytes:
            oldest = next((piece for key, piece in self._pieces.items() if key not in self._sent), None)
            if oldest is None:
                return
            self._let_go(oldest)
            self.dropped_rows += oldest.end - oldest.start

    def _let_go(self, piece: Piece) -> None:
        del self._pieces[piece.source_id, piece.start]
        self._sources[piece.source_id].held.discard(piece.start)
        self._sent.discard((piece.source_id, piece.start))
        self.held_rows -= piece.end - piece.start
        self.held_bytes -= len(piece.cdr)

    def _source(self, source_id: str) -> _Source:
        source = self._sources.get(source_id)
        if source is None:
            source = self._sources[source_id] = _Source()
            self._forget()
        self._sources.move_to_end(source_id)
        return source

    def _forget(self) -> None:
        if len(self._sources) <= MOST_SOURCES:
            return
        idle = next((key for key, source in self._sources.items() if source.asked and not source.held), None)
        if idle is not None:
            self._forgotten_lost += self._sources.pop(idle).lost
