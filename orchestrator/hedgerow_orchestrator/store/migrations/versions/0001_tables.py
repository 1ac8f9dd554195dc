"""The first tables: task, stage, attempt, output, event, node, request."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Written out, not imported from `schema.py`: a migration describes the tables as they were on its day.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TASK_STATES = ("WAITING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED")
STAGE_STATES = (*TASK_STATES, "TIMED_OUT")


def _text(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _id(*names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, ID, nullable=nullable, autoincrement=False) for name in names]


def _seconds(*names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Float(53), nullable=nullable) for name in names]


def _payload(name: str, kind: sa.types.TypeEngine[Any]) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column(name, kind),
        sa.Column(f"{name}_url", sa.Text()),
        sa.Column(f"{name}_sha256", sa.Text()),
        *_id(f"{name}_size_bytes", nullable=True),
        sa.CheckConstraint(f"({name} IS NULL) <> ({name}_sha256 IS NULL)", name=op.f(f"ck_output_{name}")),
    ]


def _of_task(table: str) -> sa.ForeignKeyConstraint:
    keys = ["problem_id", "iteration_id"]
    name = op.f(f"fk_{table}_task")
    return sa.ForeignKeyConstraint(keys, [f"task.{key}" for key in keys], ondelete="CASCADE", name=name)


def _state(table: str, states: tuple[str, ...]) -> sa.CheckConstraint:
    one_of = " OR ".join(f"state = '{state}'" for state in states)
    return sa.CheckConstraint(one_of, name=op.f(f"ck_{table}_state"))


def upgrade() -> None:
    """Make the tables."""
    _make_task_tables()
    _make_logs()
    _make_directories()


def _make_task_tables() -> None:
    op.create_table(
        "task",
        *_id("problem_id", "iteration_id"),
        *_text("pipeline", "state"),
        *_seconds("created_at_s"),
        *_seconds("finished_at_s", nullable=True),
        *_id("previous_iteration_id", nullable=True),
        *_text("title", "request"),
        sa.Column("user_input", sa.LargeBinary(), nullable=False),
        sa.Column("baselines", sa.LargeBinary(), nullable=False),
        *_text("error_code", "reason"),
        _state("task", TASK_STATES),
        sa.PrimaryKeyConstraint("problem_id", "iteration_id", name=op.f("pk_task")),
    )
    columns = ["state", "problem_id", "iteration_id"]
    op.create_index(op.f("ix_task_state_problem_id_iteration_id"), "task", columns)
    op.create_table(
        "stage",
        *_id("problem_id", "iteration_id"),
        *_text("stage"),
        sa.Column("position", sa.Integer(), nullable=False),
        *_text("state"),
        *_id("attempt"),
        *_text("node_id"),
        *_seconds("started_at_s", "finished_at_s", nullable=True),
        *_text("error_code", "reason"),
        _state("stage", STAGE_STATES),
        _of_task("stage"),
        sa.PrimaryKeyConstraint("problem_id", "iteration_id", "stage", name=op.f("pk_stage")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attempt",
        *_id("problem_id", "iteration_id"),
        *_text("stage"),
        *_id("attempt"),
        *_text("state", "node_id"),
        *_id("incarnation"),
        *_text("command_id"),
        *_seconds("started_at_s"),
        *_seconds("deadline_at_s", "finished_at_s", nullable=True),
        *_text("error_code", "reason"),
        _state("attempt", STAGE_STATES),
        _of_task("attempt"),
        sa.PrimaryKeyConstraint("problem_id", "iteration_id", "stage", "attempt", name=op.f("pk_attempt")),
        sqlite_with_rowid=False,
    )


def _make_logs() -> None:
    op.create_table(
        "output",
        sa.Column("output_id", ID, nullable=False, autoincrement=True),
        *_id("problem_id", "iteration_id"),
        *_text("stage"),
        *_id("attempt"),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        *_text("type_name", "topic", "node_id"),
        *_seconds("at_s", nullable=True),
        *_payload("cdr", sa.LargeBinary()),
        *_payload("plain", sa.Text()),
        sa.PrimaryKeyConstraint("output_id", name=op.f("pk_output")),
    )
    columns = ["problem_id", "iteration_id", "stage"]
    op.create_index(op.f("ix_output_problem_id_iteration_id_stage"), "output", columns)
    op.create_table(
        "event",
        *_id("event_id"),
        *_seconds("at_s"),
        *_text("kind"),
        *_id("problem_id", "iteration_id"),
        *_text("stage", "node_id", "body"),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_event")),
    )
    columns = ["problem_id", "iteration_id", "event_id"]
    op.create_index(op.f("ix_event_problem_id_iteration_id_event_id"), "event", columns)


def _make_directories() -> None:
    op.create_table(
        "node",
        *_text("node_id", "name", "kind"),
        *_id("incarnation"),
        *_text("state"),
        *_seconds("last_seen_at_s"),
        *_text("info", "status"),
        sa.PrimaryKeyConstraint("node_id", name=op.f("pk_node")),
    )
    op.create_table(
        "request",
        *_text("idempotency_key", "verb", "body_sha256", "reply"),
        *_seconds("at_s"),
        sa.PrimaryKeyConstraint("idempotency_key", name=op.f("pk_request")),
    )


def downgrade() -> None:
    """Drop the tables, and with them everything stored."""
    for table in ("request", "node", "event", "output", "attempt", "stage", "task"):
        op.drop_table(table)
