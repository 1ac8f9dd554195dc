"""Bad requests told apart: which field, which value, what would be right."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, NoReturn

import msgspec
from flask import Request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from hedgerow_frontend import bodies, hub_answers, report_queries
from hedgerow_frontend.problem_details import ApiError, FieldError, field_error
from hedgerow_frontend.serving import bodies as serving_bodies

SHOWN_CHARACTERS = 80

_MODELS: Mapping[str, type[BaseModel]] = MappingProxyType(
    {
        model.__name__: model
        for model in (
            bodies.ProblemRequest,
            bodies.IterationRequest,
            bodies.CommandRequest,
            bodies.PageQuery,
            bodies.TaskQuery,
            bodies.EventQuery,
            report_queries.ComparisonQuery,
            report_queries.ParetoQuery,
            report_queries.ExportQuery,
            hub_answers.HubQuery,
            serving_bodies.ServiceQuery,
            serving_bodies.TraceQuery,
            serving_bodies.BlueprintRequest,
            serving_bodies.DeployRequest,
            serving_bodies.PlacementRequest,
            serving_bodies.MigrationRequest,
            serving_bodies.InferRequest,
            serving_bodies.InferQuery,
            serving_bodies.PolicyRequest,
            serving_bodies.MeasureRequest,
            serving_bodies.TelemetryQuery,
        )
    }
)


class JsonRequest(Request):
    """A request whose JSON body is read strictly: right media type, valid JSON (NaN is none), an object."""

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Read the body as a JSON object.

        Raises:
            ApiError: 415 for another media type, 422 for a body that is too large, malformed or no object.
        """
        if self.mimetype != "application/json":
            raise ApiError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                f"Content-Type {self.mimetype!r} is not read here; send application/json",
            )
        try:
            data = self.get_data()
        except RequestEntityTooLarge:
            size = f"has {self.content_length} bytes" if self.content_length else "is too large"
            raise field_error("body", f"{size}; at most {self.max_content_length} are read", code="too_large") from None
        try:
            body = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise field_error("body", f"is no JSON: {error}", code="malformed") from None
        except RecursionError:
            raise field_error("body", "is nested too deeply", code="malformed") from None
        if not isinstance(body, dict):
            raise field_error("body", f"is a JSON {type(body).__name__}; send an object", code="malformed")
        return body


def refuse(error: ValidationError) -> NoReturn:
    """Turn what pydantic found into the 422 with every field named.

    Raises:
        ApiError: always.
    """
    errors = field_errors(error)
    detail = "; ".join(f"{found.field}: {found.message}" for found in errors)
    raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors=errors) from None


def field_errors(error: ValidationError) -> list[FieldError]:
    """One entry a field, each with the value that was sent and what would be right."""
    found = [
        FieldError(_path(entry["loc"]), _message(error.title, entry["type"], entry["msg"], entry.get("input")))
        for entry in error.errors(include_url=False, include_context=False)
    ]
    return found[:16]


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{_escaped(step)}" if path else _escaped(step)
    return path or "body"


def _escaped(name: str) -> str:
    return _short(name.encode("unicode_escape").decode() if not name.isprintable() else name)


def _message(title: str, kind: str, message: str, value: object) -> str:
    message = message[:1].lower() + message[1:]
    if kind == "extra_forbidden":
        known = ", ".join(field.alias or name for name, field in _MODELS[title].model_fields.items())
        return f"is unknown; known: {known}"
    if kind == "missing":
        return "is missing"
    return f"{_short(repr(value))}: {message}"


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
