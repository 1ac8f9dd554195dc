"""REST: the way of one packet."""

from __future__ import annotations

from typing import Any

from flask_openapi3.blueprint import APIBlueprint

from hedgerow_frontend.documents import API, errors
from hedgerow_frontend.serving.answers import TraceAnswer
from hedgerow_frontend.serving.bodies import ServicePath, TraceQuery
from hedgerow_frontend.serving.lookups import find_service
from hedgerow_frontend.serving.services_api import SERVING_TAG, rates_of
from hedgerow_frontend.serving.traces import trace_of

blueprint = APIBlueprint("traces", __name__, url_prefix=API, abp_tags=[SERVING_TAG], abp_responses=errors(503))


@blueprint.get("/services/<service>/trace", responses={200: TraceAnswer, **errors(404, 422)})
def trace(path: ServicePath, query: TraceQuery) -> dict[str, Any]:
    """Show where one item of a service was, and when."""
    found = find_service(path.service)
    return trace_of(found, rates_of(found)["stages"], query.sequence)
