"""The loop at the front end: its fields in bodies and forms, its answer on the page, consent and cancelling."""

from __future__ import annotations

from typing import Any

import pytest

from hedgerow_frontend.forms import FormError, filled, read_iteration, read_problem
from hedgerow_frontend.presentation import output_template
from hedgerow_idl import (
    ComparedFigure,
    Estimate,
    LoopMove,
    LoopRequest,
    Optimization,
    ReplyStatus,
    TaskId,
    Trial,
    UserInput,
    plain,
)

PROBLEMS = "/api/v1/problems"
WISH = {"mode": "auto", "target": "gco2e", "target_value": 0.002, "max_iterations": 5, "allow_regions": ["FR"]}
FORM = {
    "text": "x",
    "loop_mode": "auto",
    "loop_target": "gco2e",
    "loop_target_value": "0.002",
    "loop_max_iterations": "5",
    "loop_regions": "FR",
}


def test_the_wish_is_passed_on(web: Any, client: Any) -> None:
    assert web.post(PROBLEMS, json={"text": "x", "optimization": WISH}).status_code == 202
    assert client.calls == [("problem.submit", {"problem": {"text": "x", "optimization": WISH}})]
    plain.from_plain(UserInput, client.calls[0][1]["problem"])


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"mode": "fast"}, "optimization.mode"),
        ({"mode": "auto", "target": "beauty"}, "optimization.target"),
        ({"mode": "auto", "target_value": 0}, "optimization.target_value"),
        ({"mode": "auto", "max_iterations": 101}, "optimization.max_iterations"),
        ({"mode": "auto", "trials": []}, "optimization.trials"),
    ],
)
def test_a_bad_wish_is_named_and_nothing_is_sent(web: Any, client: Any, wish: Any, field: str) -> None:
    reply = web.post(PROBLEMS, json={"text": "x", "optimization": wish})
    assert (reply.status_code, reply.json["field"]) == (422, field)
    assert client.calls == []


def test_null_takes_back_a_part_of_the_wish_or_the_whole(web: Any, client: Any) -> None:
    web.post(f"{PROBLEMS}/1/iterations", json={"optimization": {"target_value": None, "allow_regions": None}})
    web.post(f"{PROBLEMS}/1/iterations", json={"optimization": None})
    sent = [body["changes"] for _, body in client.calls]
    assert sent == [{"optimization": {"target_value": None, "allow_regions": []}}, {"optimization": None}]


def test_consent_is_passed_on(web: Any, client: Any) -> None:
    web.post(f"{PROBLEMS}/1/iterations", json={"accept": True})
    expected = {"problem_id": 1, "from_iteration": None, "changes": {}, "accept": True}
    assert client.calls == [("problem.iterate", expected)]


def test_a_problem_is_cancelled(web: Any, client: Any) -> None:
    client.answer("problem.cancel", problem_id=2, cancelled=[1])
    reply = web.post(f"{PROBLEMS}/2/cancel")
    assert (reply.status_code, reply.json) == (200, {"problem_id": 2, "cancelled": [1]})
    assert web.post("/problems/2/cancel").status_code == 303
    assert web.post(f"{PROBLEMS}/99/cancel").status_code == 404


def test_the_form_says_the_same_as_the_body() -> None:
    assert read_problem(FORM).said() == {"text": "x", "optimization": WISH}
    assert read_problem({**FORM, "loop_mode": ""}).said() == {"text": "x"}
    assert read_problem({**FORM, "loop_mode": "candidates"}).said()["optimization"] == {
        "mode": "candidates",
        "max_iterations": 5,
    }


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"loop_target_value": "little"}, "loop_target_value"),
        ({"loop_target_value": "-1"}, "loop_target_value"),
        ({"loop_max_iterations": "2.5"}, "loop_max_iterations"),
        ({"loop_target": "beauty"}, "loop_target"),
    ],
)
def test_a_bad_field_of_the_form_is_named(changed: dict[str, str], field: str) -> None:
    with pytest.raises(FormError) as caught:
        read_problem(FORM | changed)
    assert set(caught.value.messages) == {field}


def test_a_form_that_is_sent_as_it_was_filled_changes_nothing() -> None:
    request = LoopRequest(**WISH, trials=[Trial(iteration_id=1, model="m")])  # type: ignore[arg-type]
    asked = plain.to_plain(UserInput(text="x", optimization=request))
    assert filled(asked)["loop_target_value"] == "0.002"
    assert read_iteration(filled(asked), asked, 1).changes() == {}
    open_value = read_iteration({**filled(asked), "loop_target_value": ""}, asked, 1).changes()["optimization"]
    assert (open_value["mode"], open_value["target_value"]) == ("auto", None)
    assert read_iteration({**filled(asked), "loop_mode": ""}, asked, 1).changes() == {"optimization": None}


def test_the_form_has_the_fields(web: Any) -> None:
    page = web.get("/").text
    for name in FORM:
        assert f'name="{name}"' in page


def shown(web: Any, said: Optimization) -> str:
    """The loop's answer as the iteration page includes it."""
    output = plain.to_plain(said, skip=("header",))
    assert output_template("optimizer", output) == "outputs/optimizer.html"
    task = {"task": {"problem_id": 1, "iteration_id": 2}}
    app = web.application
    with app.test_request_context():
        text: str = app.jinja_env.get_template("outputs/optimizer.html").render(output=output, task=task)
    return text


def test_the_answer_shows_decision_change_and_comparison(web: Any) -> None:
    before = Estimate(value=0.2, low=0.1, high=0.4, method="roofline", source="a document")
    after = Estimate(value=0.05, low=0.025, high=0.09, method="roofline", source="a document")
    said = Optimization(
        decision="waits_for_user",
        mode="manual",
        target="latency_ms",
        target_value=10.0,
        iteration=2,
        max_iterations=5,
        best=[Trial(iteration_id=2, value=50.0, chosen_model="small", chosen_device="board")],
        change=[LoopMove(what="device", before="board", after="<gpu>", reason="latency")],
        previous=TaskId(problem_id=1, iteration_id=1),
        comparison=[ComparedFigure(name="latency_s", before=before, after=after, ratio=0.25, verdict="better")],
        next_input=[UserInput(text="x")],
        explanation="Because.",
    )
    page = shown(web, said)
    for words in ("waits for user", "small on board", "device <b>&lt;gpu&gt;</b>", "50 ms", "0.25", "better"):
        assert words in page
    assert 'action="/problems/1/iterations/2/accept"' in page
    said.decision = "target_met"
    assert "/accept" not in shown(web, said)


def test_consent_by_the_button_is_given_once(web: Any, client: Any) -> None:
    client.answer("problem.iterate", task={"problem_id": 1, "iteration_id": 3})
    for _ in range(2):
        assert web.post("/problems/1/iterations/1/accept").headers["Location"] == "/problems/1/iterations/3"
    assert {body["idempotency_key"] for _, body in client.calls} == {"accept-1-1"}
    client.answer("problem.iterate", ReplyStatus.CONFLICT, message="it proposes nothing")
    assert web.post("/problems/1/iterations/1/accept").headers["Location"] == "/problems/1/iterations/1"
