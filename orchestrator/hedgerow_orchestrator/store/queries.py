"""The SELECTs of the reader, apart from how they are run and what their rows become."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, select, tuple_

from hedgerow_orchestrator.store.schema import attempt, event, node, output, stage, stage_now, task

# The light columns leave out what is only needed to run a task.
LIGHT = tuple(column for column in task.c if column.name not in ("user_input", "baselines", "request"))
_PLAIN = ("iteration_id", "stage", "plain", "plain_url", "plain_sha256", "plain_size_bytes")
_NODE_NAME = node.c.name.label("node_name")


def problems(before: int | None, limit: int) -> Select[Any]:
    """Problems with an id below `before`, newest first, with their first title and their newest state."""
    counted = select(
        task.c.problem_id,
        func.count().label("iterations"),
        func.min(task.c.iteration_id).label("first"),
        func.max(task.c.iteration_id).label("last"),
    )
    if before is not None:
        counted = counted.where(task.c.problem_id < before)
    page = counted.group_by(task.c.problem_id).order_by(task.c.problem_id.desc()).limit(limit).subquery()
    first, last = task.alias("first_task"), task.alias("last_task")
    return (
        select(page, first.c.title, first.c.created_at_s, last.c.state)
        .join(first, (first.c.problem_id == page.c.problem_id) & (first.c.iteration_id == page.c.first))
        .join(last, (last.c.problem_id == page.c.problem_id) & (last.c.iteration_id == page.c.last))
        .order_by(page.c.problem_id.desc())
    )


def tasks(state: str | None, before: Sequence[int] | None, limit: int) -> Select[Any]:
    """Tasks below the key `before`, newest first, without their requests."""
    query = select(*LIGHT).order_by(task.c.problem_id.desc(), task.c.iteration_id.desc()).limit(limit)
    if state is not None:
        query = query.where(task.c.state == state)
    if before is not None:
        query = query.where(tuple_(task.c.problem_id, task.c.iteration_id) < tuple(before))
    return query


def whole_tasks(key: Sequence[int]) -> Select[Any]:
    """One task, or all iterations of one problem."""
    return select(*LIGHT, task.c.request).where(_is(task, key)).order_by(task.c.iteration_id)


def stages(key: Sequence[int]) -> Select[Any]:
    """Their stages in pipeline order."""
    named = select(stage_now, _NODE_NAME).outerjoin(node, node.c.node_id == stage_now.c.node_id)
    return named.where(_is(stage_now, key)).order_by(stage_now.c.position)


def accepted_outputs(key: Sequence[int]) -> Select[Any]:
    """Their accepted outputs as JSON or where that lies; the newest attempt's first one, which counts, comes last."""
    columns = (output.c[name] for name in _PLAIN)
    newest = output.c.output_id.desc()
    return select(*columns).where(_is(output, key), output.c.accepted).order_by(output.c.attempt, newest)


def attempts(key: Sequence[int]) -> Select[Any]:
    """The attempts of a task, in order of stage and number."""
    same_stage = (stage.c.stage == attempt.c.stage) & (stage.c.problem_id == attempt.c.problem_id)
    same_stage &= stage.c.iteration_id == attempt.c.iteration_id
    joined = attempt.outerjoin(stage, same_stage).outerjoin(node, node.c.node_id == attempt.c.node_id)
    query = select(attempt, _NODE_NAME).select_from(joined).where(_is(attempt, key))
    return query.order_by(stage.c.position, attempt.c.stage, attempt.c.attempt)


def nodes() -> Select[Any]:
    """Every node by name."""
    return select(node).order_by(node.c.name, node.c.node_id)


def one_node(name_or_id: str) -> Select[Any]:
    """The node with this id, else of those with this name one that is there, else the one seen last."""
    return (
        select(node)
        .where((node.c.node_id == name_or_id) | (node.c.name == name_or_id))
        .order_by(node.c.node_id != name_or_id, node.c.state == "INACTIVE", node.c.last_seen_at_s.desc())
        .limit(1)
    )


def events(after_id: int, limit: int, problem_id: int | None, iteration_id: int | None) -> Select[Any]:
    """Events above an id, oldest first."""
    query = select(event).where(event.c.event_id > after_id).order_by(event.c.event_id).limit(limit)
    if problem_id is not None:
        query = query.where(event.c.problem_id == problem_id)
    if iteration_id is not None:
        query = query.where(event.c.iteration_id == iteration_id)
    return query


def newest_event() -> Select[Any]:
    """The highest event id, NULL in an empty store."""
    return select(func.max(event.c.event_id).label("newest"))


def _is(table: Table, key: Sequence[int]) -> ColumnElement[bool]:
    one = table.c.problem_id == key[0]
    return one if len(key) == 1 else one & (table.c.iteration_id == key[1])
