"""REST: what a sink `preview` shows, as motion JPEG: each picture that it leaves replaces the one before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint

from hedgerow_frontend.documents import API, errors
from hedgerow_frontend.problem_details import not_found
from hedgerow_frontend.services import services
from hedgerow_frontend.serving.bodies import PreviewPath
from hedgerow_frontend.serving.lookups import find_service
from hedgerow_frontend.serving.services_api import SERVING_TAG
from hedgerow_frontend.wishes import unavailable

BOUNDARY = "hedgerow-picture"
MEDIA_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
LOOK_S = 0.04
SILENCE_S = 60.0
PICTURE_MAX_BYTES = 8 * 1024 * 1024
HANDLER = "preview"
PICTURE = "preview.jpg"
_MOTION: dict[Any, Any] = {
    200: {
        "description": "Pictures, one after another, until the client leaves or none has come for a minute.",
        "content": {"multipart/x-mixed-replace": {"schema": {"type": "string", "format": "binary"}}},
    }
}

blueprint = APIBlueprint(
    "preview", __name__, url_prefix=f"{API}/services", abp_tags=[SERVING_TAG], abp_responses=errors(503)
)


@blueprint.get("/<service>/preview/<handler>", responses={**_MOTION, **errors(404)})
def preview(path: PreviewPath) -> Response:
    """Show what a sink `preview` gets, as motion JPEG."""
    found = find_service(path.service)
    names = previews_of(found)
    if path.handler not in names:
        known = ", ".join(names) or "none"
        raise not_found(f"service {found['name']!r} has no preview {path.handler!r}; it has: {known}")
    tools = services()
    if not tools.previews.take(tools.settings.previews_max):
        raise unavailable(f"{tools.settings.previews_max} previews are open already; close one")
    gone = request.environ.get("waitress.client_disconnected") or (lambda: False)
    parts = pictures(preview_file(tools.settings.home, found, path.handler), gone=gone)
    response = Response(parts, content_type=MEDIA_TYPE, headers={"X-Accel-Buffering": "no"})
    response.call_on_close(tools.previews.give_back)
    return response


def previews_of(service: dict[str, Any]) -> list[str]:
    """The names of a service's handlers of the type `preview`."""
    plan = service["plan"] or {}
    return sorted({each["name"] for each in plan.get("instances", ()) if each["handler"] == HANDLER})


def preview_file(home: Path, service: dict[str, Any], handler: str) -> Path:
    """Where the sink leaves its latest picture: in its own folder below its worker's, which has to be in this home."""
    placed = next(each for each in service["plan"]["instances"] if each["name"] == handler)
    worker = services().reader.worker(placed["node_id"])
    name = str(placed["node_id"] if worker is None else worker["name"])
    logical_id = str(placed["logical_id"])
    return home / "workers" / name / str(service["service_id"]) / logical_id / PICTURE


def pictures(
    path: Path,
    *,
    gone: Callable[[], bool],
    silence_s: float = SILENCE_S,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[bytes]:
    """Each picture once, as a part of a multipart answer; ends with the client, or after a time without a picture.

    The sink replaces the file whole, so what is read is always one picture.
    """
    shown: tuple[int, int] | None = None
    seen_at_s = clock()
    yield f"--{BOUNDARY}\r\n".encode()
    while not gone() and clock() - seen_at_s < silence_s:
        try:
            stat = path.stat()
            version = (stat.st_mtime_ns, stat.st_ino)
            data = b"" if version == shown or stat.st_size > PICTURE_MAX_BYTES else path.read_bytes()
        except FileNotFoundError:
            data = b""
        if data:
            shown, seen_at_s = version, clock()
            head = f"Content-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            yield head.encode() + data + f"\r\n--{BOUNDARY}\r\n".encode()
        sleep(LOOK_S)
