"""The tables of telemetry, and the views sys_info, proc_info and packet_info with the columns that older systems have.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Written out, as in 0001: a migration describes the tables as they were on its day.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAMES = ("telemetry_node", "telemetry_session", "telemetry_handler", "telemetry_instance")
ROWS = ("telemetry_system", "telemetry_process", "telemetry_packet")

# Names are not quoted: `SELECT node_ID FROM sys_info` works in both databases; PostgreSQL answers in small letters.
SYS_INFO = """
CREATE VIEW sys_info AS SELECT
    telemetry_system.at_s AS timestamp,
    telemetry_source.node_key AS node_ID,
    telemetry_system.cpu_percent AS cpu_util,
    CAST(round(telemetry_system.memory_bytes / 1048576.0) AS BIGINT) AS mem_total,
    telemetry_system.memory_percent AS mem_util,
    CAST(round(telemetry_system.gpu_percent) AS BIGINT) AS gpu_util,
    CAST(round(telemetry_system.gpu_memory_percent) AS BIGINT) AS gpu_mem_util,
    CAST(round(telemetry_system.gpu_clock_hz / 1000000.0) AS BIGINT) AS gpu_clock,
    CAST(round(telemetry_system.gpu_power_w) AS BIGINT) AS gpu_power
FROM telemetry_system JOIN telemetry_source ON telemetry_source.id = telemetry_system.source_key
"""
PROC_INFO = """
CREATE VIEW proc_info AS SELECT
    at_s AS timestamp,
    session_key AS session_ID,
    handler_key AS handler_ID,
    cpu_percent AS cpu_util,
    memory_percent AS mem_util,
    CAST(round(gpu_percent) AS BIGINT) AS gpu_util,
    CAST(round(gpu_memory_percent) AS BIGINT) AS gpu_mem_util
FROM telemetry_process
"""
PACKET_INFO = """
CREATE VIEW packet_info AS SELECT
    at_s AS timestamp,
    session_key AS session_ID,
    handler_key AS handler_ID,
    sequence_number AS sequence,
    event AS event,
    size_bytes AS size
FROM telemetry_packet
"""


def _text(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _id(*names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, ID, nullable=nullable, autoincrement=False) for name in names]


def _figures(*names: str, nullable: bool = True) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Float(53), nullable=nullable) for name in names]


def _named(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", ID, nullable=False, autoincrement=True),
        *_text("uuid"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("uuid", name=op.f(f"uq_{table}_uuid")),
    ]


def _make_rows(table: str, *columns: sa.Column[Any]) -> None:
    op.create_table(
        table,
        *_id("source_key", "row_number"),
        *_figures("at_s", nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("source_key", "row_number", name=op.f(f"pk_{table}")),
        sqlite_with_rowid=False,
    )
    by_time = ["at_s", "source_key", "row_number"]
    op.create_index(op.f(f"ix_{table}_at_s_source_key_row_number"), table, by_time)


def upgrade() -> None:
    """Make the tables, then the views over them."""
    for table in NAMES:
        op.create_table(table, *_named(table), *_text("name"))
    op.create_table(
        "telemetry_source",
        *_named("telemetry_source"),
        *_id("node_key", "incarnation"),
        *_text("known_rows"),
        *_id("lost_rows", "refused_rows"),
        *_figures("changed_at_s", nullable=False),
    )
    gpu = ("gpu_percent", "gpu_memory_percent")
    _make_rows(
        "telemetry_system",
        *_figures("cpu_percent"),
        *_id("memory_bytes", nullable=True),
        *_figures("memory_percent"),
        *_id("gpu_index", nullable=True),
        *_figures(*gpu, "gpu_clock_hz", "gpu_power_w"),
    )
    _make_rows(
        "telemetry_process",
        *_id("session_key", "handler_key", "instance_key"),
        *_figures("cpu_percent", "memory_percent"),
        *_id("gpu_index", nullable=True),
        *_figures(*gpu),
    )
    _make_rows(
        "telemetry_packet",
        *_id("session_key", "handler_key", "instance_key", "epoch", "sequence_number"),
        *_text("event"),
        *_id("size_bytes", nullable=True),
        *_text("port_name"),
    )
    for table in ("telemetry_process", "telemetry_packet"):
        columns = ["session_key", "at_s", "source_key", "row_number"]
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns)
    name = op.f("ix_telemetry_packet_session_key_sequence_number")
    op.create_index(name, "telemetry_packet", ["session_key", "sequence_number"])
    for view in (SYS_INFO, PROC_INFO, PACKET_INFO):
        op.execute(view)


def downgrade() -> None:
    """Drop the views, then the tables, and with them all telemetry."""
    for view in ("sys_info", "proc_info", "packet_info"):
        op.execute(f"DROP VIEW {view}")
    for table in (*reversed(ROWS), "telemetry_source", *reversed(NAMES)):
        op.drop_table(table)
