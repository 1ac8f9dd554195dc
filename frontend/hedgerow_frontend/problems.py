"""REST: problems and their iterations."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from hedgerow_frontend.bodies import (
    IterationPath,
    IterationRequest,
    PageQuery,
    ProblemPath,
    ProblemRequest,
    WishHeader,
)
from hedgerow_frontend.documents import API, errors
from hedgerow_frontend.lookups import find_problem, find_task, page_of
from hedgerow_frontend.presentation import judged
from hedgerow_frontend.services import services
from hedgerow_frontend.task_answers import (
    AttemptList,
    ProblemAnswer,
    ProblemCancelled,
    ProblemPage,
    TaskAccepted,
    TaskAnswer,
    TaskCancelled,
)
from hedgerow_frontend.wishes import wish

Accepted = tuple[dict[str, Any], int, dict[str, str]]

blueprint = APIBlueprint(
    "problems",
    __name__,
    url_prefix=f"{API}/problems",
    abp_tags=[Tag(name="problems", description="What was asked, and the answers to it.")],
    abp_responses=errors(503),
)


@blueprint.post("", responses={202: TaskAccepted, **errors(409, 415, 422)})
def submit(header: WishHeader, body: ProblemRequest) -> Accepted:
    """Submit a problem; its first iteration starts."""
    return submit_problem(body, header.idempotency_key)


@blueprint.get("", responses={200: ProblemPage, **errors(422)})
def problem_list(query: PageQuery) -> dict[str, Any]:
    """List the problems, newest first."""
    return page_of(services().reader.problems, query)


@blueprint.get("/<int:problem_id>", responses={200: ProblemAnswer, **errors(404)})
def problem(path: ProblemPath) -> dict[str, Any]:
    """Show a problem with all its iterations."""
    found = find_problem(path.problem_id)
    return {**found, "iterations": [judged(task) for task in found["iterations"]]}


@blueprint.post("/<int:problem_id>/iterations", responses={202: TaskAccepted, **errors(404, 409, 415, 422)})
def iterate(path: ProblemPath, header: WishHeader, body: IterationRequest) -> Accepted:
    """Answer a problem once more, with something changed."""
    return iterate_problem(path.problem_id, body, header.idempotency_key)


@blueprint.post("/<int:problem_id>/cancel", responses={200: ProblemCancelled, **errors(404)})
def cancel_problem(path: ProblemPath) -> dict[str, Any]:
    """Cancel whatever of a problem has not ended; a loop that goes on by itself ends with it."""
    find_problem(path.problem_id)
    return wish("problem.cancel", path.model_dump())


@blueprint.get("/<int:problem_id>/iterations/<int:iteration_id>", responses={200: TaskAnswer, **errors(404)})
def iteration(path: IterationPath) -> dict[str, Any]:
    """Show one iteration: its state, what was asked, every stage with its output, and each limit with its verdict."""
    return judged(find_task(path.problem_id, path.iteration_id))


@blueprint.get("/<int:problem_id>/iterations/<int:iteration_id>/attempts", responses={200: AttemptList, **errors(404)})
def attempts(path: IterationPath) -> dict[str, Any]:
    """List every try at every stage of an iteration."""
    find_task(path.problem_id, path.iteration_id)
    return {"items": services().reader.attempts(path.problem_id, path.iteration_id)}


@blueprint.post(
    "/<int:problem_id>/iterations/<int:iteration_id>/cancel", responses={200: TaskCancelled, **errors(404, 409)}
)
def cancel(path: IterationPath) -> dict[str, Any]:
    """Cancel an iteration that has not ended."""
    return wish("task.cancel", path.model_dump())


def submit_problem(request: ProblemRequest, idempotency_key: str | None) -> Accepted:
    """Hand a problem to the orchestrator; the 202 with the address of the task."""
    return _accepted(wish("problem.submit", {"problem": request.said()}, idempotency_key))


def iterate_problem(problem_id: int, request: IterationRequest, idempotency_key: str | None) -> Accepted:
    """Hand the wish for a further iteration to the orchestrator; the 202 with the address of the task."""
    body = {"problem_id": problem_id, "from_iteration": request.from_iteration, "changes": request.changes()}
    if request.accept:
        body["accept"] = True
    return _accepted(wish("problem.iterate", body, idempotency_key))


def _accepted(answer: dict[str, Any]) -> Accepted:
    return {"task": answer["task"]}, 202, {"Location": url_for("problems.iteration", **answer["task"])}
