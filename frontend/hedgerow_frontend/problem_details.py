"""Every error as RFC 9457 problem details, or as a page where a browser asks for one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from flask import Flask, Response, json, render_template, request
from werkzeug.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
# Named after RFC 9110; the names in Python's `http` differ between its versions.
_TITLES: Mapping[int, str] = MappingProxyType({413: "Content Too Large", 422: "Unprocessable Content"})
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FieldError:
    """One field of a request that cannot be used, and why."""

    field: str
    message: str


class ApiError(Exception):
    """A request that ends in an error; `code` is for programs, `detail` holds the bad value and the way out."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str,
        *,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    @property
    def title(self) -> str:
        """The status in words."""
        return title_of(self.status)

    def body(self) -> dict[str, Any]:
        """The problem details object."""
        body: dict[str, Any] = {
            "type": f"urn:hedgerow:error:{self.code}",
            "title": self.title,
            "status": int(self.status),
            "code": self.code,
            "detail": self.detail,
            "instance": request.path,
        }
        if self.errors:
            body["field"] = self.errors[0].field
            body["errors"] = [{"field": error.field, "message": error.message} for error in self.errors]
        return body


def title_of(status: HTTPStatus) -> str:
    """A status in words."""
    return _TITLES.get(status, status.phrase)


def field_error(field: str, message: str, *, code: str = "invalid") -> ApiError:
    """The 422 for one field."""
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, code, f"{field}: {message}", errors=[FieldError(field, message)])


def not_found(detail: str) -> ApiError:
    """The 404 for something that the store does not hold."""
    return ApiError(HTTPStatus.NOT_FOUND, "not_found", detail)


def register_errors(app: Flask) -> None:
    """Answer every error of an app through this module."""
    app.register_error_handler(ApiError, respond)
    app.register_error_handler(HTTPException, _http_error)


def respond(error: ApiError) -> Response:
    """Problem details; a page instead under page addresses, for a client that prefers HTML."""
    if wants_page():
        page = render_template("error.html", error=error)
        return Response(page, int(error.status), error.headers, mimetype="text/html")
    return Response(json.dumps(error.body()), int(error.status), error.headers, mimetype=MEDIA_TYPE)


def wants_page() -> bool:
    """Tell whether the answer to this request shall be HTML."""
    if request.path.startswith("/api/"):
        return False
    return request.accept_mimetypes.best_match([MEDIA_TYPE, "text/html"], default=MEDIA_TYPE) == "text/html"


def _http_error(error: HTTPException) -> Response | HTTPException:
    if error.response is not None or error.code is None or error.code < 400:
        return error  # a redirect, or an answer that is finished already
    status = HTTPStatus(error.code)
    headers = {k: v for k, v in error.get_headers() if k.lower() not in ("content-type", "content-length")}
    return respond(
        ApiError(status, title_of(status).lower().replace(" ", "_"), _detail(error, status), headers=headers)
    )


def _detail(error: HTTPException, status: HTTPStatus) -> str:
    if status is HTTPStatus.NOT_FOUND:
        return f"nothing is at {request.path!r}; GET /api/v1/openapi.json lists the addresses"
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        return f"{request.method} is not possible at {request.path!r}; possible: {allowed}"
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return "the front end failed at this request; its log has the reason"
    return error.description or status.phrase
