"""Pages: what there is to see, rendered whole on the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request
from pydantic import ValidationError

from hedgerow_frontend.bodies import PageQuery
from hedgerow_frontend.charts.candidates import COSTS, field_of
from hedgerow_frontend.charts.pareto_chart import pareto_chart, summary
from hedgerow_frontend.forms import filled, new_nonce
from hedgerow_frontend.lookups import find_problem, find_task, page_of
from hedgerow_frontend.presentation import figures, outputs_of, verdict_counts, verdicts
from hedgerow_frontend.problem_details import not_found
from hedgerow_frontend.services import services
from hedgerow_frontend.validation import refuse

PROBLEMS_SHOWN = 25

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def home() -> str:
    """The problems, and a form to describe one: empty, or as `problem` and `iteration` were asked."""
    problem_id, iteration_id = (request.args.get(name, type=int) for name in ("problem", "iteration"))
    if problem_id is None or iteration_id is None:
        return problems_page({}, {})
    return problems_page(filled(find_task(problem_id, iteration_id)["request"]), {})


@blueprint.get("/problems")
def problem_list() -> str:
    """The same under the name that the address of a problem suggests."""
    return problems_page({}, {})


@blueprint.get("/problems/<int:problem_id>")
def problem(problem_id: int) -> str:
    """A problem, its iterations beside one another, and a form for the next."""
    return problem_page(problem_id, request.args.get("from", type=int), {}, {})


@blueprint.get("/problems/<int:problem_id>/iterations/<int:iteration_id>")
def iteration(problem_id: int, iteration_id: int) -> str:
    """One iteration: what was asked, the stages, the outputs and why they are what they are."""
    task = find_task(problem_id, iteration_id)
    attempts = services().reader.attempts(problem_id, iteration_id)
    cost = COSTS.get(request.args.get("x", ""), COSTS["latency"])
    candidates = field_of(outputs_of(task).get("ml_model_provider", {}), cost)
    of = f"problem {problem_id}, iteration {iteration_id}"
    return render_template(
        "iteration.html",
        task=task,
        attempts=attempts,
        figures=figures(task),
        verdicts=verdicts(task),
        costs=COSTS,
        pareto=candidates,
        pareto_drawing=pareto_chart(candidates, of, "pareto-drawing"),
        pareto_told=summary(candidates),
    )


@blueprint.get("/nodes")
def nodes() -> str:
    """The nodes, their state, and what can be done with them."""
    return nodes_page({}, {})


def problems_page(values: Mapping[str, str], messages: Mapping[str, str]) -> str:
    """The list of problems with the form as it was sent and what is wrong with it."""
    try:
        query = PageQuery(limit=PROBLEMS_SHOWN, cursor=request.args.get("cursor"))
    except ValidationError as error:
        refuse(error)
    page = page_of(services().reader.problems, query)
    return render_template("problems.html", page=page, values=values, messages=messages, nonce=new_nonce())


def problem_page(
    problem_id: int, from_iteration: int | None, values: Mapping[str, str], messages: Mapping[str, str]
) -> str:
    """A problem's page; the form begins from one iteration, the newest where none is named."""
    found = find_problem(problem_id)
    tasks: list[dict[str, Any]] = found["iterations"]
    by_id = {task["task"]["iteration_id"]: task for task in tasks}
    base_id = max(by_id) if from_iteration is None else from_iteration
    if base_id not in by_id:
        raise not_found(f"problem {problem_id} has no iteration {base_id}; it has {min(by_id)} to {max(by_id)}")
    return render_template(
        "problem.html",
        problem=found,
        rows=[(task, figures(task), verdict_counts(task)) for task in tasks],
        base_id=base_id,
        values=values or filled(by_id[base_id]["request"]),
        messages=messages,
        nonce=new_nonce(),
    )


def nodes_page(values: Mapping[str, str], messages: Mapping[str, str]) -> str:
    """The nodes; `values` and `messages` hold, by node id, a configuration as it was sent and what is wrong."""
    return render_template("nodes.html", nodes=services().reader.nodes(), values=values, messages=messages)
