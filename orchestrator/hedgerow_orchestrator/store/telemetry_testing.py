"""Sample records of telemetry, for tests of whatever stands on the store."""

from __future__ import annotations

from typing import Any

from hedgerow_orchestrator.store.serving_testing import SERVICE_ID
from hedgerow_orchestrator.store.telemetry_changes import (
    PacketRowAdded,
    ProcessRowAdded,
    SystemRowAdded,
    TelemetryChange,
    TelemetryHandlerRow,
    TelemetryInstanceRow,
    TelemetryNodeRow,
    TelemetrySessionRow,
    TelemetrySourceRow,
)
from hedgerow_orchestrator.store.testing import NODE_ID


def a_source(id: int = 1, **changes: Any) -> TelemetrySourceRow:
    """Give a source on node 1; `changes` are other values of its fields."""
    fields: dict[str, Any] = {
        "uuid": f"source-{id}",
        "node_key": 1,
        "incarnation": 7,
        "known_rows": "[[1,4]]",
        "lost_rows": 0,
        "refused_rows": 0,
        "changed_at_s": 1_000.0,
    }
    return TelemetrySourceRow(id=id, **{**fields, **changes})


def a_system_row(row_number: int = 1, **changes: Any) -> SystemRowAdded:
    """Give a machine with one GPU at one moment."""
    fields: dict[str, Any] = {
        "source_key": 1,
        "at_s": 1_000.0 + row_number,
        "cpu_percent": 12.5,
        "memory_bytes": 8 * 2**30,
        "memory_percent": 40.0,
        "gpu_index": 0,
        "gpu_percent": 55.4,
        "gpu_memory_percent": 20.0,
        "gpu_clock_hz": 1.35e9,
        "gpu_power_w": 61.7,
    }
    return SystemRowAdded(row_number=row_number, **{**fields, **changes})


def a_process_row(row_number: int = 2, **changes: Any) -> ProcessRowAdded:
    """Give a process without a GPU at one moment."""
    fields: dict[str, Any] = {
        "source_key": 1,
        "at_s": 1_000.0 + row_number,
        "session_key": 1,
        "handler_key": 1,
        "instance_key": 1,
        "cpu_percent": 99.5,
        "memory_percent": 1.5,
        "gpu_index": None,
        "gpu_percent": None,
        "gpu_memory_percent": None,
    }
    return ProcessRowAdded(row_number=row_number, **{**fields, **changes})


def a_packet_row(row_number: int = 3, **changes: Any) -> PacketRowAdded:
    """Give an item that was sent."""
    fields: dict[str, Any] = {
        "source_key": 1,
        "at_s": 1_000.0 + row_number,
        "session_key": 1,
        "handler_key": 1,
        "instance_key": 1,
        "epoch": 1,
        "sequence_number": 5,
        "event": "sent",
        "size_bytes": 1234,
        "port_name": "image",
    }
    return PacketRowAdded(row_number=row_number, **{**fields, **changes})


def telemetry_names() -> list[TelemetryChange]:
    """Give the number 1 to a node, a session, a handler and an instance."""
    return [
        TelemetryNodeRow(1, NODE_ID, "worker-1"),
        TelemetrySessionRow(1, SERVICE_ID, "faces"),
        TelemetryHandlerRow(1, "logical-1", "camera"),
        TelemetryInstanceRow(1, "physical-1", "camera"),
    ]


def all_telemetry() -> list[TelemetryChange]:
    """Give one record of every table."""
    return [*telemetry_names(), a_source(), a_system_row(), a_process_row(), a_packet_row()]
