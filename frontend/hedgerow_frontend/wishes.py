"""Wishes to the orchestrator: sent over the bus, and its refusals turned into HTTP errors."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from hedgerow_frontend.problem_details import ApiError, FieldError
from hedgerow_frontend.services import services
from hedgerow_idl import ReplyStatus
from hedgerow_nodes.core.request_client import OrchestratorUnreachable

RETRY_AFTER_S = 2

_STATUSES: Mapping[ReplyStatus, HTTPStatus] = MappingProxyType(
    {
        ReplyStatus.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
        ReplyStatus.NOT_FOUND: HTTPStatus.NOT_FOUND,
        ReplyStatus.CONFLICT: HTTPStatus.CONFLICT,
        ReplyStatus.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
        ReplyStatus.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    }
)


def wish(
    verb: str,
    body: dict[str, Any],
    idempotency_key: str | None = None,
    *,
    timeout_s: float | None = None,
    invalid: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
) -> dict[str, Any]:
    """Ask the orchestrator for something and return the body of its answer.

    Args:
        verb: what is wanted.
        body: what about.
        idempotency_key: makes the same wish twice one.
        timeout_s: how long the answer may take, where that is not what all wishes may take.
        invalid: the status of a body that it cannot use.

    Raises:
        ApiError: it refused (422, 404, 409, 500), or is not there (503 with `Retry-After`).
    """
    if idempotency_key is not None:
        body = {**body, "idempotency_key": idempotency_key}
    tools = services()
    try:
        answer = tools.client.call(verb, body, timeout_s=timeout_s or tools.settings.wish_timeout_s)
    except OrchestratorUnreachable as error:
        raise unavailable(str(error)) from None
    if answer.status is ReplyStatus.OK:
        return answer.body
    message = str(answer.body.get("message") or answer.status.name)
    if answer.status is ReplyStatus.UNAVAILABLE:
        raise unavailable(message)
    field = answer.body.get("field")
    errors = [FieldError(str(field), message)] if field else []
    status = invalid if answer.status is ReplyStatus.INVALID else _STATUSES[answer.status]
    raise ApiError(status, answer.status.name.lower(), message, errors=errors)


def accepted(answer: dict[str, Any]) -> dict[str, Any]:
    """Return a node's answer to a command if it accepted it.

    Raises:
        ApiError: 409, the node refused; its reason is the detail.
    """
    if answer["code"] in ("ACCEPTED", "DUPLICATE"):
        return answer
    raise ApiError(HTTPStatus.CONFLICT, "refused", answer["reason"] or f"the node answered {answer['code']}")


def unavailable(detail: str) -> ApiError:
    """The 503 for something that may work a moment later."""
    return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, headers={"Retry-After": str(RETRY_AFTER_S)})
