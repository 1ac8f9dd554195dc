"""The store's tables, one for each record of `changes.py`, portable between SQLite and PostgreSQL.

Those of serving are in `serving_schema.py`.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

from hedgerow_orchestrator.states import StageState, TaskState

# Fixed names: a migration can only drop what it can name.
NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(referred_table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}
metadata = MetaData(naming_convention=NAMING)

# SQLite makes an alias of its row id only from the type INTEGER, which holds 64 bits there.
Id = BigInteger().with_variant(Integer, "sqlite")


def _state(states: type[StrEnum]) -> tuple[Column[str], CheckConstraint]:
    return Column("state", Text, nullable=False), CheckConstraint(one_of(states), name="state")


def one_of(states: type[StrEnum]) -> str:
    """The SQL of a CHECK that the column `state` has one of these values."""
    # Not `IN (…)`: SQLite builds that list anew for every row, which took as long as the rest of the insert.
    return " OR ".join(f"state = '{state}'" for state in states)


def text_column(name: str) -> Column[str]:
    """A column that always has a text, which may be empty."""
    return Column(name, Text, nullable=False)


def _task_key(*, primary: bool) -> tuple[Column[int], Column[int]]:
    return (
        Column("problem_id", Id, nullable=False, primary_key=primary, autoincrement=False),
        Column("iteration_id", Id, nullable=False, primary_key=primary, autoincrement=False),
    )


def _of_task() -> ForeignKeyConstraint:
    keys = ["problem_id", "iteration_id"]
    return ForeignKeyConstraint(keys, [f"task.{key}" for key in keys], ondelete="CASCADE")


task = Table(
    "task",
    metadata,
    *_task_key(primary=True),
    text_column("pipeline"),
    *_state(TaskState),
    Column("created_at_s", Float(53), nullable=False),
    Column("finished_at_s", Float(53)),
    Column("previous_iteration_id", Id),
    text_column("title"),
    text_column("request"),
    Column("user_input", LargeBinary, nullable=False),
    Column("baselines", LargeBinary, nullable=False),
    text_column("error_code"),
    text_column("reason"),
    Index(None, "state", "problem_id", "iteration_id"),
)

stage = Table(
    "stage",
    metadata,
    *_task_key(primary=True),
    Column("stage", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    *_state(StageState),
    Column("attempt", Id, nullable=False),
    text_column("node_id"),
    Column("started_at_s", Float(53)),
    Column("finished_at_s", Float(53)),
    text_column("error_code"),
    text_column("reason"),
    _of_task(),
    sqlite_with_rowid=False,
)

# A view: each stage as its row and its newest attempt tell it together. Almost every stage goes well at the first
# attempt, which has a row of its own; to write the stage's as well would be a fifth more rows for a task.
stage_now = Table("stage_now", MetaData(), *(Column(column.name, column.type) for column in stage.c))

attempt = Table(
    "attempt",
    metadata,
    *_task_key(primary=True),
    Column("stage", Text, primary_key=True),
    Column("attempt", Id, primary_key=True, autoincrement=False),
    *_state(StageState),
    text_column("node_id"),
    Column("incarnation", Id, nullable=False),
    text_column("command_id"),
    Column("started_at_s", Float(53), nullable=False),
    # NaN, "no deadline", becomes NULL in SQLite.
    Column("deadline_at_s", Float(53)),
    Column("finished_at_s", Float(53)),
    text_column("error_code"),
    text_column("reason"),
    _of_task(),
    sqlite_with_rowid=False,
)

# Without a foreign key on purpose: a late sample of a task that was pruned meanwhile must not fail the whole commit.
output = Table(
    "output",
    metadata,
    Column("output_id", Id, primary_key=True, autoincrement=True),
    *_task_key(primary=False),
    text_column("stage"),
    Column("attempt", Id, nullable=False),
    Column("accepted", Boolean, nullable=False),
    text_column("type_name"),
    text_column("topic"),
    text_column("node_id"),
    # The node's own clock: NaN, "unknown", becomes NULL in SQLite.
    Column("at_s", Float(53)),
    Column("cdr", LargeBinary),
    Column("cdr_url", Text),
    Column("cdr_sha256", Text),
    Column("cdr_size_bytes", Id),
    Column("plain", Text),
    Column("plain_url", Text),
    Column("plain_sha256", Text),
    Column("plain_size_bytes", Id),
    CheckConstraint("(cdr IS NULL) <> (cdr_sha256 IS NULL)", name="cdr"),
    CheckConstraint("(plain IS NULL) <> (plain_sha256 IS NULL)", name="plain"),
    Index(None, "problem_id", "iteration_id", "stage"),
)

event = Table(
    "event",
    metadata,
    Column("event_id", Id, primary_key=True, autoincrement=False),
    Column("at_s", Float(53), nullable=False),
    text_column("kind"),
    *_task_key(primary=False),
    text_column("stage"),
    text_column("node_id"),
    text_column("body"),
    Index(None, "problem_id", "iteration_id", "event_id"),
)

node = Table(
    "node",
    metadata,
    Column("node_id", Text, primary_key=True),
    text_column("name"),
    text_column("kind"),
    Column("incarnation", Id, nullable=False),
    text_column("state"),
    Column("last_seen_at_s", Float(53), nullable=False),
    text_column("info"),
    text_column("status"),
)

request = Table(
    "request",
    metadata,
    Column("idempotency_key", Text, primary_key=True),
    text_column("verb"),
    text_column("body_sha256"),
    text_column("reply"),
    Column("at_s", Float(53), nullable=False),
)
