"""The graph in lanes, its layout, the waterfall, and rates from counters."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as some

from hedgerow_frontend.charts.graph_chart import graph_chart
from hedgerow_frontend.charts.graph_layout import BOX_HEIGHT, BOX_WIDTH, GraphBox, GraphEdge, columns_of, layout
from hedgerow_frontend.charts.waterfall import Span, waterfall
from hedgerow_frontend.serving.graph import graph_of
from hedgerow_frontend.serving.metering import FORGET_S, RateMeter
from hedgerow_frontend.serving.traces import newest, spans_of
from tests.unit.frontend import serving_story as story


def box(key: str, group: str = "w") -> GraphBox:
    return GraphBox(key, key, "handler", group)


def test_columns_follow_the_longest_way() -> None:
    edges = [GraphEdge("a", "b"), GraphEdge("b", "c"), GraphEdge("a", "c"), GraphEdge("x", "c")]
    assert columns_of(["a", "b", "c", "d"], edges) == {"a": 0, "b": 1, "c": 2, "d": 0}


def test_a_cycle_stands_behind_the_rest() -> None:
    edges = [GraphEdge("a", "b"), GraphEdge("b", "c"), GraphEdge("c", "b")]
    assert columns_of(["a", "b", "c"], edges) == {"a": 0, "b": 1, "c": 1}


@given(some.data())
def test_boxes_never_overlap_and_lie_in_their_lanes(data: some.DataObject) -> None:
    keys = [f"k{n}" for n in range(data.draw(some.integers(1, 9)))]
    boxes = [box(key, data.draw(some.sampled_from(["one", "two", "three"]))) for key in keys]
    ends = some.sampled_from(keys)
    edges = [GraphEdge(*pair) for pair in data.draw(some.lists(some.tuples(ends, ends), max_size=12))]
    placed = layout(boxes, edges)
    lanes = {lane.group: lane for lane in placed.lanes}
    for one in boxes:
        x, y = placed.places[one.key]
        assert 0 < x <= placed.width - BOX_WIDTH
        assert lanes[one.group].y < y
        assert y + BOX_HEIGHT < lanes[one.group].y + lanes[one.group].height <= placed.height
    for one in boxes:
        for other in boxes:
            (x, y), (u, v) = placed.places[one.key], placed.places[other.key]
            assert one is other or abs(x - u) >= BOX_WIDTH or abs(y - v) >= BOX_HEIGHT


@given(some.text(max_size=40), some.text(max_size=40))
def test_a_graph_is_xml_whatever_it_is_called(name: str, worker: str) -> None:
    boxes = [GraphBox("a", name, name, worker), GraphBox("b", name, name, worker)]
    edges = [GraphEdge("a", "b", name, name), GraphEdge("a", "gone", name)]
    ElementTree.fromstring(graph_chart(boxes, edges, name, "graph"))


def test_in_a_box_the_time_is_whole_and_the_name_is_cut() -> None:
    plan = story.plan()
    placed = next(each for each in plan["instances"] if each["name"] == "recognise")
    stage = {**placed, "node": "worker-shed", "state": "RUNNING", "compute_s": 0.00304, "out_per_s": None}
    [box], _ = graph_of({"plan": {**plan, "links": []}, "blueprint": {}}, [{**stage, "handler": "x" * 30}])
    assert box.subtitle == "xxxxxxxxxxxx… · 3.04 ms"


def test_a_waterfall_of_one_moment_is_drawn() -> None:
    drawn = ElementTree.fromstring(waterfall([Span("a <b>", "drop", 5.0, None)], "t", "w"))
    assert any("dropped" in (each.text or "") for each in drawn.iter())


def test_links_are_matched_by_the_plan() -> None:
    spans = spans_of(story.item_events(), story.plan()["links"])
    links = [(one.label, round((one.end_s or 0) - one.begin_s, 6)) for one in spans if one.kind == "link"]
    assert links == [("camera → detect", 0.0009), ("detect → align", 0.0019)]
    assert spans_of(story.item_events()) == spans


def test_what_was_sent_by_another_is_no_link() -> None:
    events = [one for one in story.item_events() if one["handler"] != "detect"]
    spans = spans_of(events, story.plan()["links"])
    assert [one.label for one in spans if one.kind == "link"] == []


def test_the_newest_item_is_one_that_all_ends_have_seen() -> None:
    plan = {"links": [{"sender": "a"}]}
    stages = [{"logical_id": "a", "last_sequence": 9}, {"logical_id": "b", "last_sequence": 5}]
    assert newest(plan, stages) == 5
    assert newest(plan, [*stages, {"logical_id": "c", "last_sequence": None}]) is None


def status(received: int, sent: int = 0) -> dict[str, object]:
    return {"physical_id": "p", "received": received, "sent": sent}


def test_a_rate_is_of_the_window() -> None:
    meter = RateMeter(window_s=10.0)
    assert meter.rate(status(0), 100.0) is None
    assert meter.rate(status(0), 100.0) is None
    for second in range(1, 31):
        rate = meter.rate(status(second * 5, second), 100.0 + second)
    assert rate is not None
    assert (rate.in_per_s, rate.out_per_s, rate.over_s) == (5.0, 1.0, 10.0)
    assert meter.rate(status(0), None) is None


def test_what_is_not_seen_any_more_is_forgotten() -> None:
    meter = RateMeter()
    meter.rate(status(1), 100.0)
    meter.rate({**status(1), "physical_id": "q"}, 100.0 + FORGET_S + 1)
    assert meter.rate(status(9), 100.0 + FORGET_S + 2) is None
