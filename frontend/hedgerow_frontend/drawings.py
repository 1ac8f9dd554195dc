"""REST: charts of an iteration as SVG."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from hedgerow_frontend.bodies import IterationPath
from hedgerow_frontend.charts.candidates import COSTS, field_of
from hedgerow_frontend.charts.pareto_chart import pareto_chart
from hedgerow_frontend.documents import API, errors
from hedgerow_frontend.lookups import find_task
from hedgerow_frontend.presentation import outputs_of
from hedgerow_frontend.report_queries import ParetoQuery

MEDIA_TYPE = "image/svg+xml"
# A drawing by itself brings its own sheet, and nothing else.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_SVG: dict[Any, Any] = {
    200: {"description": "The drawing.", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
}

blueprint = APIBlueprint(
    "drawings",
    __name__,
    url_prefix=f"{API}/problems",
    abp_tags=[Tag(name="problems", description="What was asked, and the answers to it.")],
    abp_responses=errors(503),
)


@blueprint.get("/<int:problem_id>/iterations/<int:iteration_id>/pareto.svg", responses={**_SVG, **errors(404, 422)})
def pareto(path: IterationPath, query: ParetoQuery) -> Response:
    """Draw the candidates of an iteration, accuracy against a cost, with the front and the chosen one."""
    task = find_task(path.problem_id, path.iteration_id)
    found = field_of(outputs_of(task).get("ml_model_provider", {}), COSTS[query.x])
    of = f"problem {path.problem_id}, iteration {path.iteration_id}"
    drawn = pareto_chart(found, of, "pareto", chart_style())
    return Response(drawn, mimetype=MEDIA_TYPE, headers={"Content-Security-Policy": POLICY})


@cache
def chart_style() -> str:
    """The sheet of the charts, for a drawing that no page brings it to."""
    return (Path(__file__).parent / "static" / "chart.css").read_text(encoding="utf-8")
