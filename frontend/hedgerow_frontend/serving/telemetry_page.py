"""The page of telemetry: rows of machines, processes and items, links, and where rows come from."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType

from flask import Blueprint, render_template, request
from pydantic import ValidationError

from hedgerow_frontend.formatting import is_number, iso_moment
from hedgerow_frontend.services import services
from hedgerow_frontend.serving.bodies import TelemetryPath, TelemetryQuery
from hedgerow_frontend.serving.telemetry_api import rows_of
from hedgerow_frontend.validation import refuse
from hedgerow_orchestrator.store.telemetry_queries import EVENTS

ROWS_SHOWN = 50
KINDS: Mapping[str, str] = MappingProxyType(
    {"sys_info": "machines", "proc_info": "processes of instances", "packet_info": "items"}
)
_GPU = {"gpu_index": "GPU", "gpu_percent": "GPU busy", "gpu_memory_percent": "GPU memory"}
COLUMNS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "sys_info": {
            "cpu_percent": "CPU",
            "memory_bytes": "Memory",
            "memory_percent": "In use",
            **_GPU,
            "gpu_clock_hz": "GPU clock",
            "gpu_power_w": "GPU power",
        },
        "proc_info": {
            "service": "Service",
            "handler": "Handler",
            "cpu_percent": "CPU",
            "memory_percent": "Memory",
            **_GPU,
        },
        "packet_info": {
            "service": "Service",
            "handler": "Handler",
            "epoch": "Epoch",
            "sequence": "Item",
            "event": "Event",
            "port": "Port",
            "size_bytes": "Size",
        },
    }
)
"""Of each kind the fields that are shown, with their heads."""
TEXTS = frozenset({"service", "handler", "event", "port"})
AGES: Mapping[str, str] = MappingProxyType(
    {"": "any time", "60": "the last minute", "900": "the last 15 minutes", "86400": "the last day"}
)
"""How far back, in seconds."""
_FIELDS = ("service", "worker", "handler", "sequence", "event", "cursor")

blueprint = Blueprint("telemetry_page", __name__)


@blueprint.get("/telemetry")
def telemetry() -> str:
    """The newest rows of a kind: of all, or of one service, worker, handler, item or event."""
    given = {name: request.args[name].strip() for name in _FIELDS if request.args.get(name, "").strip()}
    age = request.args.get("age", "")
    since_s = time.time() - float(age) if age in AGES and age else None
    try:
        kind = TelemetryPath.model_validate({"kind": request.args.get("kind", "sys_info")}).kind
        query = TelemetryQuery.model_validate({"limit": ROWS_SHOWN, "since": since_s, **given})
    except ValidationError as error:
        refuse(error)
    reader = services().reader
    filters = {"kind": kind, "age": age} | {name: given.get(name, "") for name in _FIELDS if name != "cursor"}
    return render_template(
        "serving/telemetry.html",
        kind=kind,
        kinds=KINDS,
        ages=AGES,
        events=EVENTS,
        filters=filters,
        is_older="cursor" in given,
        page=rows_of(kind, query),
        columns=COLUMNS[kind],
        texts=TEXTS,
        started=started,
        links=reader.worker_links(),
        sources=reader.telemetry_sources(),
        services=sorted({one["name"] for one in reader.services(deleted=True)}),
        workers=[one["name"] for one in reader.workers()],
    )


def started(incarnation: object) -> str | None:
    """When a node was started as an ISO 8601 time: its incarnation tells, in nanoseconds since the Unix epoch."""
    return iso_moment(incarnation / 1e9) if is_number(incarnation) and incarnation > 10**15 else None
