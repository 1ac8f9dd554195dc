"""How operations describe themselves in the OpenAPI document: which errors and which headers an answer may have."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flask_openapi3.models.info import Info

from hedgerow_frontend.problem_details import MEDIA_TYPE

API = "/api/v1"
INFO = Info(
    title="Hedgerow",
    version="1.0.0",
    description=(
        "Describe a machine-learning problem; seven module nodes answer with a model, a device and a carbon footprint. "
        "Numbers carry their unit in the field's name; null is unknown. Errors are RFC 9457 problem details."
    ),
)
SECURITY_SCHEMES = MappingProxyType(
    {"token": {"type": "http", "scheme": "bearer", "description": "Only where HEDGEROW_TOKEN is set."}}
)
SECURITY: Mapping[str, Any] = MappingProxyType({"security": [{}, {"token": []}]})

_MEANINGS = MappingProxyType(
    {
        400: "The blueprint cannot be used; `field` says where, `detail` why.",
        404: "Nothing has this number or name; `detail` says what has.",
        409: "It cannot be done in the present state, or the node refused.",
        415: "The body is not application/json.",
        422: "A field cannot be used; `field` and `errors` name it.",
        503: "Orchestrator, store or hub cannot be reached; try again after `Retry-After` seconds.",
        504: "The hub did not answer in time.",
    }
)


def errors(*statuses: int) -> dict[Any, Any]:
    """The errors that an operation answers with, beside its success."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    content = {MEDIA_TYPE: {"schema": schema}}
    return {status: {"description": _MEANINGS[status], "content": content} for status in statuses}
