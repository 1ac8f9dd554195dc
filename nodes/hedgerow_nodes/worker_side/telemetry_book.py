"""The rows that wait to be reported: bounded, what had to go is counted, and numbered without gaps when they leave."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from hedgerow_idl.telemetry import PacketRow, ProcessRow, SystemRow, TelemetryBatch
from hedgerow_nodes.core.identity import Identity

Row = SystemRow | ProcessRow | PacketRow

BATCH_ROWS = 512
"""So many rows in one sample: the ring that the bus keeps for a collector that comes late is bounded with it."""


class TelemetryBook:
    """Collects rows in the order of their arrival.

    A row gets its number only when it is sent, so that numbers have no gaps whatever was thrown away before.

    Args:
        identity: of the worker; one start is one source.
        most_rows: so many wait; beyond that the oldest are thrown away.
    """

    def __init__(self, identity: Identity, most_rows: int) -> None:
        self._identity = identity
        self._most_rows = most_rows
        self._rows: deque[Row] = deque()
        self._next_row = 1
        self._next_batch = 1
        self.lost = 0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def most_rows(self) -> int:
        """How many rows may wait; a smaller bound throws the oldest away at once."""
        return self._most_rows

    @most_rows.setter
    def most_rows(self, most_rows: int) -> None:
        self._most_rows = most_rows
        self._shrink()

    def add(self, rows: Iterable[Row]) -> None:
        """Keep rows until they are sent."""
        self._rows.extend(rows)
        self._shrink()

    def take_batch(self) -> TelemetryBatch | None:
        """The oldest rows as a batch; None if there are none."""
        if not self._rows:
            return None
        rows = [self._rows.popleft() for _ in range(min(BATCH_ROWS, len(self._rows)))]
        batch = TelemetryBatch(
            source_id=f"{self._identity.node_id}/{self._identity.incarnation}",
            node_id=self._identity.node_id,
            incarnation=self._identity.incarnation,
            batch=self._next_batch,
            first_row=self._next_row,
            lost=self.lost,
            systems=[row for row in rows if isinstance(row, SystemRow)],
            processes=[row for row in rows if isinstance(row, ProcessRow)],
            packets=[row for row in rows if isinstance(row, PacketRow)],
        )
        self._next_batch += 1
        self._next_row += len(rows)
        return batch

    def _shrink(self) -> None:
        while len(self._rows) > self._most_rows:
            self._rows.popleft()
            self.lost += 1
