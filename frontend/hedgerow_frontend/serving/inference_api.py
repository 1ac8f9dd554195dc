"""REST: one input for a service and its result; models that are uploaded for blueprints."""

from __future__ import annotations

import base64
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, cast

from flask import Request, request
from flask_openapi3.blueprint import APIBlueprint
from pydantic import ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from hedgerow_frontend.documents import API, errors
from hedgerow_frontend.problem_details import ApiError, field_error
from hedgerow_frontend.services import services
from hedgerow_frontend.serving.answers import InferAnswer, ModelStored
from hedgerow_frontend.serving.bodies import InferBody, InferQuery, InferRequest, ModelBody, ServicePath
from hedgerow_frontend.serving.files import Empty, Kept, TooLarge, keep
from hedgerow_frontend.serving.services_api import SERVING_TAG
from hedgerow_frontend.validation import refuse
from hedgerow_frontend.wishes import unavailable, wish

INLINE_BYTES = 48 * 1024
"""What is smaller travels within the request to the orchestrator, and the rest as a file."""
KEPT_S = 600.0
"""How long an input's file is kept; no result is waited for as long."""
MARGIN_S = 5.0
ENDINGS = {"image/jpeg": ".jpg", "image/png": ".png", "application/octet-stream": ".bin"}
MODEL_TYPES = ("application/octet-stream", "application/onnx", "application/x-onnx")

blueprint = APIBlueprint("inference", __name__, url_prefix=API, abp_tags=[SERVING_TAG], abp_responses=errors(503))


@blueprint.post("/services/<service>/infer", responses={200: InferAnswer, **errors(404, 409, 415, 422, 504)})
def infer(path: ServicePath, query: InferQuery, raw: InferBody) -> dict[str, Any]:
    """Put one input into a service and wait for its result.

    The body is JSON with the input, or the bytes of one encoded image.
    """
    if request.mimetype == "application/json":
        try:
            asked = InferRequest.model_validate(request.get_json())
        except ValidationError as error:
            refuse(error)
        return infer_once(path.service, asked.input, asked.timeout_s)
    return infer_once(path.service, read_input(request), query.timeout_s)


@blueprint.post("/models", responses={201: ModelStored, **errors(415, 422)})
def upload_model(raw: ModelBody) -> tuple[dict[str, Any], int]:
    """Keep an ONNX file, for `model = "upload:SHA256"` in a blueprint; the same file twice is one."""
    if request.mimetype not in MODEL_TYPES:
        raise _unsupported(request.mimetype, MODEL_TYPES)
    settings = services().settings
    kept = _kept(request, settings.home / "models", ".onnx", settings.model_max_bytes)
    return {"model": f"upload:{kept.sha256}", "sha256": kept.sha256, "size_bytes": kept.size_bytes}, 201


def infer_once(service: str, value: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """Hand one input to the orchestrator and wait for the result.

    `value` has its `type`, a record where there is none, and beside it `value`, or the fields of the value themselves.
    """
    fields = {name: field for name, field in value.items() if name != "type"}
    given = fields["value"] if fields.keys() == {"value"} else fields
    body = {"service": service, "type": value.get("type", "record"), "input": given, "timeout_s": timeout_s}
    answer = wish("service.infer", body, timeout_s=timeout_s + MARGIN_S)
    return {name: answer.get(name) for name in ("output", "sequence", "took_s")}


def read_input(request: Request) -> dict[str, Any]:
    """The encoded image of a request's body, as an input: small ones within it, others as a file.

    Raises:
        ApiError: 415 for another media type, 422 for a body without content or of more than is taken.
    """
    media_type = request.mimetype
    if media_type not in ENDINGS:
        raise _unsupported(media_type, ("application/json", *ENDINGS))
    settings = services().settings
    value: dict[str, Any] = {"type": "encoded_image", "media_type": media_type}
    if request.content_length is not None and 0 < request.content_length < INLINE_BYTES:
        return {**value, "data": base64.b64encode(request.get_data()).decode()}
    folder = settings.home / "uploads"
    kept = _kept(request, folder, ENDINGS[media_type], settings.input_max_bytes)
    _prune(folder, kept.path)
    return {**value, "path": str(kept.path.absolute()), "sha256": kept.sha256, "size_bytes": kept.size_bytes}


def _kept(request: Request, folder: Path, ending: str, most_bytes: int) -> Kept:
    request.max_content_length = most_bytes
    try:
        return _checked(cast(BinaryIO, request.stream), folder, ending, most_bytes)
    except RequestEntityTooLarge:
        raise _too_large(most_bytes, request.content_length) from None


def _checked(stream: BinaryIO, folder: Path, ending: str, most_bytes: int) -> Kept:
    try:
        return keep(stream, folder, ending, most_bytes)
    except TooLarge:
        raise _too_large(most_bytes, None) from None
    except Empty:
        raise field_error("body", "is empty; send the bytes of the file") from None
    except OSError as error:
        raise unavailable(f"{folder} cannot be written: {error.strerror or error}") from None


def _too_large(most_bytes: int, size_bytes: int | None) -> ApiError:
    size = f"has {size_bytes} bytes" if size_bytes else "is too large"
    return field_error("body", f"{size}; at most {most_bytes} are read", code="too_large")


def _unsupported(media_type: str, known: tuple[str, ...]) -> ApiError:
    detail = f"Content-Type {media_type!r} is not read here; send {', '.join(known)}"
    return ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)


def _prune(folder: Path, but: Path) -> None:
    """Remove inputs that nobody waits for any more; the folder stays as small as what came lately."""
    oldest_s = time.time() - KEPT_S
    for path in folder.iterdir():
        try:
            if path != but and path.stat().st_mtime < oldest_s:
                path.unlink()
        except FileNotFoundError:
            continue  # another request has removed it
