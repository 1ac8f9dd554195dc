"""The page of telemetry: rows of machines, processes and items, links, and where rows come from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from flask import Blueprint, render_template, request
from pydantic import ValidationError

from hedgerow_frontend.services import services
from hedgerow_frontend.serving.bodies import TelemetryPath, TelemetryQuery
from hedgerow_frontend.serving.telemetry_api import rows_of
from hedgerow_frontend.validation import refuse

ROWS_SHOWN = 50
COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sys_info": ("cpu_percent", "memory_bytes", "memory_percent", "gpu_index", "gpu_percent", "gpu_power_w"),
        "proc_info": ("service", "handler", "cpu_percent", "memory_percent", "gpu_percent"),
        "packet_info": ("service", "handler", "epoch", "sequence", "event", "port", "size_bytes"),
    }
)
NUMBERS = frozenset({"cpu_percent", "memory_bytes", "memory_percent", "gpu_percent", "gpu_power_w", "size_bytes"})

blueprint = Blueprint("telemetry_page", __name__)


@blueprint.get("/telemetry")
def telemetry() -> str:
    """The newest rows of a kind, of all or of one service or worker."""
    given = {name: request.args[name] for name in ("service", "worker", "cursor") if request.args.get(name)}
    try:
        kind = TelemetryPath.model_validate({"kind": request.args.get("kind", "sys_info")}).kind
        query = TelemetryQuery.model_validate({"limit": ROWS_SHOWN, **given})
    except ValidationError as error:
        refuse(error)
    reader = services().reader
    return render_template(
        "serving/telemetry.html",
        kind=kind,
        query=query,
        page=rows_of(kind, query),
        columns=COLUMNS[kind],
        numbers=NUMBERS,
        links=reader.worker_links(),
        sources=reader.telemetry_sources(),
    )
