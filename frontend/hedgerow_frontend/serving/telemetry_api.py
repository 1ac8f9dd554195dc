"""REST: what workers reported of machines, processes and items, and of their links."""

from __future__ import annotations

from typing import Any

from flask_openapi3.blueprint import APIBlueprint

from hedgerow_frontend.documents import API, errors
from hedgerow_frontend.lookups import page_of
from hedgerow_frontend.services import services
from hedgerow_frontend.serving.answers import SourceList, TelemetryPage, WorkerLinkList
from hedgerow_frontend.serving.bodies import TelemetryPath, TelemetryQuery
from hedgerow_frontend.serving.services_api import SERVING_TAG
from hedgerow_orchestrator.store.telemetry_queries import RowFilter

blueprint = APIBlueprint("telemetry", __name__, url_prefix=API, abp_tags=[SERVING_TAG], abp_responses=errors(503))


@blueprint.get("/telemetry/<kind>", responses={200: TelemetryPage, **errors(422)})
def telemetry(path: TelemetryPath, query: TelemetryQuery) -> dict[str, Any]:
    """List rows of machines, processes or items, newest first."""
    return rows_of(path.kind, query)


@blueprint.get("/telemetry/links", responses={200: WorkerLinkList})
def links() -> dict[str, Any]:
    """List the links between workers as their senders measured them."""
    return {"items": services().reader.worker_links()}


@blueprint.get("/telemetry/sources", responses={200: SourceList})
def sources() -> dict[str, Any]:
    """List where rows come from, and how many were stored, are missing, or were lost."""
    return {"items": services().reader.telemetry_sources()}


def rows_of(kind: str, query: TelemetryQuery) -> dict[str, Any]:
    """One page of rows."""
    wanted = RowFilter(
        service=query.service,
        worker=query.worker,
        handler=query.handler,
        since_s=query.since,
        until_s=query.until,
        sequence=query.sequence,
        event=query.event,
    )

    def read(limit: int, cursor: str | None) -> Any:
        return services().reader.telemetry(kind, wanted, limit, cursor)

    return page_of(read, query)
