"""The drawings: sound XML whatever is drawn, the front and the chosen one marked, everything within the picture."""

from __future__ import annotations

import math
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_frontend.charts.bar_chart import Bar, bar_chart
from hedgerow_frontend.charts.candidates import COSTS, field_of
from hedgerow_frontend.charts.labels import Box, place_label
from hedgerow_frontend.charts.pareto_chart import described, pareto_chart, summary
from hedgerow_frontend.charts.scales import scale_over

SVG = "{http://www.w3.org/2000/svg}"
POSITIVE = st.floats(min_value=1e-12, max_value=1e15)


def _candidate(name: str, cost: Any, accuracy: Any, metric: str = "top-1", rejected: str = "") -> dict[str, Any]:
    latency = {"value": cost, "low": cost and cost / 2, "high": cost and cost * 2, "method": "m", "source": "s"}
    return {
        "id": name,
        "latency_s": latency,
        "flops_per_inference": cost,
        "accuracy": accuracy,
        "accuracy_metric": metric,
        "rejected": rejected,
    }


MODEL = {
    "chosen": "middle",
    "candidates": [
        _candidate("small", 0.01, 60.0),
        _candidate("middle", 0.02, 70.0),
        _candidate("beaten", 0.05, 65.0),
        _candidate("large", 0.5, 80.0),
        _candidate("best", 0.001, 99.0, rejected="licence <unknown>"),
        _candidate("other", 0.02, 40.0, metric="box AP"),
        _candidate("dark", None, 40.0),
        _candidate("darker", 0.02, None),
    ],
}


def test_the_front_is_that_of_the_usable_candidates_judged_by_one_metric() -> None:
    found = field_of(MODEL, COSTS["latency"])
    assert {point.id for point in found.points if point.on_front} == {"small", "middle", "large"}
    assert [point.id for point in found.points if point.chosen] == ["middle"]
    assert (found.metric, found.unknown, found.other_metric) == ("top-1", 2, 1)


def test_a_plain_number_is_a_cost_without_interval_and_an_unknown_cost_draws_nothing() -> None:
    assert field_of(MODEL, COSTS["flops"]).points[0].low is None
    none = field_of(MODEL, COSTS["energy"])
    assert none.points == ()
    assert described(none) == (
        "No candidate has both an accuracy and a known energy. Not drawn: 8 candidates without accuracy or energy."
    )
    assert field_of({}, COSTS["latency"]).points == ()
    assert field_of({"candidates": "x"}, COSTS["latency"]).points == ()


def test_the_drawing_tells_front_chosen_and_reasons_in_words() -> None:
    found = field_of(MODEL, COSTS["latency"])
    drawn = ElementTree.fromstring(pareto_chart(found, "problem 1, iteration 2", "p"))
    titles = [title.text or "" for title in drawn.iter(f"{SVG}title")]
    assert titles[0] == "Accuracy and latency of the candidates of problem 1, iteration 2"
    assert drawn.get("aria-labelledby") == "p-title"
    assert "best: top-1 99, 1 ms [500 µs – 2 ms]; rejected: licence <unknown>" in titles
    names = [text.text for text in drawn.iter(f"{SVG}text") if text.get("class") == "name"]
    assert "middle" in names
    said = drawn.find(f"{SVG}desc")
    assert said is not None
    assert "Chosen: middle: top-1 70, 20 ms" in (said.text or "")
    assert "1 rejected. Not drawn: 2 candidates without accuracy or latency and 1 candidate judged by another" in (
        said.text or ""
    )
    ringed = [group for group in drawn.iter(f"{SVG}g") if group.find(f"{SVG}circle[@class='ring']") is not None]
    assert [(group.findtext(f"{SVG}title") or "").partition(":")[0] for group in ringed] == ["middle"]


@given(
    rows=st.lists(
        st.tuples(st.text(max_size=40), st.none() | POSITIVE, st.none() | st.floats(-1e6, 1e6), st.text(max_size=20)),
        max_size=12,
    )
)
def test_any_candidates_make_sound_xml_within_the_picture(rows: list[tuple[str, Any, Any, str]]) -> None:
    model = {"chosen": "x", "candidates": [_candidate(name, c, a, "m", why) for name, c, a, why in rows]}
    drawn = ElementTree.fromstring(pareto_chart(field_of(model, COSTS["latency"]), "<&>", "p", "text { fill: red }"))
    for circle in drawn.iter(f"{SVG}circle"):
        assert 0 <= float(circle.get("cx", "nan")) <= 760
        assert 0 <= float(circle.get("cy", "nan")) <= 440


