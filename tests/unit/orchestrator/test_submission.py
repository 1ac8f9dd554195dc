"""What is accepted as a problem, and what a further iteration takes over."""

from __future__ import annotations

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_idl import Baselines, MLModel, TaskId, UserInput
from hedgerow_idl.codec import codec_of
from hedgerow_orchestrator.pipeline import load
from hedgerow_orchestrator.refusal import SubmissionRefused
from hedgerow_orchestrator.submission import baselines_of, task_row, user_input_of, with_changes


@pytest.mark.parametrize(
    ("problem", "field"),
    [
        ({"text": "  "}, "text"),
        ({}, "text"),
        ({"text": "x", "colour": "red"}, "colour"),
        ({"text": "x", "max_latency_s": -1}, "max_latency_s"),
        ({"text": "x", "max_latency_s": 0}, "max_latency_s"),
        ({"text": "x", "max_latency_s": "soon"}, "max_latency_s"),
        ({"text": "x", "excluded_models": "one"}, "excluded_models"),
        ({"text": "x", "objective": "beauty"}, "objective"),
        ({"text": "x", "functional_unit": "hug"}, "functional_unit"),
        ({"text": "x", "inferences_per_year": -1.0}, "inferences_per_year"),
        ({"text": "x", "intensity_g_per_kwh": 0.0}, "intensity_g_per_kwh"),
        ({"text": "x", "training_samples": 0.0}, "training_samples"),
        ({"text": "x", "epochs": -1.0}, "epochs"),
        ({"text": "x", "precision": "int4"}, "precision"),
        ({"text": "x", "header": {}}, "header"),
        ({"text": "x", "previous": {}}, "previous"),
        ("text", "problem"),
        (None, "problem"),
    ],
)
def test_what_is_wrong_is_named(problem: object, field: str) -> None:
    with pytest.raises(SubmissionRefused) as refused:
        user_input_of(problem)
    assert refused.value.field is not None
    assert refused.value.field.startswith(field)


def test_what_is_left_out_is_unknown_not_zero() -> None:
    user_input = user_input_of({"text": "x"})
    assert math.isnan(user_input.max_latency_s)
    assert user_input.goal == ""


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.dictionaries(st.text(), inner)
)


@given(
    st.dictionaries(st.sampled_from(["goal", "modality", "inputs", "max_latency_s", "location"]) | st.text(), anything)
)
def test_nothing_but_a_refusal_comes_out_of_bad_input(fields: dict[str, object]) -> None:
    with contextlib.suppress(SubmissionRefused):
        assert user_input_of({"text": "x"} | fields).text.strip()


def test_an_iteration_changes_some_fields_and_keeps_the_others() -> None:
    stored = task_row(
        TaskId(problem_id=1, iteration_id=1),
        user_input_of({"text": "x", "location": "ES", "max_latency_s": 0.1}),
        Baselines(),
        load("advice"),
        5.0,
    )
    changed = with_changes(stored.request, {"location": "FR", "max_latency_s": None})
    assert (changed.text, changed.location) == ("x", "FR")
    assert math.isnan(changed.max_latency_s)


def test_a_row_holds_both_messages_with_their_headers() -> None:
    previous = TaskId(problem_id=3, iteration_id=1)
    model = MLModel(chosen="small")
    outputs = {"ml_model_provider": codec_of(MLModel).encode(model)}
    baselines = baselines_of(previous, outputs.get, lambda stage: None)
    assert [each.chosen for each in baselines.ml_model_provider] == ["small"]
    assert list(baselines.hw_resources) == []
    row = task_row(
        TaskId(problem_id=3, iteration_id=2), UserInput(text="a\n b " + "c" * 200), baselines, load("advice"), 5.0
    )
    sent = codec_of(UserInput).decode(row.user_input)
    assert (str(sent.header.task), sent.header.attempt, str(sent.previous)) == ("3.2", 1, "3.1")
    assert row.previous_iteration_id == 1
    assert row.title.startswith("a b ccc")
    assert len(row.title) == 120
    assert "header" not in json.loads(row.request)
