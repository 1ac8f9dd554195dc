"""Iterations side by side: REST and the page over one computation."""

from __future__ import annotations

from typing import Any

import pytest

from hedgerow_frontend.comparison_answers import ComparisonAnswer

ADDRESS = "/api/v1/comparisons"


def _rows(web: Any, query: str) -> dict[tuple[str, str], dict[str, Any]]:
    answer = web.get(f"{ADDRESS}?{query}").json
    ComparisonAnswer.model_validate(answer)
    return {(row["group"], row["name"]): row for row in answer["rows"]}


def test_each_figure_stands_beside_the_others_and_unknown_is_null(web: Any) -> None:
    rows = _rows(web, "task=1.1&task=1.2&task=2.1")
    asked = rows["request", "max_latency_s"]
    assert [cell and cell["value"] for cell in asked["cells"]] == [0.1, 1e-6, None]
    assert (asked["best"], asked["worst"]) == ([], [])
    latency = rows["hw_resources", "latency_s"]
    assert [cell and cell["method"] for cell in latency["cells"]] == ["roofline", None, None]
    assert (latency["better"], latency["best"], latency["certain"]) == ("less", [], None)
    accuracy = rows["ml_model_provider", "accuracy"]["cells"][0]
    assert (accuracy["value"], accuracy["method"]) == (21.3, "published box AP")
    assert accuracy["source"] == "torchvision 0.28, COCO val2017"
    leaf = rows["leaf_shape", "sharpness"]["cells"][2]
    assert (leaf["low"], leaf["high"]) == (pytest.approx(0.63), pytest.approx(0.77))
    assert [cell and cell["verdict"] for cell in rows["limits", "latency_s"]["cells"]] == ["met", "unknown", None]


def test_differences_only(web: Any) -> None:
    everything, differing = (_rows(web, f"task=1.1&task=1.2{more}") for more in ("", "&differences=true"))
    assert ("request", "text") in everything
    assert differing == {key: row for key, row in everything.items() if row["differs"]}
    assert ("request", "text") not in differing
    assert ("request", "max_latency_s") in differing


def test_the_tasks_come_in_the_order_asked_and_once(web: Any) -> None:
    answer = web.get(f"{ADDRESS}?task=2.1&task=1.1&task=2.1").json
    assert [(one["task"]["problem_id"], one["state"]) for one in answer["tasks"]] == [(2, "RUNNING"), (1, "SUCCEEDED")]


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("", 422, "is missing"),
        ("task=1.1", 422, "name 2 to 16 different iterations"),
        ("task=1.1&task=1.1", 422, "1 named"),
        ("&".join(f"task=1.{n}" for n in range(1, 18)), 422, "17 named"),
        ("task=1.1&task=1", 422, "'1'"),
        ("task=1.1&task=1.0", 422, "'1.0'"),
        ("task=1.1&task=1.1&task=1.2&x=1", 422, "is unknown; known: task, differences"),
        ("task=1.1&task=1.9", 404, "it has 1 to 2"),
        ("task=1.1&task=9.1", 404, "known: 1 to 2"),
        ("task=1.1&task=1.2&differences=perhaps", 422, "perhaps"),
    ],
)
def test_what_cannot_be_compared_is_refused(web: Any, query: str, status: int, said: str) -> None:
    reply = web.get(f"{ADDRESS}?{query}")
    assert reply.status_code == status
    assert said in reply.json["detail"]


def test_the_page_shows_the_rows_the_marks_and_a_form_to_choose_others(web: Any) -> None:
    html = web.get("/compare?task=1.1&task=1.2").text
    assert 'value="1.2" checked' in html
    assert 'href="/problems/1/iterations/2"' in html
    for text in ("What was asked", "HW resources", "7.38 – 17.2 ms", "published box AP", "met with 12.3 ms", "unknown"):
        assert text in html, text
    differing = web.get("/compare?task=1.1&task=1.2&differences=true").text
    assert "device class edge: met" in differing
    assert differing.count("<tr>") < html.count("<tr>")


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("task=1.1", 422, "name 2 to 16 different iterations"),
        ("task=1.1&task=<b>", 422, "&lt;b&gt;"),
        ("task=1.1&task=7.1", 404, "problem 7 unknown; known: 1 to 2"),
    ],
)
def test_the_page_says_what_cannot_be_compared_and_keeps_what_was_named(
    web: Any, query: str, status: int, said: str
) -> None:
    reply = web.get(f"/compare?{query}")
    assert reply.status_code == status
    assert said in reply.text
    assert 'value="1.1" checked' in reply.text
    assert "<b>" not in reply.text.replace("<b>Iter", "")


def test_iterations_are_ticked_on_the_problems_page(web: Any) -> None:
    html = web.get("/problems/1").text
    assert '<form method="get" action="/compare">' in html
    assert 'name="task" value="1.1" checked' in html
    assert "Compare the ticked ones" in html
    assert "Compare the ticked ones" not in web.get("/problems/2").text
    assert "/compare?task=1.1&amp;task=1.2" in web.get("/problems/1/iterations/2").text


def test_users_words_are_never_markup(web: Any) -> None:
    html = web.get("/compare?task=1.1&task=2.1").text
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
