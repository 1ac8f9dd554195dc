"""A worker gets one run of a network's parts, placed by the planner or by hand, unless it may be revisited."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from farm import Farm
from hypothesis import given
from hypothesis import strategies as st
from test_planner import NETWORK, plan, profile, worker
from test_service_engine import NETWORK as DEPLOYED
from test_service_engine import network_farm

from hedgerow_orchestrator.serving.figures import Figures
from hedgerow_orchestrator.serving.network_by_hand import revisit
from hedgerow_orchestrator.serving.proposal import NoPlace, Request
from hedgerow_orchestrator.serving.service import Service
from hedgerow_orchestrator.serving_states import IntentState

REFUSED = "worker '{}' would have the parts net/{} and net/{} with another worker's between them"


@given(st.lists(st.sampled_from(["a", "b", None]), max_size=6))
def test_a_revisit_is_two_runs_that_no_filling_of_the_gaps_can_join(places: list[str | None]) -> None:
    def has_two_runs(filled: tuple[str, ...]) -> bool:
        order = [name for name, _ in itertools.groupby(filled)]
        return len(order) > len(set(order))

    options = [[each] if each else ["a", "b"] for each in places]
    assert (revisit(places) is not None) == all(has_two_runs(filled) for filled in itertools.product(*options))


def by_hand(placement: list[str], **wishes: Any) -> dict[str, Any]:
    network = {**NETWORK["networks"][0], "partitions": [1, 3], "placement": placement}
    return {**NETWORK, "networks": [network], "placement": wishes}


def figures() -> Figures:
    return Figures(profiles={("m.onnx", ""): {"a": profile([0.1] * 4, [1.0] * 3)}})


def test_a_blueprint_that_gives_a_worker_two_runs_is_refused_unless_it_may() -> None:
    workers = [worker(name) for name in "abc"]
    with pytest.raises(NoPlace, match=REFUSED.format("a", 0, 2)):
        plan(by_hand(["a", "b", "a"]), workers, figures())
    for placement, may_revisit in ((["a", "b", "a"], True), (["b", "b", "a"], False), (["a", "b", "c"], False)):
        nodes = plan(by_hand(placement, may_revisit=may_revisit), workers, figures()).nodes
        assert [nodes[f"net/{at}", 0] for at in range(3)] == placement


def test_a_worker_that_is_named_in_two_ways_is_one_worker() -> None:
    workers = [worker(name) for name in "abc"]
    workers[0].name = "first"
    with pytest.raises(NoPlace, match=REFUSED.format("first", 0, 2)):
        plan(by_hand(["a", "b", "first"]), workers, figures())
    twice = {**NETWORK, "networks": [{**NETWORK["networks"][0], "partitions": 2, "placement": ["a", "first"]}]}
    with pytest.raises(NoPlace, match="worker 'first' has the parts net/0 and net/1, and with a number of partitions"):
        plan(twice, workers, figures())


def test_a_part_without_a_place_goes_where_no_worker_is_revisited_though_that_is_slower() -> None:
    network = {**NETWORK["networks"][0], "partitions": [1, 2, 3]}
    workers = [worker("a", {"b": (1e9, 0.0)}), worker("b", {"a": (1e9, 0.0)})]
    measured = profile([0.05, 0.1, 0.3, 0.2], [1.0] * 3)
    request = Request(moves={("net/0", 0): "a", ("net/2", 0): "b"})
    for may_revisit, wanted in ((False, ["a", "a", "b", "b"]), (True, ["a", "a", "b", "a"])):
        blueprint = {**NETWORK, "networks": [network], "placement": {"may_revisit": may_revisit}}
        profiles = {("m.onnx", ""): {"a": measured, "b": measured}}
        nodes = plan(blueprint, workers, Figures(profiles=profiles), request).nodes
        assert [nodes[f"net/{at}", 0] for at in range(4)] == wanted


def deployed(**wishes: Any) -> tuple[Farm, Service]:
    farm = network_farm()
    service = farm.deploy({**DEPLOYED, "placement": {**DEPLOYED["placement"], **wishes}})
    farm.quick()
    assert service.row.state == "RUNNING"
    return farm, service


def workers_of(farm: Farm, service: Service) -> list[str]:
    places = farm.places(service)
    return [places[f"net/{at}"] for at in range(3)]


def test_a_placement_by_hand_that_revisits_is_refused_and_moves_nothing() -> None:
    farm, service = deployed()
    before = workers_of(farm, service)
    answer = farm.do("place", service, {("net/2", 0): before[0]}, {}, dry_run=False)
    assert (answer.verdict, answer.is_changed) == ("infeasible", False)
    assert REFUSED.format(before[0], 0, 2) in answer.reason
    farm.settle(5)
    assert workers_of(farm, service) == before
    swapped = {("net/1", 0): before[2], ("net/2", 0): before[1]}
    assert farm.do("place", service, swapped, {}, dry_run=False).verdict == "applied"
    farm.settle(10)
    assert workers_of(farm, service) == [before[0], before[2], before[1]]


def test_a_migration_that_would_revisit_is_declined() -> None:
    farm, service = deployed()
    before = workers_of(farm, service)
    intent = farm.do("migrate", service, ("net/2", 0), farm.engine.core.workers[before[0]])
    assert intent.state == IntentState.DECLINED
    assert REFUSED.format(before[0], 0, 2) in intent.reason
    farm.settle(5)
    assert workers_of(farm, service) == before


def test_where_workers_may_be_revisited_a_placement_by_hand_does_so() -> None:
    farm, service = deployed(may_revisit=True)
    wanted = ["w1", "w2", "w1"]
    moves = {(f"net/{at}", 0): name for at, name in enumerate(wanted)}
    if len([name for name in farm.places(service) if name.startswith("net/")]) != 3:
        assert farm.do("place", service, {}, {"net": (0, 2, 4, 6)}, dry_run=False).verdict == "applied"
        farm.settle(10)
    assert farm.do("place", service, moves, {}, dry_run=False).verdict == "applied"
    farm.settle(10)
    assert workers_of(farm, service) == wanted
