"""Turns the rows of a batch into those of the store; what no table can hold is left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from hedgerow_idl.telemetry import PacketRow, ProcessRow, SystemRow, TelemetryBatch
from hedgerow_nodes.core.row_ranges import MOST_ROWS
from hedgerow_nodes.core.telemetry_rows import MOST_ID_CHARACTERS
from hedgerow_orchestrator.store.telemetry_changes import (
    PacketRowAdded,
    ProcessRowAdded,
    SystemRowAdded,
    TelemetryRow,
)

Keys = Callable[[str, str, str], tuple[int, int, int]]
"""The numbers of a service, a logical and a physical id."""

MOST_FIGURE = 1e15
"""Beyond this a figure is none, and the whole numbers of the views would not hold it."""

_finite = math.isfinite


def rows_of(batch: TelemetryBatch, source_key: int, keys: Keys) -> Iterator[TelemetryRow]:
    """The rows to store, in the order of their numbers.

    Left out are those without a time, and those with an id of more than 128 characters.
    """
    number = batch.first_row
    for system in batch.systems:
        if _finite(system.at_s):
            yield _system(system, source_key, number)
        number += 1
    for process in batch.processes:
        if _finite(process.at_s) and _storable(process.service_id, process.logical_id, process.physical_id):
            ids = keys(process.service_id, process.logical_id, process.physical_id)
            yield _process(process, source_key, number, ids)
        number += 1
    for packet in batch.packets:
        if _packet_storable(packet):
            ids = keys(packet.service_id, packet.logical_id, packet.physical_id)
            yield _packet(packet, source_key, number, ids)
        number += 1


def _system(row: SystemRow, source_key: int, number: int) -> SystemRowAdded:
    return SystemRowAdded(
        source_key=source_key,
        row_number=number,
        at_s=row.at_s,
        cpu_percent=_figure(row.cpu_percent),
        memory_bytes=_whole(row.memory_bytes),
        memory_percent=_figure(row.memory_percent),
        gpu_index=row.gpu_index if row.gpu_index >= 0 else None,
        gpu_percent=_figure(row.gpu_percent),
        gpu_memory_percent=_figure(row.gpu_memory_percent),
        gpu_clock_hz=_figure(row.gpu_clock_hz),
        gpu_power_w=_figure(row.gpu_power_w),
    )


def _process(row: ProcessRow, source_key: int, number: int, ids: tuple[int, int, int]) -> ProcessRowAdded:
    session, handler, instance = ids
    return ProcessRowAdded(
        source_key=source_key,
        row_number=number,
        at_s=row.at_s,
        session_key=session,
        handler_key=handler,
        instance_key=instance,
        cpu_percent=_figure(row.cpu_percent),
        memory_percent=_figure(row.memory_percent),
        gpu_index=row.gpu_index if row.gpu_index >= 0 else None,
        gpu_percent=_figure(row.gpu_percent),
        gpu_memory_percent=_figure(row.gpu_memory_percent),
    )


def _packet(row: PacketRow, source_key: int, number: int, ids: tuple[int, int, int]) -> PacketRowAdded:
    session, handler, instance = ids
    return PacketRowAdded(
        source_key=source_key,
        row_number=number,
        at_s=row.at_s,
        session_key=session,
        handler_key=handler,
        instance_key=instance,
        epoch=row.epoch,
        sequence_number=row.sequence_number,
        event=row.event.name.lower(),
        size_bytes=_whole(row.size_bytes),
        port_name=row.port_name,
    )


def _packet_storable(row: PacketRow) -> bool:
    texts = (row.service_id, row.logical_id, row.physical_id, row.port_name)
    return _finite(row.at_s) and row.epoch <= MOST_ROWS and _storable(*texts)


def _storable(*texts: str) -> bool:
    return all(len(text) <= MOST_ID_CHARACTERS for text in texts)


def _figure(value: float) -> float | None:
    return value if -MOST_FIGURE < value < MOST_FIGURE else None


def _whole(value: float) -> int | None:
    return int(value) if 0 <= value < MOST_ROWS else None
