"""REST: what problems and iterations may say, what is passed on, and what comes back."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hedgerow_frontend.answers import ProblemDetails
from hedgerow_frontend.bodies import ProblemRequest
from hedgerow_frontend.task_answers import AttemptList, ProblemAnswer, ProblemPage, TaskAnswer, TaskPage
from hedgerow_idl import ReplyStatus, UserInput
from hedgerow_idl.plain import from_plain

PROBLEMS = "/api/v1/problems"
WHOLE = {
    "text": "Count people\nin photos",
    "goal": "object-detection",
    "modality": "image",
    "inputs": ["photo"],
    "outputs": ["count"],
    "max_latency_s": 0.1,
    "max_memory_bytes": 4e9,
    "max_carbon_gco2e": 0.5,
    "location": "Côte d'Ivoire",
    "objective": "energy",
    "precision": "int8",
    "required_model": "ssdlite",
    "required_device": "jetson",
    "excluded_models": ["a", "b"],
    "functional_unit": "image",
    "inferences_per_year": 1e6,
    "intensity_g_per_kwh": 120.5,
    "training_samples": 50_000.0,
    "epochs": 90.0,
}


def test_submit_passes_the_problem_on_and_says_where_the_answer_will_be(web: Any, client: Any) -> None:
    reply = web.post(PROBLEMS, json=WHOLE)
    assert reply.status_code == 202
    assert reply.headers["Location"] == "/api/v1/problems/3/iterations/1"
    assert reply.json == {"task": {"problem_id": 3, "iteration_id": 1}}
    assert client.calls == [("problem.submit", {"problem": WHOLE})]


def test_what_is_passed_on_is_a_user_input(web: Any, client: Any) -> None:
    web.post(PROBLEMS, json=WHOLE)
    assert from_plain(UserInput, client.calls[0][1]["problem"]).max_latency_s == 0.1


def test_null_says_nothing(web: Any, client: Any) -> None:
    web.post(PROBLEMS, json={"text": "x", "goal": None, "max_latency_s": None, "inputs": None})
    assert client.calls == [("problem.submit", {"problem": {"text": "x"}})]


def test_the_idempotency_key_is_passed_on(web: Any, client: Any) -> None:
    web.post(PROBLEMS, json={"text": "x"}, headers={"Idempotency-Key": "k-1"})
    assert client.calls[0][1]["idempotency_key"] == "k-1"


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201])
def test_a_bad_idempotency_key_is_refused(web: Any, client: Any, key: str) -> None:
    reply = web.post(PROBLEMS, json={"text": "x"}, headers={"Idempotency-Key": key})
    assert (reply.status_code, reply.json["field"]) == (422, "Idempotency-Key")
    assert client.calls == []


BAD = [
    ({}, "text"),
    ({"text": ""}, "text"),
    ({"text": " \n"}, "text"),
    ({"text": 7}, "text"),
    ({"text": "x" * 20_001}, "text"),
    ({"text": "a\x00b"}, "text"),
    ({"text": "x", "goal": "a\nb"}, "goal"),
    ({"text": "x", "goal": "g" * 201}, "goal"),
    ({"text": "x", "max_latency_s": 0}, "max_latency_s"),
    ({"text": "x", "max_latency_s": -1}, "max_latency_s"),
    ({"text": "x", "max_latency_s": "0.1"}, "max_latency_s"),
    ({"text": "x", "max_memory_bytes": True}, "max_memory_bytes"),
    ({"text": "x", "inputs": "photo"}, "inputs"),
    ({"text": "x", "inputs": ["a"] * 65}, "inputs"),
    ({"text": "x", "inputs": ["a", ""]}, "inputs[1]"),
    ({"text": "x", "excluded_models": ["m" * 201]}, "excluded_models[0]"),
    ({"text": "x", "location": "48.8, 2.3"}, "location"),
    ({"text": "x", "location": "<b>"}, "location"),
    ({"text": "x", "objective": "speed"}, "objective"),
    ({"text": "x", "functional_unit": "hug"}, "functional_unit"),
    ({"text": "x", "inferences_per_year": -1}, "inferences_per_year"),
    ({"text": "x", "inferences_per_year": 1e19}, "inferences_per_year"),
    ({"text": "x", "intensity_g_per_kwh": 0}, "intensity_g_per_kwh"),
    ({"text": "x", "training_samples": 0}, "training_samples"),
    ({"text": "x", "epochs": "many"}, "epochs"),
    ({"text": "x", "precision": "int4"}, "precision"),
    ({"text": "x", "latency": 3}, "latency"),
]


@pytest.mark.parametrize(("body", "field"), BAD)
def test_a_bad_field_is_named_and_nothing_is_sent(web: Any, client: Any, body: Any, field: str) -> None:
    reply = web.post(PROBLEMS, json=body)
    assert reply.status_code == 422
    assert reply.mimetype == "application/problem+json"
    details = ProblemDetails.model_validate(reply.json)
    assert details.field == field
    assert field in details.detail
    assert client.calls == []


def test_every_bad_field_is_named_with_its_value_and_the_way_out(web: Any) -> None:
    errors = web.post(PROBLEMS, json={"objective": "speed", "max_latency_s": -2, "colour": 1}).json["errors"]
    messages = {error["field"]: error["message"] for error in errors}
    assert set(messages) == {"objective", "max_latency_s", "colour", "text"}
    assert "'speed'" in messages["objective"]
    assert "'energy'" in messages["objective"]
    assert "-2" in messages["max_latency_s"]
    assert "greater than 0" in messages["max_latency_s"]
    assert "known: goal, modality" in messages["colour"]


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'"x"', b"7", b"null", b'{"text": "x", "max_latency_s": NaN}', b"\xff", b'{"text": "\\ud800"}'],
)
def test_a_body_that_is_no_json_object_is_refused(web: Any, client: Any, data: bytes) -> None:
    reply = web.post(PROBLEMS, data=data, content_type="application/json")
    assert (reply.status_code, reply.json["code"], reply.json["field"]) == (422, "malformed", "body")
    assert client.calls == []


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"text": "x", "max_latency_s": 1e999}', b'{"a":' * 40_000])
def test_a_body_made_to_break_the_parser_is_refused(web: Any, client: Any, data: bytes) -> None:
    assert web.post(PROBLEMS, data=data, content_type="application/json").status_code == 422
    assert client.calls == []


def test_a_body_above_the_limit_is_refused_unread(web: Any, client: Any) -> None:
    reply = web.post(PROBLEMS, json={"text": "x" * (256 * 1024)})
    assert (reply.status_code, reply.json["code"], reply.json["field"]) == (422, "too_large", "body")
    assert "262144" in reply.json["detail"]
    assert client.calls == []


def test_another_media_type_is_refused(web: Any, client: Any) -> None:
    reply = web.post(PROBLEMS, data='{"text": "x"}', content_type="text/plain")
    assert (reply.status_code, reply.json["code"]) == (415, "unsupported_media_type")
    assert client.calls == []


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
bodies = st.dictionaries(st.sampled_from(sorted(WHOLE)) | st.text(max_size=12), anything, max_size=8)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies | st.fixed_dictionaries({"text": st.text(min_size=1, max_size=40)}, optional={}), data=st.data())
def test_any_body_is_either_passed_on_as_a_user_input_or_refused_with_a_field(
    web: Any, client: Any, body: dict[str, Any], data: Any
) -> None:
    if data.draw(st.booleans()):
        body = {**WHOLE, **body}
    client.calls.clear()
    try:
        text = msgspec.json.encode(body)
    except UnicodeEncodeError:
        return  # JSON in UTF-8 cannot hold half a surrogate pair
    reply = web.post(PROBLEMS, data=text, content_type="application/json")
    if reply.status_code == 202:
        [(verb, sent)] = client.calls
        assert verb == "problem.submit"
        sample = from_plain(UserInput, sent["problem"])
        assert sample.text.strip()
        for value in (sample.max_latency_s, sample.max_memory_bytes, sample.max_carbon_gco2e):
            assert math.isnan(value) or 0 < value < math.inf
    else:
        assert reply.status_code == 422
        assert ProblemDetails.model_validate(reply.json).errors
        assert client.calls == []


texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1).filter(str.strip)


@settings(max_examples=50, deadline=None)
@given(text=texts, latency=st.floats(min_value=1e-9, max_value=1e9), entries=st.lists(texts, max_size=64))
def test_whatever_keeps_the_rules_is_accepted_unchanged(text: str, latency: float, entries: list[str]) -> None:
    said = {"text": text, "max_latency_s": latency, "inputs": entries}
    assert ProblemRequest.model_validate(said).said() == said


def test_iterate_sends_only_what_changes_and_null_takes_back(web: Any, client: Any) -> None:
    body = {"from_iteration": 1, "max_latency_s": None, "goal": None, "inputs": None, "location": "PT", "text": None}
    reply = web.post(f"{PROBLEMS}/1/iterations", json=body, headers={"Idempotency-Key": "again"})
    assert reply.status_code == 202
    changes = {"max_latency_s": None, "goal": "", "inputs": [], "location": "PT"}
    expected = {"problem_id": 1, "from_iteration": 1, "changes": changes, "idempotency_key": "again"}
    assert client.calls == [("problem.iterate", expected)]
    from_plain(UserInput, changes)


def test_iterate_with_an_empty_object_asks_for_the_same_once_more(web: Any, client: Any) -> None:
    web.post(f"{PROBLEMS}/1/iterations", json={})
    assert client.calls == [("problem.iterate", {"problem_id": 1, "from_iteration": None, "changes": {}})]


@pytest.mark.parametrize("body", [{"from_iteration": 0}, {"from_iteration": "1"}, {"text": ""}, {"colour": "green"}])
def test_a_bad_iteration_is_refused(web: Any, client: Any, body: Any) -> None:
    reply = web.post(f"{PROBLEMS}/1/iterations", json=body)
    assert (reply.status_code, reply.json["field"]) == (422, next(iter(body)))
    assert client.calls == []


def test_problems_come_in_pages_newest_first(web: Any) -> None:
    first = web.get(PROBLEMS, query_string={"limit": 1}).json
    ProblemPage.model_validate(first)
    second = web.get(PROBLEMS, query_string={"limit": 1, "cursor": first["next"]}).json
    assert [item["problem_id"] for item in first["items"] + second["items"]] == [2, 1]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [({"limit": 0}, "limit"), ({"limit": 201}, "limit"), ({"cursor": "nonsense"}, "cursor"), ({"sort": "x"}, "sort")],
)
def test_a_bad_page_is_refused(web: Any, query: Any, field: str) -> None:
    reply = web.get(PROBLEMS, query_string=query)
    assert (reply.status_code, reply.json["field"]) == (422, field)


def test_a_problem_holds_its_iterations(web: Any) -> None:
    answer = ProblemAnswer.model_validate(web.get(f"{PROBLEMS}/1").json)
    assert [task.task.iteration_id for task in answer.iterations] == [1, 2]


def test_an_iteration_shows_its_stages_in_pipeline_order(web: Any) -> None:
    reply = web.get(f"{PROBLEMS}/1/iterations/1")
    answer = TaskAnswer.model_validate(reply.json)
    assert list(reply.json["stages"])[:2] == ["app_requirements", "ml_model_metadata"]
    assert list(answer.stages)[-1] == "carbon_footprint"
    assert answer.stages["ml_model_metadata"].output is not None
    assert answer.stages["ml_model_metadata"].output["tasks"][0]["id"] == "object-detection"


def test_an_iteration_carries_the_verdict_on_each_limit(web: Any) -> None:
    answer = TaskAnswer.model_validate(web.get(f"{PROBLEMS}/1/iterations/1").json)
    latency, device = answer.verdicts
    assert (latency.limit.name, latency.verdict, latency.missed_by) == ("latency_s", "met", None)
    assert latency.answer is not None
    assert latency.answer.source == "vendor data sheet 2023"
    assert latency.said == "latency at most 100 ms: met with 12.3 ms (roofline)."
    assert (device.limit.name, device.verdict, device.answer) == ("device_class", "met", None)
    whole = ProblemAnswer.model_validate(web.get(f"{PROBLEMS}/1").json)
    assert whole.iterations[0].verdicts == answer.verdicts
    assert [one.verdict for one in whole.iterations[1].verdicts] == ["unknown", "unknown"]


def test_the_attempts_of_an_iteration_are_listed(web: Any) -> None:
    answer = AttemptList.model_validate(web.get(f"{PROBLEMS}/1/iterations/2/attempts").json)
    errors = {item.stage: item.error.code for item in answer.items if item.error}
    assert errors == {"ml_model_provider": "NO_MODEL"}


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("/0", "1 to 2"),
        ("/99", "1 to 2"),
        ("/99999999999999999999", "1 to 2"),
        ("/1/iterations/3", "it has 1 to 2"),
        ("/1/iterations/99999999999999999999", "it has 1 to 2"),
        ("/9/iterations/1", "1 to 2"),
        ("/1/iterations/3/attempts", "it has 1 to 2"),
    ],
)
def test_what_is_unknown_is_answered_with_what_is_known(web: Any, path: str, known: str) -> None:
    reply = web.get(PROBLEMS + path)
    assert (reply.status_code, reply.json["code"]) == (404, "not_found")
    assert known in reply.json["detail"]


def test_cancel_answers_with_the_state(web: Any, client: Any) -> None:
    task = {"problem_id": 2, "iteration_id": 1}
    client.answer("task.cancel", task=task, state="CANCELLED")
    reply = web.post(f"{PROBLEMS}/2/iterations/1/cancel")
    assert (reply.status_code, reply.json) == (200, {"task": task, "state": "CANCELLED"})
    assert client.calls == [("task.cancel", task)]


def test_tasks_are_listed_by_state(web: Any) -> None:
    answer = TaskPage.model_validate(web.get("/api/v1/tasks?state=FAILED").json)
    assert [(item.task.problem_id, item.task.iteration_id) for item in answer.items] == [(1, 2)]
    assert len(web.get("/api/v1/tasks").json["items"]) == 3


def test_an_unknown_state_is_refused_with_the_known_ones(web: Any) -> None:
    reply = web.get("/api/v1/tasks?state=HAPPY")
    assert (reply.status_code, reply.json["field"]) == (422, "state")
    assert "'SUCCEEDED'" in reply.json["detail"]


@pytest.mark.parametrize(
    ("status", "expected", "code"),
    [
        (ReplyStatus.INVALID, 422, "invalid"),
        (ReplyStatus.NOT_FOUND, 404, "not_found"),
        (ReplyStatus.CONFLICT, 409, "conflict"),
        (ReplyStatus.UNAVAILABLE, 503, "unavailable"),
        (ReplyStatus.INTERNAL, 500, "internal"),
    ],
)
def test_a_refusal_of_the_orchestrator_has_its_http_status(
    web: Any, client: Any, status: ReplyStatus, expected: int, code: str
) -> None:
    client.answer("problem.submit", status, message="goal 'fly' unknown; known: …", field="goal")
    reply = web.post(PROBLEMS, json={"text": "x", "goal": "fly"})
    assert (reply.status_code, reply.json["code"]) == (expected, code)
    assert reply.json["detail"] == "goal 'fly' unknown; known: …"
    assert (status is not ReplyStatus.INVALID) or reply.json["field"] == "goal"


def test_an_orchestrator_that_does_not_answer_is_a_503(web: Any, client: Any) -> None:
    client.unreachable = True
    reply = web.post(PROBLEMS, json={"text": "x"})
    assert (reply.status_code, reply.json["code"]) == (503, "unavailable")
    assert int(reply.headers["Retry-After"]) > 0
