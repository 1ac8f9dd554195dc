"""What the orchestrator reads back: tasks that are not finished, accepted outputs, the ids that were given out."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, Table, bindparam, func, select, tuple_

from hedgerow_orchestrator.states import StageState, TaskState
from hedgerow_orchestrator.store.blobs import Blob, BlobStore
from hedgerow_orchestrator.store.changes import AttemptRow, NodeRow, RequestAdded, StageRow, TaskRow
from hedgerow_orchestrator.store.schema import attempt, event, node, output, request, stage_now, task

TaskKey = tuple[int, int]
OPEN = (TaskState.WAITING, TaskState.RUNNING)
# SQLite takes 32,766 parameters in a statement, two for each task.
_BATCH = 10_000


@dataclass(slots=True)
class OpenTask:
    """A task with its stages in pipeline order and their attempts in order of stage and number."""

    task: TaskRow
    stages: list[StageRow] = field(default_factory=list)
    attempts: list[AttemptRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LastIds:
    """The highest problem id and event id given out, 0 in an empty store."""

    problem_id: int
    event_id: int


def task_ids(connection: Connection, states: Sequence[TaskState]) -> list[TaskKey]:
    """List the tasks in these states, in id order."""
    query = select(task.c.problem_id, task.c.iteration_id).where(task.c.state.in_(states))
    return sorted((row.problem_id, row.iteration_id) for row in connection.execute(query))


def load_tasks(connection: Connection, keys: Sequence[TaskKey]) -> list[OpenTask]:
    """Read these tasks with stages and attempts, in id order; those that do not exist are left out."""
    found: dict[TaskKey, OpenTask] = {}
    for start in range(0, len(keys), _BATCH):
        batch = keys[start : start + _BATCH]
        for row in _of_tasks(connection, task, batch):
            found[row["problem_id"], row["iteration_id"]] = OpenTask(_task_row(row))
        stages: dict[TaskKey, list[StageRow]] = defaultdict(list)
        for row in _of_tasks(connection, stage_now, batch):
            stages[row["problem_id"], row["iteration_id"]].append(_stage_row(row))
        for key, rows in stages.items():
            found[key].stages = sorted(rows, key=lambda each: each.position)
        for row in _of_tasks(connection, attempt, batch):
            found[row["problem_id"], row["iteration_id"]].attempts.append(_attempt_row(row))
    for each in found.values():
        positions = {row.stage: row.position for row in each.stages}
        each.attempts.sort(key=lambda row: (positions.get(row.stage, 0), row.attempt))
    return [found[key] for key in sorted(found)]


def accepted_output(connection: Connection, blobs: BlobStore, key: TaskKey, stage_name: str) -> bytes | None:
    """Read the CDR of the accepted output of a stage's newest attempt.

    Raises:
        BlobCorrupt: it lies outside the tables and is gone or changed.
    """
    return _accepted(connection, blobs, key, stage_name, "cdr")


def accepted_plain(connection: Connection, blobs: BlobStore, key: TaskKey, stage_name: str) -> str | None:
    """Read the JSON of the same output; errors as `accepted_output`."""
    found = _accepted(connection, blobs, key, stage_name, "plain")
    return None if found is None else found.decode()


def _accepted(connection: Connection, blobs: BlobStore, key: TaskKey, stage_name: str, form: str) -> bytes | None:
    """One of the two forms, `cdr` or `plain`, from the tables or from where it lies outside them."""
    names = (form, f"{form}_url", f"{form}_sha256", f"{form}_size_bytes")
    query = (
        select(*(output.c[name] for name in names))
        .where(_is_task(output, key), output.c.stage == stage_name, output.c.accepted)
        .order_by(output.c.attempt.desc(), output.c.output_id)
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    inline, *elsewhere = row
    if inline is not None:
        return inline.encode() if isinstance(inline, str) else bytes(inline)
    return blobs.get(Blob(*elsewhere))


def accepted_topics(connection: Connection, key: TaskKey) -> dict[str, str]:
    """Read on which topic the accepted output of each stage's newest attempt travelled."""
    query = select(output.c.stage, output.c.topic).where(_is_task(output, key), output.c.accepted)
    # What is to be kept comes last: the newest attempt, and of one attempt the first output.
    query = query.order_by(output.c.attempt, output.c.output_id.desc())
    return {row.stage: row.topic for row in connection.execute(query)}


def last_ids(connection: Connection) -> LastIds:
    """Read the highest ids given out; `prune` always leaves the newest problem and the newest event."""
    problem_id = connection.execute(select(func.max(task.c.problem_id))).scalar()
    event_id = connection.execute(select(func.max(event.c.event_id))).scalar()
    return LastIds(problem_id or 0, event_id or 0)


def last_iteration(connection: Connection, problem_id: int) -> int:
    """Read the newest iteration of a problem, 0 when there is no such problem."""
    query = select(func.max(task.c.iteration_id)).where(task.c.problem_id == problem_id)
    return connection.execute(query).scalar() or 0


def task_row(connection: Connection, key: TaskKey) -> TaskRow | None:
    """Read one task without its stages."""
    row = connection.execute(select(task).where(_is_task(task, key))).mappings().one_or_none()
    return None if row is None else _task_row(row)


def request_query() -> Select[Any]:
    """The SELECT of the submission that carried a key; run for every submission, so its caller compiles it once."""
    return select(*(request.c[name] for name in RequestAdded.__struct_fields__)).where(
        request.c.idempotency_key == bindparam("idempotency_key")
    )


def nodes(connection: Connection) -> list[NodeRow]:
    """List every node that was ever seen, by name."""
    query = select(node).order_by(node.c.name, node.c.node_id)
    return [NodeRow(**_named(row)) for row in connection.execute(query).mappings()]


def _of_tasks(connection: Connection, table: Table, keys: Sequence[TaskKey]) -> Sequence[RowMapping]:
    if len(keys) == 1:
        return connection.execute(select(table).where(_is_task(table, keys[0]))).mappings().all()
    wanted = tuple_(table.c.problem_id, table.c.iteration_id).in_(keys)
    return connection.execute(select(table).where(wanted)).mappings().all()


def _is_task(table: Table, key: TaskKey) -> ColumnElement[bool]:
    return (table.c.problem_id == key[0]) & (table.c.iteration_id == key[1])


def _named(row: RowMapping) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}


def _task_row(row: Mapping[Any, Any]) -> TaskRow:
    return TaskRow(**{**row, "state": TaskState(row["state"])})


def _stage_row(row: Mapping[Any, Any]) -> StageRow:
    return StageRow(**{**row, "state": StageState(row["state"])})


def _attempt_row(row: Mapping[Any, Any]) -> AttemptRow:
    deadline_at_s = row["deadline_at_s"]
    # SQLite has no NaN: it keeps NULL in its place.
    known = math.nan if deadline_at_s is None else deadline_at_s
    return AttemptRow(**{**row, "state": StageState(row["state"]), "deadline_at_s": known})
