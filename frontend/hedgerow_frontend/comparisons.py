"""REST: iterations side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from hedgerow_frontend.comparison_answers import ComparisonAnswer
from hedgerow_frontend.documents import API, errors
from hedgerow_frontend.lookups import find_task
from hedgerow_frontend.presentation import Task, outputs_of
from hedgerow_frontend.report_queries import ComparisonQuery
from hedgerow_nodes.estimators.comparison.plain import row_objects
from hedgerow_nodes.estimators.comparison.side_by_side import Subject, compare, only_differences

HEAD = ("task", "state", "title", "created_at", "finished_at", "previous_iteration_id")

blueprint = APIBlueprint(
    "comparisons",
    __name__,
    url_prefix=f"{API}/comparisons",
    abp_tags=[Tag(name="comparisons", description="Iterations side by side, of one problem or of several.")],
    abp_responses=errors(503),
)


@blueprint.get("", responses={200: ComparisonAnswer, **errors(404, 422)})
def comparison(query: ComparisonQuery) -> dict[str, Any]:
    """Put iterations side by side: the best and the worst of each figure, and whether that is certain."""
    return compared(found_tasks(query.task), differences=query.differences)


def found_tasks(names: Sequence[str]) -> list[dict[str, Any]]:
    """The tasks of these names, such as `1.2`.

    Raises:
        ApiError: 404, one is not there.
    """
    return [find_task(*(int(number) for number in name.split("."))) for name in names]


def compared(tasks: Sequence[Task], *, differences: bool = False) -> dict[str, Any]:
    """The comparison in plain values: the iterations, and a row for each thing that they say."""
    rows = compare([Subject(name_of(task), task["request"], outputs_of(task)) for task in tasks])
    return {
        "tasks": [{key: task[key] for key in HEAD} for task in tasks],
        "differences": differences,
        "rows": row_objects(only_differences(rows) if differences else rows),
    }


def name_of(task: Task) -> str:
    """A task's short name: `1.2` is iteration 2 of problem 1."""
    return f"{task['task']['problem_id']}.{task['task']['iteration_id']}"
