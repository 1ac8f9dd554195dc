"""The tables of telemetry, one for each record of `telemetry_changes.py`; they hang on nothing.

A row's key is its source and its number there, so that it can be stored once only. The views `sys_info`, `proc_info`
and `packet_info` (migration 0004) show the same rows under the names that older systems use.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Table, Text, UniqueConstraint

from hedgerow_orchestrator.store.schema import Id, text_column
from hedgerow_orchestrator.store.serving_schema import metadata

__all__ = ["metadata"]


def _names(table: str) -> Table:
    return Table(
        table,
        metadata,
        Column("id", Id, primary_key=True, autoincrement=True),
        text_column("uuid"),
        text_column("name"),
        UniqueConstraint("uuid", name=f"uq_{table}_uuid"),
    )


def _number(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, Id, nullable=nullable)


def _figure(name: str) -> Column[float]:
    return Column(name, Float(53))


def _row_key() -> tuple[Column[int], Column[int], Column[float]]:
    return (
        Column("source_key", Id, primary_key=True, autoincrement=False),
        Column("row_number", Id, primary_key=True, autoincrement=False),
        Column("at_s", Float(53), nullable=False),
    )


def _by_time() -> Index:
    return Index(None, "at_s", "source_key", "row_number")


def _of_session() -> Index:
    return Index(None, "session_key", "at_s", "source_key", "row_number")


telemetry_node = _names("telemetry_node")
telemetry_session = _names("telemetry_session")
telemetry_handler = _names("telemetry_handler")
telemetry_instance = _names("telemetry_instance")

telemetry_source = Table(
    "telemetry_source",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    text_column("uuid"),
    _number("node_key"),
    _number("incarnation"),
    text_column("known_rows"),
    _number("lost_rows"),
    _number("refused_rows"),
    Column("changed_at_s", Float(53), nullable=False),
    UniqueConstraint("uuid", name="uq_telemetry_source_uuid"),
)

telemetry_system = Table(
    "telemetry_system",
    metadata,
    *_row_key(),
    _figure("cpu_percent"),
    _number("memory_bytes", nullable=True),
    _figure("memory_percent"),
    _number("gpu_index", nullable=True),
    _figure("gpu_percent"),
    _figure("gpu_memory_percent"),
    _figure("gpu_clock_hz"),
    _figure("gpu_power_w"),
    _by_time(),
    sqlite_with_rowid=False,
)

telemetry_process = Table(
    "telemetry_process",
    metadata,
    *_row_key(),
    _number("session_key"),
    _number("handler_key"),
    _number("instance_key"),
    _figure("cpu_percent"),
    _figure("memory_percent"),
    _number("gpu_index", nullable=True),
    _figure("gpu_percent"),
    _figure("gpu_memory_percent"),
    _by_time(),
    _of_session(),
    sqlite_with_rowid=False,
)

telemetry_packet = Table(
    "telemetry_packet",
    metadata,
    *_row_key(),
    _number("session_key"),
    _number("handler_key"),
    _number("instance_key"),
    _number("epoch"),
    _number("sequence_number"),
    Column("event", Text, nullable=False),
    _number("size_bytes", nullable=True),
    text_column("port_name"),
    _by_time(),
    _of_session(),
    Index(None, "session_key", "sequence_number"),
    sqlite_with_rowid=False,
)
