"""What the forms and buttons of the pages do: the same wishes as the REST interface, answered with a page."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from flask import Blueprint, flash, redirect, request, url_for
from pydantic import ValidationError
from werkzeug.wrappers import Response

from hedgerow_frontend.bodies import CommandRequest, IterationRequest
from hedgerow_frontend.forms import FormError, idempotency_key, read_iteration, read_problem
from hedgerow_frontend.lookups import find_node, find_problem, find_task
from hedgerow_frontend.pages import nodes_page, problem_page, problems_page
from hedgerow_frontend.problem_details import ApiError, field_error
from hedgerow_frontend.problems import iterate_problem, submit_problem
from hedgerow_frontend.validation import refuse
from hedgerow_frontend.wishes import accepted, wish

UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY

blueprint = Blueprint("actions", __name__)


@blueprint.post("/problems")
def submit() -> Response | tuple[str, int]:
    """Submit the problem that the form describes, and show its first iteration."""
    try:
        answer, _, _ = submit_problem(read_problem(request.form), idempotency_key(request.form))
    except FormError as error:
        return problems_page(request.form, error.messages), UNPROCESSABLE
    except ApiError as error:
        return problems_page(request.form, _messages(error)), error.status
    return _to_iteration(answer["task"])


@blueprint.post("/problems/<int:problem_id>/iterations")
def iterate(problem_id: int) -> Response | tuple[str, int]:
    """Start the iteration that the form describes, and show it."""
    base_id = request.form.get("from_iteration", 0, type=int)
    asked = find_task(problem_id, base_id)["request"]
    try:
        changes = read_iteration(request.form, asked, base_id)
        answer, _, _ = iterate_problem(problem_id, changes, idempotency_key(request.form))
    except FormError as error:
        return problem_page(problem_id, base_id, request.form, error.messages), UNPROCESSABLE
    except ApiError as error:
        return problem_page(problem_id, base_id, request.form, _messages(error)), error.status
    return _to_iteration(answer["task"])


@blueprint.post("/problems/<int:problem_id>/iterations/<int:iteration_id>/accept")
def accept(problem_id: int, iteration_id: int) -> Response:
    """Take what the loop of an iteration proposes, and show the iteration that it begins."""
    task = find_task(problem_id, iteration_id)["task"]
    wanted = IterationRequest.model_validate({"from_iteration": iteration_id, "accept": True})
    try:
        # A double click is one consent.
        answer, _, _ = iterate_problem(problem_id, wanted, f"accept-{problem_id}-{iteration_id}")
    except ApiError as error:
        flash(error.detail, "bad")
        return _to_iteration(task)
    return _to_iteration(answer["task"])


@blueprint.post("/problems/<int:problem_id>/cancel")
def cancel_problem(problem_id: int) -> Response:
    """Cancel whatever of a problem has not ended, and show the problem."""
    find_problem(problem_id)
    try:
        numbers = wish("problem.cancel", {"problem_id": problem_id})["cancelled"]
        flash(f"{len(numbers)} iterations were cancelled." if numbers else "Nothing was left to cancel.", "good")
    except ApiError as error:
        flash(error.detail, "bad")
    return redirect(url_for("pages.problem", problem_id=problem_id), HTTPStatus.SEE_OTHER)


@blueprint.post("/problems/<int:problem_id>/iterations/<int:iteration_id>/cancel")
def cancel(problem_id: int, iteration_id: int) -> Response:
    """Cancel an iteration, and show it."""
    task = find_task(problem_id, iteration_id)["task"]
    try:
        answer = wish("task.cancel", task)
        flash(f"Iteration {iteration_id} is {answer['state']}.", "good")
    except ApiError as error:
        flash(error.detail, "bad")
    return _to_iteration(task)


@blueprint.post("/nodes/<node>/commands")
def command(node: str) -> Response:
    """Give a node a command, and show the nodes."""
    name = find_node(node)["name"]
    try:
        order = CommandRequest.model_validate({"command": request.form.get("command", "")})
    except ValidationError as error:
        refuse(error)
    try:
        answer = accepted(wish("node.command", {"node": node, "command": order.command}))
        flash(f"{name} took {order.command} and is {answer['state']}.", "good")
    except ApiError as error:
        flash(f"{name} did not take {order.command}: {error.detail}", "bad")
    return redirect(url_for("pages.nodes"), HTTPStatus.SEE_OTHER)


@blueprint.post("/nodes/<node>/configuration")
def configure(node: str) -> Response | tuple[str, int]:
    """Change a node's configuration, and show the nodes."""
    found = find_node(node)
    text = request.form.get("configuration", "")
    try:
        accepted(wish("node.configure", {"node": node, "configuration": _json_object(text)}))
    except ApiError as error:
        return nodes_page({found["node_id"]: text}, {found["node_id"]: error.detail}), error.status
    flash(f"{found['name']} has its new configuration.", "good")
    return redirect(url_for("pages.nodes"), HTTPStatus.SEE_OTHER)


def _json_object(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise field_error("configuration", f"is no JSON object: {error}") from None


def _messages(error: ApiError) -> dict[str, str]:
    """What was wrong, by field of the form; what concerns no field stands under the empty name."""
    return {found.field: found.message for found in error.errors} or {"": error.detail}


def _to_iteration(task: dict[str, Any]) -> Response:
    return redirect(url_for("pages.iteration", **task), HTTPStatus.SEE_OTHER)
