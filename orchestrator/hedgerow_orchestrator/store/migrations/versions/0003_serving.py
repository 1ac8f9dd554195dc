"""The tables of serving: service, service_epoch, instance, worker_policy, worker, intent.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Written out, as in 0001: a migration describes the tables as they were on its day.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SERVICE_STATES = (
    "PREPARING",
    "READY",
    "RUNNING",
    "SWITCHING",
    "DEGRADED",
    "STOPPED",
    "ENDED",
    "FAILED",
    "DELETED",
)
EPOCH_STATES = ("PREPARING", "ACTIVE", "DRAINING", "RETIRED", "FAILED")
INTENT_STATES = ("PENDING", "ACCEPTED", "DECLINED", "DONE")
TABLES = ("service", "service_epoch", "instance", "worker_policy", "worker", "intent")


def _text(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _id(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, ID, nullable=False, autoincrement=False) for name in names]


def _seconds(*names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Float(53), nullable=nullable) for name in names]


def _end(table: str, keys: tuple[str, ...], states: tuple[str, ...] = ()) -> list[sa.schema.SchemaItem]:
    primary = sa.PrimaryKeyConstraint(*keys, name=op.f(f"pk_{table}"))
    if not states:
        return [primary]
    one_of = " OR ".join(f"state = '{state}'" for state in states)
    return [sa.CheckConstraint(one_of, name=op.f(f"ck_{table}_state")), primary]


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "service",
        *_text("service_id", "name", "state", "wanted", "reason"),
        *_id("epoch"),
        *_text("blueprint"),
        *_seconds("created_at_s", "changed_at_s"),
        *_end("service", ("service_id",), SERVICE_STATES),
    )
    op.create_table(
        "service_epoch",
        *_text("service_id"),
        *_id("epoch"),
        *_text("state", "cause", "reason", "plan", "predicted"),
        *_seconds("gap_s", nullable=True),
        *_seconds("created_at_s"),
        *_seconds("active_at_s", "retired_at_s", nullable=True),
        *_end("service_epoch", ("service_id", "epoch"), EPOCH_STATES),
    )
    op.create_table(
        "instance",
        *_text("physical_id", "service_id", "logical_id", "name", "handler", "node_id"),
        *_id("first_epoch"),
        *_text("state", "reason"),
        sa.Column("restarts", sa.Integer(), nullable=False),
        sa.Column("exit_code", sa.Integer()),
        *_seconds("started_at_s", "ended_at_s", nullable=True),
        *_end("instance", ("physical_id",)),
    )
    op.create_index(op.f("ix_instance_service_id"), "instance", ["service_id"])
    op.create_table(
        "worker_policy",
        *_text("node_id"),
        sa.Column("is_cordoned", sa.Boolean(), nullable=False),
        sa.Column("is_draining", sa.Boolean(), nullable=False),
        *_text("reason"),
        *_seconds("at_s"),
        *_end("worker_policy", ("node_id",)),
    )
    op.create_table("worker", *_text("node_id", "info", "status"), *_seconds("at_s"), *_end("worker", ("node_id",)))
    op.create_table(
        "intent",
        *_text("intent_id", "kind", "target", "state", "reason"),
        *_seconds("at_s"),
        *_end("intent", ("intent_id",), INTENT_STATES),
    )


def downgrade() -> None:
    """Drop the tables, and with them every service."""
    for table in reversed(TABLES):
        op.drop_table(table)