@given(values=st.lists(st.none() | st.floats(-1e12, 1e12), min_size=1, max_size=8), label=st.text(max_size=10))
def test_any_bars_make_sound_xml(values: list[float | None], label: str) -> None:
    bars = [Bar(label, value, value and value - 1, value and value + 1) for value in values]
    drawn = ElementTree.fromstring(bar_chart(bars, "s", "a <title>", "b"))
    assert len(list(drawn.iter(f"{SVG}rect"))) == sum(value is not None for value in values)
    assert all(float(bar.get("width", "nan")) >= 1 for bar in drawn.iter(f"{SVG}rect"))


def test_below_the_drawing_stands_how_many_there_are() -> None:
    assert summary(field_of(MODEL, COSTS["latency"])) == (
        "5 candidates by top-1: 3 on the front, 1 rejected. Chosen: middle: top-1 70, 20 ms [10 ms – 40 ms]. "
        "Not drawn: 2 candidates without accuracy or latency and 1 candidate judged by another metric."
    )
    assert summary(field_of({}, COSTS["latency"])).startswith("No candidate has both")


def test_the_chosen_one_has_its_name_however_little_room_there_is() -> None:
    frame = Box(0, 0, 760, 440)
    assert place_label("behind", 300, 200, [frame], frame) == ""
    assert "chosen" in place_label("chosen", 300, 200, [frame], frame, always=True)


def test_a_bar_says_its_interval_and_mark_and_unknown_has_none() -> None:
    drawn = bar_chart([Bar("1.1", 0.1, 0.05, 0.2, "best"), Bar("1.2", None, None, None)], "s", "latency", "b")
    assert "1.1: 100 ms [50 ms – 200 ms], best; 1.2: unknown" in drawn
    assert 'class="bar best"' in drawn


@given(values=st.lists(POSITIVE, min_size=1, max_size=6), from_zero=st.booleans())
def test_a_scale_keeps_the_order_and_its_marks_lie_within(values: list[float], from_zero: bool) -> None:
    scale = scale_over(values, 10.0, 200.0, from_zero=from_zero)
    places = [scale(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(10 - 1e-6 <= place <= 200 + 1e-6 for place in places)
    ticks = scale.ticks()
    assert all(scale.low - 1e-9 * abs(scale.low) <= tick <= scale.high * (1 + 1e-9) for tick in ticks)
    assert 1 <= len(ticks) <= 12
    assert all(math.isfinite(tick) for tick in ticks)


@given(places=st.lists(st.tuples(st.floats(0, 700), st.floats(0, 400), st.text(max_size=40)), max_size=15))
def test_names_never_lie_on_one_another(places: list[tuple[float, float, str]]) -> None:
    taken: list[Box] = []
    frame = Box(0, 0, 760, 440)
    for x, y, text in places:
        place_label(text, x, y, taken, frame)
    assert all(frame.holds(box) for box in taken)
    assert not any(one.meets(other) for at, one in enumerate(taken) for other in taken[:at])


@pytest.mark.parametrize("x", ["latency", "memory", "flops", "energy"])
def test_the_drawing_is_served_as_svg_with_its_own_sheet(web: Any, x: str) -> None:
    reply = web.get(f"/api/v1/problems/1/iterations/1/pareto.svg?x={x}")
    assert (reply.status_code, reply.mimetype) == (200, "image/svg+xml")
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    drawn = ElementTree.fromstring(reply.data)
    assert "prefers-color-scheme: dark" in (drawn.findtext(f"{SVG}style") or "")


def test_an_unknown_cost_or_iteration_is_refused(web: Any) -> None:
    assert web.get("/api/v1/problems/1/iterations/1/pareto.svg?x=beauty").json["field"] == "x"
    assert web.get("/api/v1/problems/1/iterations/7/pareto.svg").status_code == 404
    assert web.get("/api/v1/problems/2/iterations/1/pareto.svg").status_code == 200


def test_the_iteration_page_draws_the_candidates_and_offers_the_other_costs(web: Any) -> None:
    html = web.get("/problems/1/iterations/1").text
    assert 'id="pareto-drawing-title"' in html
    assert "/problems/1/iterations/1?x=memory#pareto" in html
    assert "Accuracy against memory" in web.get("/problems/1/iterations/1?x=memory").text
    assert "known energy" in web.get("/problems/1/iterations/1?x=energy").text
