"""The arithmetic of traces: joins, clocks that differ, items that were dropped, links that are not known."""

from __future__ import annotations

from typing import Any

import pytest

from hedgerow_orchestrator.store.traces import hops, link_figures, links_of, mean_times


def event(logical_id: str, kind: str, at_s: float, port: str = "", **more: Any) -> dict[str, Any]:
    return {
        "logical_id": logical_id,
        "physical_id": f"{logical_id}-1",
        "name": logical_id,
        "node": "",
        "event": kind,
        "at_s": at_s,
        "port_name": port,
        "size_bytes": None,
        "epoch": 1,
        "sequence_number": 7,
        **more,
    }


def test_a_join_waits_for_its_last_input() -> None:
    events = [
        event("camera", "sent", 1.0, "image"),
        event("detect", "sent", 1.0, "boxes"),
        event("draw", "recv", 1.1, "image"),
        event("draw", "recv", 1.5, "boxes"),
        event("draw", "start", 1.6),
        event("draw", "end", 1.9),
    ]
    links = [("camera", "image", "draw", "image"), ("detect", "boxes", "draw", "boxes")]
    draw = hops(events, links)[-1]
    assert draw["network_s"] == pytest.approx(0.5)
    assert draw["queue_s"] == pytest.approx(0.1)
    assert draw["compute_s"] == pytest.approx(0.3)


def test_clocks_that_differ_are_shown_as_they_are() -> None:
    events = [event("b", "recv", 1.0, "in"), event("a", "sent", 1.2, "out")]
    received = next(hop for hop in hops(events, [("a", "out", "b", "in")]) if hop["logical_id"] == "b")
    assert received["network_s"] == pytest.approx(-0.2)


def test_without_a_plan_what_was_sent_last_before_counts() -> None:
    events = [event("a", "sent", 1.0), event("x", "sent", 1.2), event("b", "recv", 1.5), event("b", "sent", 1.6)]
    received = next(hop for hop in hops(events, []) if hop["logical_id"] == "b")
    assert received["network_s"] == pytest.approx(0.3)


def test_on_one_worker_the_queue_begins_where_the_handler_before_ends() -> None:
    events = [event("a", "start", 1.0), event("a", "end", 1.2), event("b", "start", 1.5), event("b", "drop", 1.6)]
    second = hops(events, [("a", "out", "b", "in")])[1]
    assert second["queue_s"] == pytest.approx(0.3)
    assert (second["compute_s"], second["network_s"], second["dropped"]) == (None, None, True)


def test_means_are_of_whole_items() -> None:
    events = [
        event("a", "end", 0.5, sequence_number=1),
        event("a", "start", 1.0, sequence_number=2),
        event("a", "end", 1.2, sequence_number=2),
        event("a", "start", 2.0, sequence_number=3),
        event("a", "end", 2.4, sequence_number=3),
        event("a", "start", 3.0, sequence_number=4),
    ]
    assert mean_times(reversed(events)) == {"a-1": pytest.approx(0.3)}


def test_a_link_that_carried_nothing_is_not_shown() -> None:
    links = links_of({"links": [{"sender": "a", "output": "x", "receiver": "b", "input": "y"}]})
    assert link_figures([], links, 1.0) == []
    (only_received,) = link_figures([event("b", "recv", 1.0, "y", size_bytes=8)], links, 2.0)
    assert (only_received["items_per_s"], only_received["bytes_per_s"], only_received["network_s"]) == (0.5, 4.0, None)
    assert links_of({}) == []
