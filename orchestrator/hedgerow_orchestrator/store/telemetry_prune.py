"""Retention of telemetry: rows go by their own times; what is known of their sources stays, so that none comes back."""

from __future__ import annotations

import math
import time

from sqlalchemy import Engine, Select, Table, delete, func, select, tuple_

from hedgerow_orchestrator.store.telemetry_schema import telemetry_packet, telemetry_process, telemetry_system

TABLES = {table.name: table for table in (telemetry_system, telemetry_process, telemetry_packet)}

_BATCH = 2_000
_PAUSE_S = 0.03
"""As in `prune`: the orchestrator commits in between."""


def prune_rows(engine: Engine, name: str, before_s: float, keep: int, dry_run: bool) -> int:
    """Remove the rows of a table that are older than a moment and not among the newest `keep`; how many."""
    table = TABLES[name]
    limit_s = _limit(engine, table, before_s, keep)
    old = select(table.c.source_key, table.c.row_number).where(table.c.at_s < limit_s)
    if dry_run:
        with engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(old.subquery())).scalar_one()
    return _remove(engine, table, old)


def _limit(engine: Engine, table: Table, before_s: float, keep: int) -> float:
    """The time from which on rows stay: of those at the very moment of the last one kept, all stay."""
    if keep == 0:
        return before_s
    newest = select(table.c.at_s).order_by(table.c.at_s.desc()).offset(keep - 1).limit(1)
    with engine.connect() as connection:
        last_kept_s = connection.execute(newest).scalar()
    return -math.inf if last_kept_s is None else min(before_s, last_kept_s)


def _remove(engine: Engine, table: Table, old: Select[tuple[int, int]]) -> int:
    removed = 0
    with engine.connect().execution_options(hedgerow_writes=True) as connection:
        while True:
            keys = [tuple(row) for row in connection.execute(old.order_by(table.c.at_s).limit(_BATCH))]
            if keys:
                named = tuple_(table.c.source_key, table.c.row_number).in_(keys)
                removed += connection.execute(delete(table).where(named)).rowcount
            connection.commit()
            if len(keys) < _BATCH:
                return removed
            time.sleep(_PAUSE_S)
