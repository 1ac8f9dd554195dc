"""Pages of serving: services, workers and handlers, rendered whole on the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request

from hedgerow_frontend.charts.graph_chart import graph_chart
from hedgerow_frontend.charts.waterfall import waterfall
from hedgerow_frontend.forms import new_nonce
from hedgerow_frontend.services import services
from hedgerow_frontend.serving.asked import ANSWERING, asking
from hedgerow_frontend.serving.cuts import cuts_of
from hedgerow_frontend.serving.example_blueprints import EXAMPLES
from hedgerow_frontend.serving.graph import graph_of
from hedgerow_frontend.serving.lookups import find_service, find_worker
from hedgerow_frontend.serving.predictions import explanation
from hedgerow_frontend.serving.preview_api import previews_of
from hedgerow_frontend.serving.results import Result
from hedgerow_frontend.serving.services_api import rates_of
from hedgerow_frontend.serving.traces import spans_of, trace_of
from hedgerow_frontend.serving.typed_inputs import KINDS

STARTABLE = frozenset({"READY", "STOPPED"})
STOPPABLE = frozenset({"RUNNING", "SWITCHING", "DEGRADED"})
SEQUENCE_MAX = 2**63 - 1

blueprint = Blueprint("serving_pages", __name__)


@blueprint.get("/services")
def service_list() -> str:
    """The services, and a form to deploy a blueprint."""
    example = EXAMPLES.get(request.args.get("example", ""))
    return services_page({} if example is None else {"blueprint": example}, {})


@blueprint.get("/services/<service>")
def service(service: str) -> str:
    """A service: its graph, its rates, its placements, its instances, and the way of one packet."""
    return service_page(service, {})


@blueprint.get("/workers")
def worker_list() -> str:
    """The workers."""
    return render_template("serving/workers.html", workers=services().reader.workers())


@blueprint.get("/workers/<worker>")
def worker(worker: str) -> str:
    """A worker: what it is, how it is, its links and its instances."""
    found = find_worker(worker)
    reader = services().reader
    names = {one["node_id"]: one["name"] for one in reader.workers()}
    hosted = {one["service_id"]: one["name"] for one in reader.services(deleted=True)}
    return render_template("serving/worker.html", worker=found, names=names, hosted=hosted)


@blueprint.get("/handlers")
def handler_list() -> str:
    """What the workers can run."""
    handlers = services().reader.handlers()
    here = sorted({name for handler in handlers for name in handler["workers"]})
    return render_template("serving/handlers.html", handlers=handlers, here=here)


def services_page(
    values: Mapping[str, str],
    messages: Mapping[str, str],
    checked: Mapping[str, Any] | None = None,
    model_messages: Mapping[str, str] | None = None,
) -> str:
    """The list of services with the form as it was sent, and what is wrong with it or how it would be placed."""
    return render_template(
        "serving/services.html",
        services=services().reader.services(),
        values=values,
        messages=messages,
        checked=checked,
        model_messages=model_messages or {},
        examples=list(EXAMPLES),
        nonce=new_nonce(),
    )


def service_page(
    service: str,
    messages: Mapping[str, str],
    values: Mapping[str, str] | None = None,
    placed: Any = None,
    *,
    ask_values: Mapping[str, str] | None = None,
    ask_messages: Mapping[str, str] | None = None,
    result: Result | None = None,
) -> str:
    """A service's page; the messages say what is wrong with the forms as they were sent, `result` what was answered."""
    found = find_service(service)
    reader = services().reader
    rates = rates_of(found)
    boxes, edges = graph_of(found, rates["stages"])
    told = f"Graph of {found['name']}: {len(boxes)} instances and what flows between them"
    asked, sequence = _sequence()
    trace = trace_of(found, rates["stages"], sequence) if asked else None
    drawn = "" if trace is None else f"Item {trace['sequence']} of {found['name']}"
    spans = spans_of(trace["events"], (found["plan"] or {}).get("links") or ()) if trace else []
    return render_template(
        "serving/service.html",
        service=found,
        rates=rates,
        is_up=found["state"] in ANSWERING,
        graph=graph_chart(boxes, edges, told, "graph") if boxes else None,
        words=explanation((found["placement"] or {}).get("predicted") or {}),
        epochs=reader.service_epochs(found["service_id"]),
        starts=reader.service_instances(found["service_id"]),
        workers=[one["name"] for one in reader.workers() if one["state"] != "INACTIVE"],
        previews=previews_of(found),
        asking=asking(found, reader.handlers()),
        kinds=KINDS,
        ask_values=ask_values or {},
        ask_messages=ask_messages or {},
        result=result,
        cuts=cuts_of(found),
        trace=trace,
        waterfall=waterfall(spans, drawn, "waterfall") if spans else None,
        can_start=found["state"] in STARTABLE,
        can_stop=found["state"] in STOPPABLE,
        messages=messages,
        values=values or {},
        placed=placed,
    )


def _sequence() -> tuple[bool, int | None]:
    """Whether a trace was asked for, and of which packet; None is the newest."""
    text = request.args.get("sequence")
    if text is None:
        return False, None
    known = text.strip().isascii() and text.strip().isdigit() and int(text) <= SEQUENCE_MAX
    return True, int(text) if known else None
