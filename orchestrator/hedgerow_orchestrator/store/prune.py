"""Retention: removes what is older than a given age, table by table, beside a running orchestrator."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    Engine,
    Select,
    and_,
    delete,
    exists,
    func,
    literal,
    not_,
    select,
    union,
)
from sqlalchemy.exc import SQLAlchemyError

from hedgerow_orchestrator.states import TaskState
from hedgerow_orchestrator.store.blobs import BlobStore
from hedgerow_orchestrator.store.engine import open_for_writing, sorted_error
from hedgerow_orchestrator.store.errors import StoreError
from hedgerow_orchestrator.store.schema import event, output, request, task

# Rows or problems in one transaction: the orchestrator's commits get their turn in between.
_BATCH = 1_000
# SQLite has no queue for its lock: who waits looks again after 25 ms, who has it could take it again at once.
_PAUSE_S = 0.03
_LOCK_TIMEOUT_MS = 60_000
# A payload is written before its row: one this young may belong to a commit that is under way.
_BLOB_GRACE_S = 3_600.0
_FINAL = [state.value for state in TaskState if state.final]


def prune(
    url: str,
    older_than_s: float,
    tables: Iterable[str] | None = None,
    *,
    blob_url: str | None = None,
    dry_run: bool = False,
    now_s: float | None = None,
) -> dict[str, int]:
    """Remove what is older than `older_than_s` seconds and give the number of rows for each table.

    * `event`: events by their time; the newest one stays, for ids are counted on from it.
    * `output`: outputs of tasks that finished so long ago, and of tasks that are gone.
    * `task`: problems all of whose iterations finished so long ago, with stages, attempts and outputs; a problem goes
      as a whole, and the newest one stays, for ids are counted on from it.
    * `request`: idempotency keys by their time.

    `tables` None means all. With `blob_url` payloads that no row names any more are removed too (`blob`), once they
    are an hour old. With `dry_run` everything is only counted.

    Raises:
        StoreError: a table is unknown or the age is negative.
        StoreUnavailable: the store cannot be changed now; what was removed before stays removed.
    """
    wanted = list(RULES) if tables is None else list(tables)
    for name in wanted:
        if name not in RULES:
            raise StoreError(f"table {name!r} has no retention; known: {', '.join(RULES)}")
    if older_than_s < 0:
        raise StoreError(f"age {older_than_s} s is negative; give the age from which on rows go")
    limit_s = (time.time() if now_s is None else now_s) - older_than_s
    engine = open_for_writing(url, busy_timeout_ms=_LOCK_TIMEOUT_MS)
    try:
        # In the order of RULES: outputs that go with their task are counted once.
        removed = {name: RULES[name](engine, limit_s, dry_run) for name in RULES if name in wanted}
        if blob_url is not None:
            with engine.connect() as connection:
                named = set(connection.execute(_named_blobs()).scalars())
            removed["blob"] = BlobStore(blob_url).sweep(named, _BLOB_GRACE_S, dry_run=dry_run)
    except SQLAlchemyError as error:
        raise sorted_error(error, engine) from error
    finally:
        engine.dispose()
    return removed


def _prune_output(engine: Engine, limit_s: float, dry_run: bool) -> int:
    kept = exists().where(_same_task(), not_(_finished_before(limit_s)))
    key = output.c.output_id
    return _remove(engine, select(key).where(~kept), lambda keys: [delete(output).where(key.in_(keys))], dry_run)


def _prune_task(engine: Engine, limit_s: float, dry_run: bool) -> int:
    newest = select(func.max(task.c.problem_id)).scalar_subquery()
    other = task.alias("other")
    kept = exists().where(other.c.problem_id == task.c.problem_id, not_(_finished_before(limit_s, other)))
    old = select(task.c.problem_id).where(task.c.problem_id != newest, ~kept)
    if dry_run:
        return _count(engine, old)

    def statements(keys: list[int]) -> list[Delete]:
        # Stages and attempts follow by their foreign keys; outputs have none. Tasks last: their number counts.
        return [delete(output).where(output.c.problem_id.in_(keys)), delete(task).where(task.c.problem_id.in_(keys))]

    return _remove(engine, old.distinct(), statements, dry_run)


def _prune_event(engine: Engine, limit_s: float, dry_run: bool) -> int:
    key = event.c.event_id
    with engine.connect() as connection:
        # Ids grow with time: the search ends at the first event that stays.
        first_kept = connection.execute(select(key).where(event.c.at_s >= limit_s).order_by(key).limit(1)).scalar()
        if first_kept is None:
            first_kept = connection.execute(select(func.max(key))).scalar()
    if first_kept is None:
        return 0
    old = select(key).where(key < first_kept)
    return _remove(engine, old, lambda keys: [delete(event).where(key.in_(keys))], dry_run)


def _prune_request(engine: Engine, limit_s: float, dry_run: bool) -> int:
    key = request.c.idempotency_key
    old = select(key).where(request.c.at_s < limit_s)
    return _remove(engine, old, lambda keys: [delete(request).where(key.in_(keys))], dry_run)


RULES: dict[str, Callable[[Engine, float, bool], int]] = {
    "output": _prune_output,
    "task": _prune_task,
    "event": _prune_event,
    "request": _prune_request,
}


def _finished_before(limit_s: float, table: Any = task) -> ColumnElement[bool]:
    ended_at_s = func.coalesce(table.c.finished_at_s, table.c.created_at_s)
    return and_(table.c.state.in_(_FINAL), ended_at_s < literal(limit_s))


def _same_task() -> ColumnElement[bool]:
    return (task.c.problem_id == output.c.problem_id) & (task.c.iteration_id == output.c.iteration_id)


def _named_blobs() -> Any:
    digests = (output.c.cdr_sha256, output.c.plain_sha256)
    return union(*(select(digest).where(digest.is_not(None)) for digest in digests))


def _count(engine: Engine, keys: Select[Any]) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(keys.subquery())).scalar_one()


def _remove(engine: Engine, old: Select[Any], statements: Callable[[list[Any]], list[Delete]], dry_run: bool) -> int:
    """Delete in batches the rows whose keys `old` selects; give the number of rows that the last statement removed."""
    if dry_run:
        return _count(engine, old)
    removed = 0
    with engine.connect().execution_options(hedgerow_writes=True) as connection:
        while True:
            keys = list(connection.execute(old.limit(_BATCH)).scalars())
            if keys:
                removed += [connection.execute(statement).rowcount for statement in statements(keys)][-1]
            connection.commit()
            if len(keys) < _BATCH:
                return removed
            time.sleep(_PAUSE_S)
