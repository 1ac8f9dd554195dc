"""REST: workers, what they can run, and what is wanted of them."""

from __future__ import annotations

from typing import Any

from flask_openapi3.blueprint import APIBlueprint

from hedgerow_frontend.documents import API, errors
from hedgerow_frontend.services import services
from hedgerow_frontend.serving.answers import HandlerList, MeasureAnswer, PolicyAnswer, WorkerAnswer, WorkerList
from hedgerow_frontend.serving.bodies import MeasureRequest, PolicyRequest, WorkerPath, said
from hedgerow_frontend.serving.lookups import find_worker
from hedgerow_frontend.serving.services_api import SERVING_TAG
from hedgerow_frontend.wishes import wish

blueprint = APIBlueprint("workers", __name__, url_prefix=API, abp_tags=[SERVING_TAG], abp_responses=errors(503))


@blueprint.get("/workers", responses={200: WorkerList})
def worker_list() -> dict[str, Any]:
    """List the workers that were ever seen."""
    return {"items": services().reader.workers()}


@blueprint.post("/workers/measure", responses={200: MeasureAnswer, **errors(404, 409, 415, 422)})
def measure(body: MeasureRequest) -> dict[str, Any]:
    """Measure the links between workers, both ways."""
    return wish("worker.measure", said(body), timeout_s=services().settings.placing_timeout_s)


@blueprint.get("/workers/<worker>", responses={200: WorkerAnswer, **errors(404)})
def worker(path: WorkerPath) -> dict[str, Any]:
    """Show one worker: what it is, how it is, its links and its instances."""
    return find_worker(path.worker)


@blueprint.post("/workers/<worker>/cordon", responses={200: PolicyAnswer, **errors(404, 409, 415, 422)})
def cordon(path: WorkerPath, body: PolicyRequest) -> dict[str, Any]:
    """Give a worker nothing new; what it runs goes on."""
    return wish("worker.cordon", {"worker": path.worker, **said(body)})


@blueprint.post("/workers/<worker>/uncordon", responses={200: PolicyAnswer, **errors(404, 409, 415, 422)})
def uncordon(path: WorkerPath, body: PolicyRequest) -> dict[str, Any]:
    """Let a worker have new instances again; this ends a drain as well."""
    return wish("worker.uncordon", {"worker": path.worker, **said(body)})


@blueprint.post("/workers/<worker>/drain", responses={200: PolicyAnswer, **errors(404, 409, 415, 422)})
def drain(path: WorkerPath, body: PolicyRequest) -> dict[str, Any]:
    """Cordon a worker and move away what it runs."""
    return wish("worker.drain", {"worker": path.worker, **said(body)})


@blueprint.get("/handlers", responses={200: HandlerList})
def handlers() -> dict[str, Any]:
    """List what the workers that are there can run, with ports and parameters."""
    return {"items": services().reader.handlers()}
