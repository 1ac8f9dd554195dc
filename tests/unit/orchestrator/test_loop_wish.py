"""What of a wished loop is accepted, and what a further iteration takes over from it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from hedgerow_idl import Trial
from hedgerow_idl.plain import to_json
from hedgerow_orchestrator.refusal import SubmissionRefused
from hedgerow_orchestrator.submission import proposed_input, same_request, user_input_of, with_changes


def asked(**wish: Any) -> dict[str, Any]:
    return {"text": "x", "optimization": wish}


def test_what_is_left_out_is_filled_in() -> None:
    found = user_input_of(asked(mode="auto")).optimization
    assert (found.target, found.max_iterations) == ("gco2e", 8)
    assert math.isnan(found.target_value)
    by_objective = user_input_of({**asked(mode="manual"), "objective": "latency"}).optimization
    assert by_objective.target == "latency_ms"
    assert user_input_of({"text": "x"}).optimization.max_iterations == 0


@pytest.mark.parametrize(
    ("problem", "field", "says"),
    [
        (asked(mode="fast"), "optimization.mode", "'fast' unknown; known: auto, manual, candidates"),
        (asked(target="gco2e", target_value=1.0), "optimization.mode", "a target needs a mode"),
        (asked(max_iterations=3), "optimization.mode", "needs a mode"),
        (asked(mode="auto", target="beauty", target_value=1.0), "optimization.target", "known: gco2e, latency_ms"),
        (asked(mode="auto", target_value=1.0), "optimization.target", "1 of what?"),
        (asked(mode="auto", target="gco2e", target_value=0.0), "optimization.target_value", "above 0"),
        (asked(mode="auto", target="gco2e", target_value=-2.5), "optimization.target_value", "-2.5"),
        (asked(mode="auto", max_iterations=101), "optimization.max_iterations", "101: give a number from 1 to 100"),
        (asked(mode="candidates", max_iterations=1), "optimization.max_iterations", "from 2 to 100"),
        (asked(mode="candidates", target="gco2e"), "optimization.target", "has no target"),
        (asked(mode="auto", trials=[{"model": "m"}]), "optimization.trials", "leave it out"),
        (asked(mode="auto", speed=1), "optimization.speed", "unknown"),
        ({**asked(mode="candidates"), "required_model": "m"}, "required_model", "leaves no other candidate"),
        ({**asked(mode="auto"), "objective": "cost"}, "optimization.target", "objective cost"),
        ({"text": "x", "optimization": "auto"}, "optimization", "no object"),
    ],
)
def test_what_cannot_be_used_is_told(problem: Any, field: str, says: str) -> None:
    with pytest.raises(SubmissionRefused, match=says.replace("?", r"\?")) as caught:
        user_input_of(problem)
    assert caught.value.field == field


def test_a_change_of_the_wish_keeps_the_rest_and_begins_a_new_loop() -> None:
    first = user_input_of(asked(mode="auto", target="gco2e", target_value=1.0, allow_regions=["FR"]))
    first.optimization.trials = [Trial(iteration_id=1, model="m")]
    stored = to_json(first, skip=("header", "previous"))
    changed = with_changes(stored, {"optimization": {"target_value": 0.5}}).optimization
    assert (changed.mode, changed.target_value, changed.allow_regions, changed.trials) == ("auto", 0.5, ["FR"], [])
    other = with_changes(stored, {"location": "ES"}).optimization
    assert (other.mode, other.target_value, other.trials) == ("auto", 1.0, [])
    several = with_changes(stored, {"optimization": {"mode": "candidates", "max_iterations": 3}}).optimization
    assert (several.mode, several.target, several.max_iterations) == ("candidates", "", 3)
    assert with_changes(stored, {"optimization": None}).optimization.mode == ""


def test_what_the_loop_proposes_carries_what_it_has_tried() -> None:
    first = user_input_of(asked(mode="auto", target="gco2e"))
    first.optimization.trials = [Trial(iteration_id=1, model="m", value=2.0)]
    stored = to_json(first, skip=("header", "previous"))
    assert proposed_input(json.loads(stored)).optimization.trials[0].value == 2.0
    assert same_request(stored, json.loads(stored))
    assert not same_request(stored, {**json.loads(stored), "text": "y"})
