"""The JSON object of a task that the command prints, and nothing else of what the front end knows about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STAGE_KEYS = ("state", "attempt", "node_id", "started_at", "finished_at", "output", "error")


def task_object(task: Mapping[str, Any]) -> dict[str, Any]:
    """`{"task", "state", "stages", "verdicts"}`.

    A stage is `{state, attempt, node_id, started_at, finished_at, output, error}` under its name, a verdict
    `{limit, verdict, certain, missed_by, answer, said}`, as the front end answers it.
    """
    return {
        "task": {key: task["task"][key] for key in ("problem_id", "iteration_id")},
        "state": task["state"],
        "stages": {
            name: {key: stage.get(key) for key in STAGE_KEYS} for name, stage in (task.get("stages") or {}).items()
        },
        "verdicts": task.get("verdicts") or [],
    }


def problem_object(problem: Mapping[str, Any]) -> dict[str, Any]:
    """`{"problem_id", "iterations": [task objects]}`."""
    return {
        "problem_id": problem["problem_id"],
        "iterations": [task_object(task) for task in problem["iterations"]],
    }
