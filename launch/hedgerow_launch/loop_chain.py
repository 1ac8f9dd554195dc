"""Follows a loop: from one iteration to the one that it opened, until it ends, and tells how that was.

An output is taken for a loop's by its two fields, `decision` and `next_input`, as the orchestrator takes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hedgerow_launch.follow import Follower, Task
from hedgerow_launch.quantities import is_number
from hedgerow_launch.rest_client import RestClient
from hedgerow_launch.task_object import task_object

DONE = ("target_met", "delivered", "waits_for_user", "off")
ENDS = ("nothing_better", "budget_spent")


@dataclass(frozen=True)
class Chain:
    """The iterations of one loop, in order, all ended."""

    tasks: tuple[Task, ...]

    @property
    def last_said(self) -> Mapping[str, Any]:
        """The newest answer of the loop's stage; empty where there is none."""
        return next((said for task in reversed(self.tasks) if (said := said_by(task))), {})

    @property
    def best(self) -> Task:
        """The iteration with the best figure; the last one where the loop has none."""
        wanted = [trial.get("iteration_id") for trial in self.last_said.get("best") or []]
        return next((task for task in self.tasks if task["task"]["iteration_id"] in wanted), self.tasks[-1])

    @property
    def reached(self) -> bool:
        """What was asked for is there: target met, candidates delivered, or nothing asked that can be missed."""
        if self.tasks[-1]["state"] != "SUCCEEDED":
            return False
        said = said_by(self.tasks[-1])
        missable = is_number(said.get("target_value")) or said.get("mode") == "candidates"
        return said.get("decision", "off") in DONE or (said.get("decision") in ENDS and not missable)

    @property
    def ending(self) -> str:
        """Why it ended, in one line."""
        last = self.tasks[-1]
        number, state = last["task"]["iteration_id"], last["state"]
        if state != "SUCCEEDED":
            reason = (last.get("error") or {}).get("reason", "")
            return f"the loop ended with iteration {number}, which is {state}{': ' if reason else ''}{reason}"
        words = str(said_by(last).get("decision", "")).replace("_", " ")
        return f"the loop ended after {len(self.tasks)} iterations: {words}"

    def as_object(self) -> dict[str, Any]:
        """`{"problem_id", "decision", "reached", "best_iteration_id", "iterations": [task objects]}`."""
        return {
            "problem_id": self.tasks[0]["task"]["problem_id"],
            "decision": said_by(self.tasks[-1]).get("decision"),
            "reached": self.reached,
            "best_iteration_id": self.best["task"]["iteration_id"],
            "iterations": [task_object(task) for task in self.tasks],
        }


def is_looped(task: Task) -> bool:
    """The task was asked for with a loop."""
    return bool(((task.get("request") or {}).get("optimization") or {}).get("mode"))


def follow(
    client: RestClient,
    follower: Follower,
    first: Task,
    timeout_s: float | None,
    on_task: Callable[[Task], None],
    clock: Callable[[], float] = time.monotonic,
) -> Chain:
    """Wait for every iteration that follows of one that has ended; `on_task` gets each as it ends.

    Raises:
        TimedOut: the time is over; the loop goes on.
    """
    gives_up_at = None if timeout_s is None else clock() + timeout_s
    tasks = [first]
    on_task(first)
    while (number := _following(client, tasks)) is not None:
        left_s = None if gives_up_at is None else max(0.0, gives_up_at - clock())
        tasks.append(follower.wait(first["task"]["problem_id"], number, left_s))
        on_task(tasks[-1])
    return Chain(tuple(tasks))


def line(task: Task) -> str:
    """One iteration in a line: what was chosen, the target's figure, and what comes next."""
    number, said = task["task"]["iteration_id"], said_by(task)
    if not said:
        reason = (task.get("error") or {}).get("reason", "")
        return f"iteration {number}: {task['state']}{': ' if reason else ''}{reason}"
    outputs = [stage.get("output") or {} for stage in task["stages"].values()]
    chosen = " on ".join(str(output["chosen"]) for output in outputs if output.get("chosen"))
    figure = (said.get("value") or {}).get("value")
    told = f", {said['target']} {figure:.4g}" if said.get("target") and is_number(figure) else ""
    change = next((f": {move['what']} {move['after']}" for move in said.get("change") or []), "")
    return f"iteration {number}: {chosen}{told}; {str(said['decision']).replace('_', ' ')}{change}"


def said_by(task: Task) -> Mapping[str, Any]:
    """The output of the loop's stage; empty where there is none."""
    outputs = ((stage or {}).get("output") or {} for stage in (task.get("stages") or {}).values())
    return next((output for output in outputs if {"decision", "next_input"} <= output.keys()), {})


def _following(client: RestClient, tasks: Sequence[Task]) -> int | None:
    """The iteration that the loop opened after the last of these; None where it ended.

    It is in the store as soon as the last one has ended: both are one commit.
    """
    last = tasks[-1]
    if not is_looped(last) or last["state"] == "CANCELLED":
        return None
    succeeded = last["state"] == "SUCCEEDED"
    if succeeded and said_by(last).get("decision") != "continue":
        return None
    # After one that failed, the one in reserve begins from the same iteration as that one.
    number = last["task"]["iteration_id"]
    origin = number if succeeded else last.get("previous_iteration_id")
    problem = client.get("problems", last["task"]["problem_id"])
    later = [
        task["task"]["iteration_id"]
        for task in problem["iterations"]
        if origin is not None
        and task["task"]["iteration_id"] > number
        and task.get("previous_iteration_id") == origin
        and is_looped(task)
    ]
    return min(later, default=None)
