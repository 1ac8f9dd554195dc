"""The plain form: a round trip through JSON for every type, and strictness on the way in."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow_idl import Estimate, Header, Limit, MLModelMetadata, NodeStatus, Outcome, TaskId, TaskScore, UserInput
from hedgerow_idl.plain import PlainError, from_plain, to_plain
from hedgerow_idl.testing import first_difference, samples


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_json_and_back_gives_the_same_sample(any_type, data):
    sample = data.draw(samples(any_type, max_items=2, max_text=6))
    text = json.dumps(to_plain(sample), allow_nan=False)
    assert first_difference(from_plain(any_type, json.loads(text)), sample) is None


def test_plain_values_are_what_a_reader_of_json_expects(garden):
    sample = garden["Arrays"](
        octets=b"\0\xff",
        floats=np.array([1.5, math.nan], dtype="f4"),
        doubles=[math.inf, -math.inf, 2.0],
        flags=[True],
        colours=[garden["Colour"].BLUE],
        name="ä",
    )
    assert to_plain(sample) == {
        "octets": "AP8=",
        "floats": [1.5, None],
        "name": "ä",
        "doubles": ["Infinity", "-Infinity", 2.0],
        "mark": 0,
        "shorts": [],
        "longs": [],
        "flags": [True],
        "ints": [],
        "tiny": [],
        "colours": ["BLUE"],
        "big": [],
        "last": 0,
    }
    assert to_plain(NodeStatus(progress=math.nan, task=TaskId(problem_id=3)))["task"] == {
        "problem_id": 3,
        "iteration_id": 0,
    }
    assert to_plain(Estimate())["value"] is None


def test_numbers_of_numpy_become_numbers_of_python():
    plain = to_plain(TaskScore(id="x", score=np.float32(0.5)))
    assert type(plain["score"]) is float
    plain = to_plain(TaskId(problem_id=np.int64(3)))
    assert type(plain["problem_id"]) is int


def test_skipped_fields_are_left_out():
    plain = to_plain(MLModelMetadata(tasks=[TaskScore(id="a")]), skip=("header", "margin"))
    assert list(plain) == ["tasks", "unsure", "modality", "metrics", "decided_by", "dataset", "explanation"]
    with pytest.raises(PlainError, match=r"haeder: .* no such field to skip; known: header, tasks") as caught:
        to_plain(MLModelMetadata(), skip=("haeder",))
    assert caught.value.field == "haeder"


@pytest.mark.parametrize(
    ("sample", "field"),
    [
        (TaskScore(score="much"), "score"),
        (MLModelMetadata(tasks=[TaskScore(), TaskScore(score=None)]), "tasks[1].score"),
        (MLModelMetadata(unsure="perhaps"), "unsure"),
        (MLModelMetadata(header=Header(outcome=0)), "header.outcome"),
        (MLModelMetadata(header=None), "header"),
        (MLModelMetadata(metrics=None), "metrics"),
    ],
)
def test_a_sample_that_does_not_fit_has_no_plain_form(sample, field):
    with pytest.raises(PlainError) as caught:
        to_plain(sample)
    assert caught.value.field == field


def test_missing_fields_take_the_defaults():
    assert from_plain(UserInput, {}) == UserInput()
    assert from_plain(UserInput, {"text": "x", "header": {"outcome": "FAILED"}}) == UserInput(
        text="x", header=Header(outcome=Outcome.FAILED)
    )
    assert math.isnan(from_plain(UserInput, {"max_latency_s": None}).max_latency_s)
    assert from_plain(UserInput, {"max_latency_s": 1}).max_latency_s == 1.0


@pytest.mark.parametrize(
    ("plain", "field", "message"),
    [
        ({"colour": 1}, "colour", "unknown; known: header, text, goal"),
        ({"header": {"task": {"problem": 1}}}, "header.task.problem", "unknown; known: problem_id, iteration_id"),
        ({"text": 3}, "text", "3 is no text"),
        ({"text": None}, "text", "None is no text"),
        ({"text": "a\0"}, "text", "zero character"),
        ({"text": "\ud800"}, "text", "no Unicode text"),
        ({"inputs": ["a", 1]}, "inputs[1]", "1 is no text"),
        ({"inputs": "image"}, "inputs", "'image' is no list"),
        ({"inputs": {"a": 1}}, "inputs", "is no list"),
        ({"max_latency_s": "3"}, "max_latency_s", "'3' is no number"),
        ({"max_latency_s": True}, "max_latency_s", "True is no number"),
        ({"max_latency_s": 10**400}, "max_latency_s", "out of range for float64"),
        ({"previous": None}, "previous", "None is no object with fields of TaskId"),
        ({"previous": [1, 2]}, "previous", "is no object"),
        ({"previous": {"problem_id": -1}}, "previous.problem_id", "it goes from 0 to 4294967295"),
        ({"previous": {"problem_id": 1.0}}, "previous.problem_id", "1.0 is no whole number"),
        ({"previous": {"problem_id": True}}, "previous.problem_id", "True is no whole number"),
        ({"header": {"outcome": "WON"}}, "header.outcome", "'WON' unknown; known: SUCCEEDED, FAILED"),
        ({"header": {"outcome": 0}}, "header.outcome", "0 unknown"),
        ({"header": {"outcome": ["FAILED"]}}, "header.outcome", "unknown"),
    ],
)
def test_what_does_not_fit_is_refused_by_field(plain, field, message):
    with pytest.raises(PlainError, match=message) as caught:
        from_plain(UserInput, plain)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("plain", "field", "message"),
    [
        ({"octets": "a"}, "octets", "no base64 text"),
        ({"octets": "Ä==="}, "octets", "no base64 text"),
        ({"octets": [1]}, "octets", "no base64 text"),
        ({"floats": [1.0, 1e39]}, "floats[1]", "out of range for float32"),
        ({"doubles": [[1.0]]}, "doubles[0]", "no number"),
        ({"flags": [1]}, "flags[0]", "1 is neither true nor false"),
        ({"big": [1 << 64]}, "big[0]", "out of range for uint64"),
    ],
)
def test_elements_that_do_not_fit_are_refused_by_place(garden, plain, field, message):
    with pytest.raises(PlainError, match=message) as caught:
        from_plain(garden["Arrays"], plain)
    assert caught.value.field == field


def test_a_message_itself_is_an_object():
    with pytest.raises(PlainError, match="3 is no object with fields of UserInput") as caught:
        from_plain(UserInput, 3)
    assert caught.value.field == ""


def test_long_values_are_cut_in_messages():
    with pytest.raises(PlainError) as caught:
        from_plain(Limit, {"value": "x" * 1000})
    assert len(str(caught.value)) < 200
