"""`hedgerow problem` with a loop: what is sent, the whole chain followed, and the exit code by how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

MakeTask = Callable[..., dict[str, Any]]
Hedgerow = Callable[..., Any]

SUBMIT = "POST /api/v1/problems"
ITERATE = "POST /api/v1/problems/3/iterations"
ACCEPTED = (202, {"task": {"problem_id": 3, "iteration_id": 1}})


def body(frontend: Any, hedgerow: Hedgerow, *options: object) -> Any:
    frontend.answers = {SUBMIT: ACCEPTED}
    result = hedgerow("problem", "submit", "x", *options)
    assert result.exit_code == 0, result.stderr
    return frontend.asked[0].body


def test_the_options_make_one_field(frontend: Any, hedgerow: Hedgerow) -> None:
    options = ["--optimize", "auto", "--target", "gco2e=0.002", "--max-iterations", 5]
    regions = ["--allow-region", "FR", "--allow-region", "SE"]
    assert body(frontend, hedgerow, *options, *regions)["optimization"] == {
        "mode": "auto",
        "target": "gco2e",
        "target_value": 0.002,
        "max_iterations": 5,
        "allow_regions": ["FR", "SE"],
    }


def test_candidates_are_a_loop_of_their_own(frontend: Any, hedgerow: Hedgerow) -> None:
    assert body(frontend, hedgerow, "--candidates", 3)["optimization"] == {"mode": "candidates", "max_iterations": 3}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--target", "beauty=1"], "'beauty' unknown; write NAME=VALUE, known names: gco2e, latency_ms"),
        (["--target", "gco2e"], "'' is no number above 0; write it as gco2e=0.5"),
        (["--target", "gco2e=0"], "'0' is no number above 0"),
        (["--target", "gco2e=-1"], "'-1' is no number above 0"),
        (["--target", "gco2e=nan"], "'nan' is no number above 0"),
        (["--candidates", 2, "--optimize", "auto"], "leave out the other loop options"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_sent(
    frontend: Any, hedgerow: Hedgerow, options: list[object], says: str
) -> None:
    result = hedgerow("problem", "submit", "x", *options)
    assert (result.exit_code, frontend.asked) == (2, [])
    assert says in result.stderr


def test_accept_takes_the_proposal_as_it_is(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {ITERATE: (202, {"task": {"problem_id": 3, "iteration_id": 2}})}
    assert hedgerow("problem", "iterate", 3, "--accept", "--from", 1).exit_code == 0
    assert frontend.asked[0].body == {"from_iteration": 1, "accept": True}
    assert hedgerow("problem", "iterate", 3, "--accept", "--location", "FR").exit_code == 2


def test_cancel_says_what_was_cancelled(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {"POST /api/v1/problems/3/cancel": (200, {"problem_id": 3, "cancelled": [2]})}
    assert hedgerow("problem", "cancel", 3).stdout == "problem 3: iteration 2 cancelled\n"
    frontend.answers = {"POST /api/v1/problems/3/cancel": (200, {"problem_id": 3, "cancelled": []})}
    assert hedgerow("problem", "cancel", 3).stdout == "problem 3: nothing was left to cancel\n"


class Loop:
    """Iterations as the front end answers them: for each what its loop says, or the state in which it ended."""

    def __init__(self, make: MakeTask, *said: str, target: float | None = 5.0, mode: str = "auto") -> None:
        self.tasks = []
        before: int | None = None
        for number, word in enumerate(said, start=1):
            state = word if word.isupper() else "SUCCEEDED"
            task = make(iteration_id=number, state=state)
            task["request"]["optimization"] = {"mode": mode}
            task["previous_iteration_id"] = before
            if state == "SUCCEEDED":
                output = {
                    "decision": word,
                    "mode": mode,
                    "target": "latency_ms",
                    "target_value": target,
                    "value": {"value": 10.0 / number},
                    "best": [{"iteration_id": number}],
                    "change": [{"what": "model", "after": "small"}] if word == "continue" else [],
                    "next_input": [],
                }
                task["stages"]["optimizer"] = {**task["stages"]["ml_model_metadata"], "output": output}
                before = number
            else:
                task["error"] = {"code": "NO_MODEL", "reason": "none left"}
            self.tasks.append(task)

    def answers(self) -> dict[str, Any]:
        found: dict[str, Any] = {SUBMIT: ACCEPTED, "GET /api/v1/events": ""}
        for number, task in enumerate(self.tasks, start=1):
            found[f"GET /api/v1/problems/3/iterations/{number}"] = (200, task)
        found["GET /api/v1/problems/3"] = (200, {"problem_id": 3, "iterations": self.tasks})
        return found


@pytest.mark.parametrize(
    ("said", "target", "mode", "exit_code"),
    [
        (["continue", "target_met"], 5.0, "auto", 0),
        (["target_met"], 5.0, "auto", 0),
        (["waits_for_user"], 5.0, "manual", 0),
        (["continue", "delivered"], None, "candidates", 0),
        (["continue", "nothing_better"], None, "candidates", 1),
        (["continue", "nothing_better"], 5.0, "auto", 1),
        (["continue", "budget_spent"], 5.0, "auto", 1),
        (["continue", "nothing_better"], None, "auto", 0),
        (["continue", "budget_spent"], None, "auto", 0),
        (["continue", "FAILED", "target_met"], 5.0, "auto", 0),
        (["continue", "FAILED"], 5.0, "auto", 1),
        (["continue", "CANCELLED"], 5.0, "auto", 1),
    ],
)
def test_the_whole_chain_is_followed_and_the_exit_code_says_how_it_ended(
    frontend: Any,
    hedgerow: Hedgerow,
    task: MakeTask,
    said: list[str],
    target: float | None,
    mode: str,
    exit_code: int,
) -> None:
    frontend.answers = Loop(task, *said, target=target, mode=mode).answers()
    result = hedgerow("problem", "submit", "x", "--optimize", "auto", "--wait", "--json")
    assert result.exit_code == exit_code
    printed = json.loads(result.stdout)
    assert [one["task"]["iteration_id"] for one in printed["iterations"]] == list(range(1, len(said) + 1))
    assert printed["reached"] is (exit_code == 0)


def test_each_iteration_is_a_line_and_the_end_has_its_reason(frontend: Any, hedgerow: Hedgerow, task: MakeTask) -> None:
    frontend.answers = Loop(task, "continue", "FAILED", "target_met").answers()
    result = hedgerow("problem", "submit", "x", "--optimize", "auto", "--wait")
    assert result.stderr.splitlines() == [
        "iteration 1: jetson, latency_ms 10; continue: model small",
        "iteration 2: FAILED: none left",
        "iteration 3: jetson, latency_ms 3.333; target met",
        "the loop ended after 3 iterations: target met",
    ]
    assert "task 3.3: SUCCEEDED" in result.stdout


def test_an_iteration_that_a_person_began_is_not_of_the_loop(frontend: Any, hedgerow: Hedgerow, task: MakeTask) -> None:
    loop = Loop(task, "nothing_better", "target_met")
    frontend.answers = loop.answers()
    result = hedgerow("problem", "submit", "x", "--optimize", "auto", "--wait", "--json")
    assert len(json.loads(result.stdout)["iterations"]) == 1
