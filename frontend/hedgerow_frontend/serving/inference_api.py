"""REST: one input for a service and its result; models that are uploaded for blueprints."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from flask import request
from flask_openapi3.blueprint import APIBlueprint
from pydantic import ValidationError

from hedgerow_frontend.documents import API, errors
from hedgerow_frontend.services import services
from hedgerow_frontend.serving.answers import InferAnswer, ModelStored
from hedgerow_frontend.serving.bodies import InferBody, InferQuery, InferRequest, ModelBody, ServicePath
from hedgerow_frontend.serving.inputs import ENDINGS, encoded_image, kept_file, reading, unsupported
from hedgerow_frontend.serving.services_api import SERVING_TAG
from hedgerow_frontend.validation import refuse
from hedgerow_frontend.wishes import wish

MARGIN_S = 5.0
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
    if request.mimetype not in ENDINGS:
        raise unsupported(request.mimetype, ("application/json", *ENDINGS))
    settings = services().settings
    with reading("body", settings.input_max_bytes):
        value = encoded_image(cast(BinaryIO, request.stream), request.mimetype, request.content_length)
    return infer_once(path.service, value, query.timeout_s)


@blueprint.post("/models", responses={201: ModelStored, **errors(415, 422)})
def upload_model(raw: ModelBody) -> tuple[dict[str, Any], int]:
    """Keep an ONNX file, for `model = "upload:SHA256"` in a blueprint; the same file twice is one."""
    if request.mimetype not in MODEL_TYPES:
        raise unsupported(request.mimetype, MODEL_TYPES)
    with reading("body", services().settings.model_max_bytes):
        return keep_model(cast(BinaryIO, request.stream)), 201


def keep_model(stream: BinaryIO) -> dict[str, Any]:
    """Keep an ONNX file under the digest of its content; what a blueprint names it by."""
    settings = services().settings
    kept = kept_file(stream, settings.home / "models", ".onnx", settings.model_max_bytes)
    return {"model": f"upload:{kept.sha256}", "sha256": kept.sha256, "size_bytes": kept.size_bytes}


def infer_once(service: str, value: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """Hand one input to the orchestrator and wait for the result.

    `value` has its `type`, a record where there is none, and beside it `value`, or the fields of the value themselves.
    """
    fields = {name: field for name, field in value.items() if name != "type"}
    given = fields["value"] if fields.keys() == {"value"} else fields
    body = {"service": service, "type": value.get("type", "record"), "input": given, "timeout_s": timeout_s}
    answer = wish("service.infer", body, timeout_s=timeout_s + MARGIN_S)
    return {name: answer.get(name) for name in ("output", "sequence", "took_s")}
