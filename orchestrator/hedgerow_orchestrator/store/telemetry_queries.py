"""The SELECTs of telemetry for the reader: rows with their names, traces, rates, sources."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, case, func, select, tuple_

from hedgerow_orchestrator.store.telemetry_schema import (
    telemetry_handler,
    telemetry_instance,
    telemetry_node,
    telemetry_packet,
    telemetry_process,
    telemetry_session,
    telemetry_source,
    telemetry_system,
)

TABLES: dict[str, Table] = {
    "sys_info": telemetry_system,
    "proc_info": telemetry_process,
    "packet_info": telemetry_packet,
}
"""The kinds of rows, by the names of the views."""

EVENTS = ("start", "end", "sent", "recv", "drop")


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Which rows are wanted; what is None or empty filters nothing.

    Services, workers and handlers are given by name or by id (of a handler the logical one), times in seconds since the
    Unix epoch: from `since_s` up to, and without, `until_s`.
    """

    service: str = ""
    worker: str = ""
    handler: str = ""
    since_s: float | None = None
    until_s: float | None = None
    sequence: int | None = None
    event: str = ""


@dataclass(frozen=True, slots=True)
class Keys:
    """The numbers of what a filter names: None where it names nothing, empty where that is not known.

    They are looked up before: an index in the order of time is used for a number, but not for a subquery.
    """

    sessions: Sequence[int] | None = None
    handlers: Sequence[int] | None = None
    sources: Sequence[int] | None = None


def keys_named(kind: str, name_or_id: str) -> Select[Any]:
    """The numbers of the sessions or handlers with this name or id, or of the sources on the node with it."""
    if kind == "sources":
        nodes = _numbered(telemetry_node, name_or_id)
        return select(telemetry_source.c.id).where(telemetry_source.c.node_key.in_(nodes))
    return _numbered({"sessions": telemetry_session, "handlers": telemetry_handler}[kind], name_or_id)


def cursor_key(row: dict[str, Any]) -> tuple[int, int, int]:
    """The place of a row in the order of time, as whole numbers; `at_s` is not negative."""
    return struct.unpack(">q", struct.pack(">d", max(0.0, row["at_s"])))[0], row["source_key"], row["row_number"]


def rows(kind: str, wanted: RowFilter, keys: Keys, before: Sequence[int] | None, limit: int) -> Select[Any]:
    """Rows of a kind that come before the place `before`, newest first."""
    table = TABLES[kind]
    order = (table.c.at_s, table.c.source_key, table.c.row_number)
    query = (
        _named(table).where(*_conditions(table, wanted, keys)).order_by(*(each.desc() for each in order)).limit(limit)
    )
    if before is not None:
        at_s = struct.unpack(">d", struct.pack(">q", before[0]))[0]
        query = query.where(tuple_(*order) < (at_s, before[1], before[2]))
    return query


def events_of(session_key: int, sequence: int, limit: int) -> Select[Any]:
    """What happened to one item, oldest first."""
    table = telemetry_packet
    is_it = and_(table.c.session_key == session_key, table.c.sequence_number == sequence)
    order = (table.c.at_s, table.c.source_key, table.c.row_number)
    return _named(table).where(is_it).order_by(*order).limit(limit)


def packets_since(session_key: int, since_s: float, until_s: float, limit: int) -> Select[Any]:
    """What happened to the items of a service in a window, newest first."""
    table = telemetry_packet
    in_it = and_(table.c.session_key == session_key, table.c.at_s >= since_s, table.c.at_s < until_s)
    return _named(table).where(in_it).order_by(table.c.at_s.desc()).limit(limit)


def counts(session_key: int, since_s: float, until_s: float) -> Select[Any]:
    """Of each instance of a service in a window how often each event was, and what its process used of its cores."""
    table = telemetry_packet
    in_it = and_(table.c.session_key == session_key, table.c.at_s >= since_s, table.c.at_s < until_s)
    keys = (table.c.handler_key, table.c.instance_key)
    counted = [func.sum(case((table.c.event == event, 1), else_=0)).label(event) for event in EVENTS]
    sent = case((table.c.event == "sent", table.c.size_bytes), else_=0)
    grouped = (
        select(*keys, *counted, func.sum(sent).label("sent_bytes"), func.max(table.c.at_s).label("last_at_s"))
        .where(in_it)
        .group_by(*keys)
        .subquery()
    )
    return (
        select(
            grouped,
            telemetry_handler.c.uuid.label("logical_id"),
            telemetry_handler.c.name.label("handler_name"),
            telemetry_instance.c.uuid.label("physical_id"),
        )
        .join(telemetry_handler, telemetry_handler.c.id == grouped.c.handler_key)
        .join(telemetry_instance, telemetry_instance.c.id == grouped.c.instance_key)
        .order_by(telemetry_handler.c.name, telemetry_instance.c.uuid)
    )


def sessions(name_or_id: str) -> Select[Any]:
    """The sessions with this id, else of those with this name the newest."""
    table = telemetry_session
    is_it = (table.c.uuid == name_or_id) | (table.c.name == name_or_id)
    return select(table).where(is_it).order_by(table.c.uuid != name_or_id, table.c.id.desc()).limit(1)


def sources() -> Select[Any]:
    """Every source with its node, the one heard of last first."""
    node = telemetry_node
    query = select(telemetry_source, node.c.uuid.label("node_id"), node.c.name.label("node_name"))
    return query.join(node, node.c.id == telemetry_source.c.node_key).order_by(telemetry_source.c.changed_at_s.desc())


def _named(table: Table) -> Select[Any]:
    """All columns of a table with the ids and names that its numbers stand for."""
    joined: FromClause = table.join(telemetry_source, telemetry_source.c.id == table.c.source_key)
    joined = joined.join(telemetry_node, telemetry_node.c.id == telemetry_source.c.node_key)
    columns: list[Any] = [
        table,
        telemetry_source.c.node_key,
        telemetry_node.c.uuid.label("node_id"),
        telemetry_node.c.name.label("node_name"),
    ]
    if table is not telemetry_system:
        named = {"session": telemetry_session, "handler": telemetry_handler, "instance": telemetry_instance}
        for word, names in named.items():
            joined = joined.join(names, names.c.id == table.c[f"{word}_key"])
            columns += [names.c.uuid.label(f"{word}_uuid"), names.c.name.label(f"{word}_name")]
    return select(*columns).select_from(joined)


def _conditions(table: Table, wanted: RowFilter, keys: Keys) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if keys.sources is not None:
        conditions.append(_one_of(table.c.source_key, keys.sources))
    if wanted.since_s is not None:
        conditions.append(table.c.at_s >= wanted.since_s)
    if wanted.until_s is not None:
        conditions.append(table.c.at_s < wanted.until_s)
    if keys.sessions is not None and table is not telemetry_system:
        conditions.append(_one_of(table.c.session_key, keys.sessions))
    if keys.handlers is not None and table is not telemetry_system:
        conditions.append(_one_of(table.c.handler_key, keys.handlers))
    if wanted.sequence is not None and table is telemetry_packet:
        conditions.append(table.c.sequence_number == wanted.sequence)
    if wanted.event and table is telemetry_packet:
        conditions.append(table.c.event == wanted.event)
    return conditions


def _one_of(column: Any, keys: Sequence[int]) -> ColumnElement[bool]:
    is_it: ColumnElement[bool] = column == keys[0] if len(keys) == 1 else column.in_(keys)
    return is_it


def _numbered(names: Table, name_or_id: str) -> Select[Any]:
    return select(names.c.id).where((names.c.uuid == name_or_id) | (names.c.name == name_or_id))
