"""What the forms and buttons of the pages of serving do: the same wishes as the REST interface."""

from __future__ import annotations

from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from pydantic import ValidationError
from werkzeug.wrappers import Response

from hedgerow_frontend.forms import idempotency_key
from hedgerow_frontend.problem_details import ApiError, field_error, not_found
from hedgerow_frontend.services import services
from hedgerow_frontend.serving.blueprint_text import blueprint_of
from hedgerow_frontend.serving.bodies import DeployRequest, MigrationRequest, PolicyRequest
from hedgerow_frontend.serving.cuts import wanted_cuts
from hedgerow_frontend.serving.lookups import find_service, find_worker
from hedgerow_frontend.serving.messages import messages_of, sentence
from hedgerow_frontend.serving.pages import service_page, services_page
from hedgerow_frontend.serving.services_api import (
    check_blueprint,
    deploy_blueprint,
    migrate_instance,
    place_service,
)
from hedgerow_frontend.validation import refuse
from hedgerow_frontend.wishes import wish

BLUEPRINT_MAX_BYTES = 200_000
ORDERS = MappingProxyType(
    {"start": ("started", "RUNNING"), "stop": ("stopped", "STOPPED"), "delete": ("deleted", "DELETED")}
)
"""Each with its participle, and the state that it aims at."""
POLICIES = MappingProxyType(
    {
        "cordon": "takes nothing new; what it runs goes on",
        "uncordon": "takes new instances again",
        "drain": "takes nothing new, and what it runs moves away as far as it may",
    }
)
"""Each with what the worker does from then on."""

blueprint = Blueprint("serving_actions", __name__)
Page = Response | str | tuple[str, int]


@blueprint.post("/services")
def deploy() -> Page:
    """Deploy the blueprint of the form and show the service, or only look at it."""
    try:
        text = _text()
    except ApiError as error:
        return services_page(request.form, messages_of(error)), error.status
    values = {"blueprint": text, "name": request.form.get("name", ""), "stopped": request.form.get("stopped", "")}
    try:
        found = blueprint_of(text)
        if request.form.get("do") == "check":
            return services_page(values, {}, check_blueprint(found))
        wanted = {"blueprint": found, "name": values["name"].strip() or None, "start": not values["stopped"]}
        answer, _, _ = deploy_blueprint(_deployment(wanted), idempotency_key({**request.form, "blueprint": text}))
    except ApiError as error:
        return services_page(values, messages_of(error)), error.status
    return redirect(url_for("serving_pages.service", service=answer["service_id"]), HTTPStatus.SEE_OTHER)


@blueprint.post("/services/<service>/orders")
def order(service: str) -> Response:
    """Start, stop or delete a service, and show it."""
    found = find_service(service)
    wanted = request.form.get("order", "")
    if wanted not in ORDERS:
        raise not_found(f"order {wanted!r} unknown; known: {', '.join(sorted(ORDERS))}")
    try:
        answer = wish(f"service.{wanted}", {"service": found["service_id"]})
        done, aim = ORDERS[wanted]
        # An order that was carried out before, such as a second stop, is answered with the state that there is.
        flash(f"{found['name']} is {aim.lower() if answer['state'] == aim else f'being {done}'}.", "good")
    except ApiError as error:
        flash(f"{found['name']} cannot be {ORDERS[wanted][0]}: {error.detail}", "bad")
    if wanted == "delete":
        return redirect(url_for("serving_pages.service_list"), HTTPStatus.SEE_OTHER)
    return _to_service(found)


