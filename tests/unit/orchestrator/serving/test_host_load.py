"""The cores that are left to workers: what others take counts, what the workers take themselves does not."""

from __future__ import annotations

import math

import pytest
from farm import pinned
from hypothesis import given
from hypothesis import strategies as st
from test_planner import plan, worker

from hedgerow_orchestrator.serving.host_load import LEAST_SHARE, cores_left, others_cores
from hedgerow_orchestrator.serving.workers import Worker


def told(name: str, busy: float, used: float, host: str = "h") -> Worker:
    made = worker(name, host_id=host, cores=4)
    made.status.busy_cores, made.status.used_cores = busy, used
    return made


def test_what_is_taken_by_no_worker_of_the_host_is_taken_by_others() -> None:
    assert others_cores([told("a", 3.0, 1.0), told("b", 3.2, 0.5)]) == pytest.approx(1.6)
    assert cores_left([told("a", 3.0, 1.0), told("b", 3.2, 0.5), told("c", 2.0, 2.0, "i")]) == pytest.approx(
        {"h": 2.4, "i": 4.0}
    )


def test_nothing_is_taken_off_while_one_has_not_told() -> None:
    assert cores_left([told("a", 3.0, 1.0), told("b", math.nan, math.nan)]) == {"h": 4.0}


@given(st.lists(st.tuples(st.floats(0, 8), st.floats(0, 8)), min_size=1, max_size=4))
def test_some_cores_are_left_and_never_more_than_there_are(figures: list[tuple[float, float]]) -> None:
    workers = [told(f"w{at}", busy, used) for at, (busy, used) in enumerate(figures)]
    assert LEAST_SHARE * 4 <= cores_left(workers)["h"] <= 4


def test_a_prediction_counts_the_cores_that_are_left_and_says_so() -> None:
    blueprint = pinned(source="a", middle="b", sink="a")
    free = plan(blueprint, [told("a", 0.5, 0.2), told("b", 0.5, 0.3)]).predicted
    busy = plan(blueprint, [told("a", 2.5, 0.2), told("b", 2.5, 0.3)]).predicted
    assert busy["cores"]["h"] == pytest.approx(2.0)
    assert busy["hosts"]["h"] == pytest.approx(2 * free["hosts"]["h"])
    assert not any("beside" in word for word in free["words"])
    assert any("processes beside a, b take 2 of the 4 cores" in word for word in busy["words"])
