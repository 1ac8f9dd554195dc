"""Batches of telemetry as a worker would write them."""

from __future__ import annotations

import base64
from typing import Any

from hedgerow_idl.codec import codec_of
from hedgerow_idl.telemetry import PacketRow, ProcessRow, SystemRow, TelemetryBatch, TraceEvent

SERVICE, LOGICAL, PHYSICAL, NODE = "service-1", "logical-1", "physical-1", "node-1"


def packet(sequence: int, event: TraceEvent = TraceEvent.START, at_s: float = 1000.0, **changes: Any) -> PacketRow:
    fields: dict[str, Any] = {"service_id": SERVICE, "logical_id": LOGICAL, "physical_id": PHYSICAL, "epoch": 1}
    return PacketRow(at_s=at_s, sequence_number=sequence, event=event, **{**fields, **changes})


def process(at_s: float = 1000.0, **changes: Any) -> ProcessRow:
    fields: dict[str, Any] = {"service_id": SERVICE, "logical_id": LOGICAL, "physical_id": PHYSICAL}
    return ProcessRow(at_s=at_s, cpu_percent=66.0, **{**fields, **changes})


def system(at_s: float = 1000.0, **changes: Any) -> SystemRow:
    return SystemRow(at_s=at_s, cpu_percent=10.0, memory_bytes=8 * 2**30, memory_percent=40.0, **changes)


def batch(first_row: int = 1, rows: int = 3, **changes: Any) -> TelemetryBatch:
    """One row of the machine, one of a process, the rest of packets with their numbers as sequences."""
    last = range(first_row + 2, first_row + rows)
    fields: dict[str, Any] = {
        "source_id": "source-1",
        "node_id": NODE,
        "incarnation": 7,
        "systems": [system()] if rows > 0 else [],
        "processes": [process()] if rows > 1 else [],
        "packets": [packet(number, at_s=1000.0 + number) for number in last],
    }
    return TelemetryBatch(first_row=first_row, **{**fields, **changes})


def encoded(*batches: TelemetryBatch) -> dict[str, Any]:
    """The body of a report."""
    codec = codec_of(TelemetryBatch)
    return {"batches": [base64.b64encode(codec.encode(each)).decode() for each in batches]}
