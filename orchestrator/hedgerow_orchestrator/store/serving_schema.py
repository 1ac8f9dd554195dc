"""The tables of serving, one for each record of `serving_changes.py`; they hang on no task."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Float, Index, Integer, Table, Text

from hedgerow_orchestrator.serving_states import EpochState, IntentState, ServiceState
from hedgerow_orchestrator.store.schema import Id, metadata, one_of, text_column

__all__ = ["instance", "intent", "metadata", "service", "service_epoch", "worker", "worker_policy"]


def _seconds(name: str, *, nullable: bool = False) -> Column[float]:
    return Column(name, Float(53), nullable=nullable)


service = Table(
    "service",
    metadata,
    Column("service_id", Text, primary_key=True),
    text_column("name"),
    text_column("state"),
    text_column("wanted"),
    text_column("reason"),
    Column("epoch", Id, nullable=False),
    text_column("blueprint"),
    _seconds("created_at_s"),
    _seconds("changed_at_s"),
    CheckConstraint(one_of(ServiceState), name="state"),
)

service_epoch = Table(
    "service_epoch",
    metadata,
    Column("service_id", Text, primary_key=True),
    Column("epoch", Id, primary_key=True, autoincrement=False),
    text_column("state"),
    text_column("cause"),
    text_column("reason"),
    text_column("plan"),
    text_column("predicted"),
    _seconds("gap_s", nullable=True),
    _seconds("created_at_s"),
    _seconds("active_at_s", nullable=True),
    _seconds("retired_at_s", nullable=True),
    CheckConstraint(one_of(EpochState), name="state"),
)

instance = Table(
    "instance",
    metadata,
    Column("physical_id", Text, primary_key=True),
    text_column("service_id"),
    text_column("logical_id"),
    text_column("name"),
    text_column("handler"),
    text_column("node_id"),
    Column("first_epoch", Id, nullable=False),
    text_column("state"),
    text_column("reason"),
    Column("restarts", Integer, nullable=False),
    Column("exit_code", Integer),
    _seconds("started_at_s", nullable=True),
    _seconds("ended_at_s", nullable=True),
    Index(None, "service_id"),
)

worker_policy = Table(
    "worker_policy",
    metadata,
    Column("node_id", Text, primary_key=True),
    Column("is_cordoned", Boolean, nullable=False),
    Column("is_draining", Boolean, nullable=False),
    text_column("reason"),
    _seconds("at_s"),
)

worker = Table(
    "worker",
    metadata,
    Column("node_id", Text, primary_key=True),
    text_column("info"),
    text_column("status"),
    _seconds("at_s"),
)

intent = Table(
    "intent",
    metadata,
    Column("intent_id", Text, primary_key=True),
    text_column("kind"),
    text_column("target"),
    text_column("state"),
    text_column("reason"),
    _seconds("at_s"),
    CheckConstraint(one_of(IntentState), name="state"),
)
