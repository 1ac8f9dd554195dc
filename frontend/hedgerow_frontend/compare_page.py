"""The page that puts iterations side by side; its address is the saved comparison."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Blueprint, render_template, request
from markupsafe import Markup
from pydantic import ValidationError

from hedgerow_frontend.charts.bar_chart import Bar, bar_chart
from hedgerow_frontend.comparisons import compared, found_tasks, name_of
from hedgerow_frontend.formatting import unit_of
from hedgerow_frontend.labels import path_words, stage_title
from hedgerow_frontend.problem_details import ApiError
from hedgerow_frontend.report_queries import ComparisonQuery
from hedgerow_frontend.validation import field_errors

blueprint = Blueprint("compare", __name__)


@blueprint.get("/compare")
def compare() -> str | tuple[str, int]:
    """The iterations that the address names, or a form to name them."""
    names = [name.strip() for name in request.args.getlist("task") if name.strip()]
    differences = request.args.get("differences") == "true"
    if not names:
        return _page([], differences)
    try:
        query = ComparisonQuery.model_validate({"task": names, "differences": differences})
        return _page(query.task, differences, compared(found_tasks(query.task), differences=differences))
    except ValidationError as error:
        message = "; ".join(found.message for found in field_errors(error))
        return _page(names, differences, message=message), HTTPStatus.UNPROCESSABLE_ENTITY
    except ApiError as error:
        return _page(names, differences, message=error.detail), error.status


def _page(names: list[str], differences: bool, found: dict[str, Any] | None = None, message: str = "") -> str:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in found["rows"] if found else ():
        groups.setdefault(row["group"], []).append(row)
    return render_template(
        "compare.html",
        names=list(dict.fromkeys(names)),
        differences=differences,
        found=found,
        groups=groups,
        charts=bars(found) if found else [],
        message=message,
    )


def bars(found: dict[str, Any], style: str = "") -> list[tuple[str, str, Markup]]:
    """A chart for each figure that has a better end and is known of two iterations at least."""
    labels = [name_of(task) for task in found["tasks"]]
    charts = []
    for place, row in enumerate(found["rows"]):
        known = [cell for cell in row["cells"] if cell and cell["value"] is not None]
        if row["better"] and len(known) > 1 and row["differs"]:
            title = f"{path_words(row['name'])}, {stage_title(row['group'])}"
            marked = {**dict.fromkeys(row["worst"], "worst"), **dict.fromkeys(row["best"], "best")}
            drawn = [_bar(labels[at], cell or {}, marked.get(at, "")) for at, cell in enumerate(row["cells"])]
            ends = ("more is better" if row["better"] == "more" else "", "not certain" if not row["certain"] else "")
            remark = ", ".join(filter(None, ends))
            charts.append((title, remark, bar_chart(drawn, unit_of(row["name"]), title, f"bars-{place}", style)))
    return charts


def _bar(label: str, cell: dict[str, Any], mark: str) -> Bar:
    return Bar(label, cell.get("value"), cell.get("low"), cell.get("high"), mark)
