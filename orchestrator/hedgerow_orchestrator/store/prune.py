"""Retention: removes what is old or more than enough, table by table, beside a running orchestrator."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    Engine,
    Select,
    and_,
    delete,
    exists,
    false,
    func,
    literal,
    not_,
    select,
    true,
    union,
)
from sqlalchemy.exc import SQLAlchemyError

from hedgerow_orchestrator.states import TaskState
from hedgerow_orchestrator.store.blobs import BlobStore
from hedgerow_orchestrator.store.engine import open_for_writing, sorted_error
from hedgerow_orchestrator.store.errors import StoreError
from hedgerow_orchestrator.store.schema import event, output, request, task
from hedgerow_orchestrator.store.telemetry_prune import TABLES as TELEMETRY_TABLES
from hedgerow_orchestrator.store.telemetry_prune import prune_rows

# Rows, or problems with all that hangs on them, in one transaction: the orchestrator commits in between.
_BATCH = 1_000
_PROBLEM_BATCH = 200
# SQLite has no queue for its lock: who waits looks again after 25 ms, who has it could take it again at once.
_PAUSE_S = 0.03
_LOCK_TIMEOUT_MS = 60_000
# A payload is written before its row: one this young may belong to a commit that is under way.
_BLOB_GRACE_S = 3_600.0
_FINAL = [state.value for state in TaskState if state.final]


@dataclass(frozen=True, slots=True)
class Limit:
    """What may go: what is older than a moment and is not among the newest so many."""

    before_s: float
    keep: int


def prune(
    url: str,
    older_than_s: float | None = None,
    tables: Iterable[str] | None = None,
    *,
    keep: int | None = None,
    blob_url: str | None = None,
    dry_run: bool = False,
    now_s: float | None = None,
) -> dict[str, int]:
    """Remove what is older than `older_than_s` seconds and not among the newest `keep`; give the rows for each table.

    One of the two must be given. What is counted, and what goes:

    * `event`: events by their time; the newest one stays, for ids are counted on from it.
    * `output`: outputs of tasks that finished so long ago, and of tasks that are gone.
    * `task`: problems all of whose iterations finished so long ago, with stages, attempts and outputs; a problem goes
      as a whole, and the newest one stays, for ids are counted on from it.
    * `request`: idempotency keys by their time.
    * `telemetry_system`, `telemetry_process`, `telemetry_packet`: rows by their time.

    `tables` None means all. What belongs to a task that is not finished stays, however much there is of it. With
    `blob_url` payloads that no row names any more are removed too (`blob`), once they are an hour old. With `dry_run`
    everything is only counted.

    Raises:
        StoreError: a table is unknown, a limit is negative, or there is none.
        StoreUnavailable: the store cannot be changed now; what was removed before stays removed.
    """
    wanted = list(RULES) if tables is None else list(tables)
    for name in wanted:
        if name not in RULES:
            raise StoreError(f"table {name!r} has no retention; known: {', '.join(RULES)}")
    limit = _limit(older_than_s, keep, time.time() if now_s is None else now_s)
    engine = open_for_writing(url, busy_timeout_ms=_LOCK_TIMEOUT_MS)
    try:
        # In the order of RULES: outputs that go with their task are counted once.
        removed = {name: RULES[name](engine, limit, dry_run) for name in RULES if name in wanted}
        if blob_url is not None:
            with engine.connect() as connection:
                named = set(connection.execute(_named_blobs()).scalars())
            removed["blob"] = BlobStore(blob_url).sweep(named, _BLOB_GRACE_S, dry_run=dry_run)
    except SQLAlchemyError as error:
        raise sorted_error(error, engine) from error
    finally:
        engine.dispose()
    return removed


def _limit(older_than_s: float | None, keep: int | None, now_s: float) -> Limit:
    if older_than_s is None and keep is None:
        raise StoreError("no limit; give an age from which on rows go, or how many of the newest are kept")
    if older_than_s is not None and older_than_s < 0:
        raise StoreError(f"age {older_than_s} s is negative; give the age from which on rows go")
    if keep is not None and keep < 0:
        raise StoreError(f"{keep} rows cannot be kept; give 0 or more")
    return Limit(math.inf if older_than_s is None else now_s - older_than_s, keep or 0)


def _prune_output(engine: Engine, limit: Limit, dry_run: bool) -> int:
    key = output.c.output_id
    kept = exists().where(_same_task(), not_(_finished_before(limit.before_s)))
    old = select(key).where(~kept, _not_among_the_newest(engine, key, limit.keep))
    return _remove(engine, old, lambda keys: [delete(output).where(key.in_(keys))], dry_run, _BATCH)


def _prune_task(engine: Engine, limit: Limit, dry_run: bool) -> int:
    key = task.c.problem_id
    other = task.alias("other")
    kept = exists().where(other.c.problem_id == key, not_(_finished_before(limit.before_s, other)))
    old = select(key).where(_not_among_the_newest(engine, key, max(limit.keep, 1)), ~kept)
    if dry_run:
        return _count(engine, old)

    def statements(keys: list[int]) -> list[Delete]:
        # Stages and attempts follow by their foreign keys; outputs have none. Tasks last: their number counts.
        return [delete(output).where(output.c.problem_id.in_(keys)), delete(task).where(key.in_(keys))]

    return _remove(engine, old.distinct(), statements, dry_run, _PROBLEM_BATCH)


def _prune_event(engine: Engine, limit: Limit, dry_run: bool) -> int:
    key = event.c.event_id
    old = select(key).where(_not_among_the_newest(engine, key, max(limit.keep, 1)))
    if limit.before_s < math.inf:
        with engine.connect() as connection:
            # Ids grow with time: the search ends at the first event that stays.
            young = select(key).where(event.c.at_s >= limit.before_s).order_by(key).limit(1)
            first_kept = connection.execute(young).scalar()
        if first_kept is not None:
            old = old.where(key < first_kept)
    return _remove(engine, old, lambda keys: [delete(event).where(key.in_(keys))], dry_run, _BATCH)


def _prune_request(engine: Engine, limit: Limit, dry_run: bool) -> int:
    key, at_s = request.c.idempotency_key, request.c.at_s
    old = select(key).where(_not_among_the_newest(engine, at_s, limit.keep))
    if limit.before_s < math.inf:
        old = old.where(at_s < limit.before_s)
    return _remove(engine, old, lambda keys: [delete(request).where(key.in_(keys))], dry_run, _BATCH)


def _prune_telemetry(name: str) -> Callable[[Engine, Limit, bool], int]:
    return lambda engine, limit, dry_run: prune_rows(engine, name, limit.before_s, limit.keep, dry_run)


RULES: dict[str, Callable[[Engine, Limit, bool], int]] = {
    "output": _prune_output,
    "task": _prune_task,
    "event": _prune_event,
    "request": _prune_request,
    **{name: _prune_telemetry(name) for name in TELEMETRY_TABLES},
}


def _finished_before(limit_s: float, table: Any = task) -> ColumnElement[bool]:
    finished: ColumnElement[bool] = table.c.state.in_(_FINAL)
    if limit_s == math.inf:
        return finished
    return and_(finished, func.coalesce(table.c.finished_at_s, table.c.created_at_s) < literal(limit_s))


def _not_among_the_newest(engine: Engine, key: Any, keep: int) -> ColumnElement[bool]:
    """What lies below the smallest of the `keep` largest values; nothing does when there are not so many."""
    if keep == 0:
        return true()
    newest = select(key).distinct().order_by(key.desc()).offset(keep - 1).limit(1)
    with engine.connect() as connection:
        smallest_kept = connection.execute(newest).scalar()
    below: ColumnElement[bool] = false() if smallest_kept is None else key < smallest_kept
    return below


def _same_task() -> ColumnElement[bool]:
    return (task.c.problem_id == output.c.problem_id) & (task.c.iteration_id == output.c.iteration_id)


def _named_blobs() -> Any:
    digests = (output.c.cdr_sha256, output.c.plain_sha256)
    return union(*(select(digest).where(digest.is_not(None)) for digest in digests))


def _count(engine: Engine, keys: Select[Any]) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(keys.subquery())).scalar_one()


def _remove(
    engine: Engine,
    old: Select[Any],
    statements: Callable[[list[Any]], list[Delete]],
    dry_run: bool,
    batch: int,
) -> int:
    """Delete in batches the rows whose keys `old` selects; give the number of rows that the last statement removed."""
    if dry_run:
        return _count(engine, old)
    removed = 0
    with engine.connect().execution_options(hedgerow_writes=True) as connection:
        while True:
            keys = list(connection.execute(old.limit(batch)).scalars())
            if keys:
                removed += [connection.execute(statement).rowcount for statement in statements(keys)][-1]
            connection.commit()
            if len(keys) < batch:
                return removed
            time.sleep(_PAUSE_S)
