"""The rows of a telemetry batch by their numbers: systems first, then processes, then packets. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from hedgerow_idl.telemetry import TelemetryBatch
from hedgerow_nodes.core.row_ranges import MOST_ROWS, Range

R = TypeVar("R")
MOST_ID_CHARACTERS = 128


def rows_in(batch: TelemetryBatch) -> int:
    """How many rows a batch holds."""
    return len(batch.systems) + len(batch.processes) + len(batch.packets)


def range_of(batch: TelemetryBatch) -> Range:
    """The numbers of its rows, half-open."""
    return batch.first_row, batch.first_row + rows_in(batch)


def cut(batch: TelemetryBatch, start: int, end: int) -> TelemetryBatch:
    """The rows from `start` up to, and without, `end`, as a batch of their own."""
    processes_at = batch.first_row + len(batch.systems)
    packets_at = processes_at + len(batch.processes)
    return TelemetryBatch(
        source_id=batch.source_id,
        node_id=batch.node_id,
        incarnation=batch.incarnation,
        batch=batch.batch,
        first_row=start,
        lost=batch.lost,
        systems=_between(batch.systems, batch.first_row, start, end),
        processes=_between(batch.processes, processes_at, start, end),
        packets=_between(batch.packets, packets_at, start, end),
    )


def _between(rows: Sequence[R], at: int, start: int, end: int) -> list[R]:
    """Of rows whose numbers begin at `at` those from `start` to `end`."""
    return list(rows[max(0, start - at) : max(0, end - at)])


def fault_of(batch: TelemetryBatch) -> str:
    """Why a batch cannot be kept; empty if it can."""
    if not 0 < len(batch.source_id) <= MOST_ID_CHARACTERS:
        return f"source id {batch.source_id[:MOST_ID_CHARACTERS]!r} is empty or longer than {MOST_ID_CHARACTERS}"
    if range_of(batch)[1] > MOST_ROWS or batch.incarnation > MOST_ROWS or batch.lost > MOST_ROWS:
        return f"source {batch.source_id!r}: row {batch.first_row} or incarnation {batch.incarnation} is above 2^63"
    return ""
