"""What the orchestrator reads back of telemetry: which numbers were given out, and which rows of a source are known."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Table, func, select

from hedgerow_orchestrator.store import serving_schema
from hedgerow_orchestrator.store.telemetry_changes import (
    TelemetryHandlerRow,
    TelemetryInstanceRow,
    TelemetryName,
    TelemetryNodeRow,
    TelemetrySessionRow,
)
from hedgerow_orchestrator.store.telemetry_schema import (
    telemetry_handler,
    telemetry_instance,
    telemetry_node,
    telemetry_session,
    telemetry_source,
)

NAME_TABLES: dict[type[TelemetryName], Table] = {
    TelemetryNodeRow: telemetry_node,
    TelemetrySessionRow: telemetry_session,
    TelemetryHandlerRow: telemetry_handler,
    TelemetryInstanceRow: telemetry_instance,
}


def last_id(table: Table) -> Select[Any]:
    """The highest number given out, NULL before any."""
    return select(func.max(table.c.id).label("last"))


def numbered(table: Table, uuid: str) -> Select[Any]:
    """The row with this id."""
    return select(table).where(table.c.uuid == uuid)


def source(uuid: str) -> Select[Any]:
    """A source with what is known of it."""
    return numbered(telemetry_source, uuid)


def service_name(service_id: str) -> Select[Any]:
    """What a service is called."""
    table = serving_schema.service
    return select(table.c.name).where(table.c.service_id == service_id)


def handler_name(logical_id: str, physical_id: str) -> Select[Any]:
    """What a handler is called in its blueprint, by one id or the other."""
    table = serving_schema.instance
    is_it = (table.c.logical_id == logical_id) | (table.c.physical_id == physical_id)
    return select(table.c.name).where(is_it).limit(1)