@blueprint.post("/services/<service>/placement")
def place(service: str) -> Page:
    """Look for another placement; with `dry_run` only say what would be done."""
    found = find_service(service)
    wanted = request.form.get("do", "")
    dry_run = wanted == "dry_run"
    try:
        body: dict[str, Any] = {"dry_run": dry_run}
        if wanted == "cut":
            body["boundaries"] = wanted_cuts(request.form)
        answer = place_service(found["service_id"], body)
    except ApiError as error:
        return service_page(found["service_id"], messages_of(error), request.form), error.status
    if dry_run:
        return service_page(found["service_id"], {}, placed=answer)
    bad = answer["verdict"] == "infeasible"
    flash(f"{'Moved' if answer['changed'] else 'Not moved'}: {sentence(answer['reason'])}", "bad" if bad else "good")
    return _to_service(found)


@blueprint.post("/services/<service>/migrate")
def migrate(service: str) -> Page:
    """Move one instance, and show the service."""
    found = find_service(service)
    handler, _, replica = request.form.get("instance", "").rpartition("#")
    to = request.form.get("to", "")
    try:
        wanted = {"handler": handler, "replica": int(replica) if replica.isdigit() else None, "to": to}
        body = MigrationRequest.model_validate(wanted).model_dump(exclude_none=True)
        answer = migrate_instance(found["service_id"], body)
        bad = answer["state"] == "DECLINED"
        flash(f"{handler} to {to}: {answer['state'].lower()}. {answer['reason']}", "bad" if bad else "good")
    except ValidationError as error:
        refuse(error)
    except ApiError as error:
        return service_page(found["service_id"], messages_of(error), {"to": to}), error.status
    return _to_service(found)


@blueprint.post("/workers/<worker>/policy")
def policy(worker: str) -> Response:
    """Cordon, uncordon or drain a worker, and show it."""
    found = find_worker(worker)
    wanted = request.form.get("policy", "")
    if wanted not in POLICIES:
        raise not_found(f"policy {wanted!r} unknown; known: {', '.join(sorted(POLICIES))}")
    try:
        reason = PolicyRequest.model_validate({"reason": request.form.get("reason", "")}).reason
    except ValidationError as error:
        refuse(error)
    try:
        answer = wish(f"worker.{wanted}", {"worker": found["node_id"], "reason": reason})
        declined = answer.get("state") == "DECLINED"
        why = f": {answer['reason']}" if declined else ""
        flash(f"{found['name']} {POLICIES[wanted]}{why}.", "bad" if declined else "good")
    except ApiError as error:
        flash(f"{wanted} of {found['name']} failed: {error.detail}", "bad")
    return redirect(url_for("serving_pages.worker", worker=found["node_id"]), HTTPStatus.SEE_OTHER)


@blueprint.post("/workers/measure")
def measure() -> Response:
    """Measure the links between all workers, and show them."""
    try:
        links = wish("worker.measure", {}, timeout_s=services().settings.placing_timeout_s)["links"]
        flash(f"{len(links)} links were measured." if links else "There are no two workers to measure between.", "good")
    except ApiError as error:
        flash(f"The links cannot be measured: {error.detail}", "bad")
    return redirect(url_for("telemetry_page.telemetry", _anchor="links"), HTTPStatus.SEE_OTHER)


def _text() -> str:
    """The blueprint of the form: the file that was chosen, else the text.

    Raises:
        ApiError: 422, the file is too large.
    """
    file = request.files.get("file")
    if file is None or not file.filename:
        return request.form.get("blueprint", "").replace("\r\n", "\n")
    found = file.stream.read(BLUEPRINT_MAX_BYTES + 1)
    if len(found) > BLUEPRINT_MAX_BYTES:
        raise field_error(
            "file", f"{file.filename!r} is too large; a blueprint has at most {BLUEPRINT_MAX_BYTES} bytes"
        )
    return found.decode("utf-8", "replace")


def _deployment(wanted: dict[str, Any]) -> DeployRequest:
    try:
        return DeployRequest.model_validate(wanted)
    except ValidationError as error:
        refuse(error)


def _to_service(found: dict[str, Any]) -> Response:
    return redirect(url_for("serving_pages.service", service=found["service_id"]), HTTPStatus.SEE_OTHER)
