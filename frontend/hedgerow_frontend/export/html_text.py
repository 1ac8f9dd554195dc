"""A problem as one HTML file that refers to nothing outside itself: sheet and drawings are within it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from flask import render_template
from markupsafe import Markup

from hedgerow_frontend.charts.candidates import COSTS, field_of
from hedgerow_frontend.charts.pareto_chart import pareto_chart, summary
from hedgerow_frontend.compare_page import bars
from hedgerow_frontend.comparisons import compared
from hedgerow_frontend.export.lines import lines_of
from hedgerow_frontend.presentation import figures, outputs_of
from hedgerow_frontend.report_queries import COMPARED_MAX

STATIC = Path(__file__).parents[1] / "static"


def html_text(found: Mapping[str, Any]) -> str:
    """The report of an exported problem; needs an app, whose templates it uses."""
    tasks = found["iterations"]
    beside = compared(tasks) if 2 <= len(tasks) <= COMPARED_MAX else None
    return render_template(
        "report.html",
        found=found,
        parts=[_part(task) for task in tasks],
        charts=bars(beside) if beside else [],
        sheet=_sheet(),
    )


def _part(task: Mapping[str, Any]) -> dict[str, Any]:
    number = task["task"]["iteration_id"]
    outputs = {stage: output for stage, output in outputs_of(task).items() if output}
    candidates = field_of(outputs.get("ml_model_provider", {}), COSTS["latency"])
    of = f"problem {task['task']['problem_id']}, iteration {number}"
    return {
        "task": task,
        "figures": figures(task),
        "asked": lines_of(task["request"], "request"),
        "stages": {
            stage: {"explanation": output.get("explanation"), "lines": lines_of(output, stage)}
            for stage, output in outputs.items()
        },
        "drawing": pareto_chart(candidates, of, f"pareto-{number}") if candidates.points else None,
        "told": summary(candidates),
    }


@cache
def _sheet() -> Markup:
    """The sheets of report and charts; both are packaged and hold nothing that ends a style element."""
    texts = [(STATIC / name).read_text(encoding="utf-8") for name in ("report.css", "chart.css")]
    return Markup("\n".join(texts))
