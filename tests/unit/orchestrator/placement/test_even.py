"""Of placements with the same rate one whose parts are alike: nothing else about it changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brute_force import Steps, problems
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hedgerow_orchestrator.placement.evaluate import Evaluator
from hedgerow_orchestrator.placement.even import evened
from hedgerow_orchestrator.placement.network import Links
from hedgerow_orchestrator.placement.objective import LATENCY, THROUGHPUT, Objective
from hedgerow_orchestrator.placement.problem import CoreGroup, Costs, Node, Problem, Rules, chain
from hedgerow_orchestrator.placement.solve import solve


def order(placement: tuple[int, ...]) -> list[int]:
    return [node for at, node in enumerate(placement) if at == 0 or placement[at - 1] != node]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems(), st.data())
def test_a_placement_is_as_good_and_its_slowest_part_no_slower(problem: Problem, data: st.DataObject) -> None:
    evaluator = Evaluator(problem)
    nodes = st.integers(0, len(problem.nodes) - 1)
    given_one = tuple(data.draw(st.lists(nodes, min_size=len(problem.stages), max_size=len(problem.stages))))
    found = evened(evaluator, given_one)
    before, after = evaluator.evaluate(given_one), evaluator.evaluate(found)
    assert after.value <= before.value * (1 + 1e-8) or before.value == np.inf
    assert max(after.node_s.values()) <= max(before.node_s.values())
    assert order(found) == order(given_one)
    assert found == given_one or not evaluator.broken(found)


def even_chain(objective: Objective = THROUGHPUT, rules: Rules | None = None, cores: float = 1.5) -> Problem:
    """Six stages of a second each, two workers that share cores, links that cost nothing."""
    stages, edges = chain([f"layer {at}" for at in range(6)], [1.0] * 5)
    return Problem(
        stages=stages,
        edges=edges,
        nodes=(Node("a"), Node("b")),
        costs=Costs.measured(np.ones((6, 2))),
        links=Links(np.full((2, 2), 1e12), np.zeros((2, 2))),
        objective=objective,
        rules=rules or Rules(),
        groups=(CoreGroup(("a", "b"), cores),),
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems(), st.floats(0, 1), st.data())
def test_what_is_given_up_is_worth_it(problem: Problem, worth: float, data: st.DataObject) -> None:
    evaluator = Evaluator(problem)
    nodes = st.integers(0, len(problem.nodes) - 1)
    given_one = tuple(data.draw(st.lists(nodes, min_size=len(problem.stages), max_size=len(problem.stages))))
    found = evened(evaluator, given_one, worth)
    before, after = evaluator.evaluate(given_one), evaluator.evaluate(found)
    saved_s = max(before.node_s.values()) - max(after.node_s.values())
    assert saved_s >= 0
    if found != given_one:
        assert after.bottleneck_s - before.bottleneck_s <= worth * saved_s + 1e-8 * before.bottleneck_s
        assert not evaluator.broken(found)


@pytest.mark.parametrize("at", [2, 3, 4])
def test_where_shared_cores_bound_the_rate_parts_get_alike(at: int) -> None:
    assert evened(Evaluator(even_chain()), (0,) * at + (1,) * (6 - at)) == (0, 0, 0, 1, 1, 1)


def test_what_a_rule_forbids_stays_where_it_is() -> None:
    pinned = even_chain(rules=Rules(pins={"layer 2": "b"}))
    assert evened(Evaluator(pinned), (0, 0, 1, 1, 1, 1)) == (0, 0, 1, 1, 1, 1)


def test_where_something_else_than_the_rate_counts_nothing_changes() -> None:
    for problem in (even_chain(LATENCY), even_chain(Objective(1, 0.5, 0))):
        assert evened(Evaluator(problem), (0, 0, 1, 1, 1, 1)) == (0, 0, 1, 1, 1, 1)


def measured_apart(slower: float, cores: float = 1.5) -> Problem:
    """The same with costs that were measured on each node: on the second one all is `slower` times as much."""
    problem = even_chain(cores=cores)
    return replace(problem, costs=Costs.measured(np.ones((6, 2)) * [1.0, slower]))


def test_costs_that_were_measured_apart_do_not_keep_parts_uneven() -> None:
    # The fewer layers are on the slower node the better, by 0.17 % a layer.
    problem = measured_apart(1.01)
    assert evened(Evaluator(problem), (0, 0, 0, 0, 1, 1)) == (0, 0, 0, 0, 1, 1)
    assert evened(Evaluator(problem), (0, 0, 0, 0, 1, 1), 0.25) == (0, 0, 0, 1, 1, 1)


def test_a_part_that_bounds_the_rate_by_a_hair_gets_less() -> None:
    """Four seconds by the slower of two parts of 4 and 2.02, or by the cores 4.004 where they are alike."""
    problem = measured_apart(1.01, cores=1.506)
    assert solve(problem, Steps(), seconds=100).value == pytest.approx(4.0)
    assert evened(Evaluator(problem), (0, 0, 0, 0, 1, 1)) == (0, 0, 0, 0, 1, 1)
    assert evened(Evaluator(problem), (0, 0, 0, 0, 1, 1), 0.25) == (0, 0, 0, 1, 1, 1)


def test_what_costs_more_than_it_is_worth_is_left() -> None:
    # A layer that moves saves a second in the slowest part, and half a second is shared by 1.2 cores.
    evaluator = Evaluator(measured_apart(1.5, cores=1.2))
    assert evened(evaluator, (0, 0, 0, 0, 0, 1), 0.4) == (0, 0, 0, 0, 0, 1)
    assert evened(evaluator, (0, 0, 0, 0, 0, 1), 0.45) == (0, 0, 0, 0, 1, 1)


@pytest.mark.parametrize(("middle_bytes", "at"), [(1e6, 3), (1e9, 4)], ids=["a little more", "much more"])
def test_a_cut_through_much_more_bytes_is_not_taken_for_parts_alike(middle_bytes: float, at: int) -> None:
    problem = even_chain()
    stages, edges = chain([f"layer {number}" for number in range(6)], [1.0, 1.0, middle_bytes, 1.0, 1.0])
    problem = replace(problem, stages=stages, edges=edges)
    found = evened(Evaluator(problem), (0, 0, 0, 0, 1, 1), 0.25)
    assert found == (0,) * at + (1,) * (6 - at)


def test_a_plan_is_evened_as_far_as_it_was_asked_for() -> None:
    rules = Rules(max_partitions=2, forbids=(("layer 5", "a"), ("layer 0", "b")))
    problem = replace(measured_apart(1.01), rules=rules)
    best = solve(problem, Steps(), seconds=100)
    even = solve(problem, Steps(), seconds=100, evenness=0.25)
    assert best.is_exact
    assert [segment.end for segment in best.segments] == [4, 6]
    assert [segment.end for segment in even.segments] == [3, 6]
    assert not even.is_exact
    assert even.lower_bound == pytest.approx(best.value)
    assert even.gap == pytest.approx(0.01 / 6.02)
    assert "at most 0.17% above the best" in even.words[0]
    assert "the slowest takes 3030 ms and not 4000 ms, for which 0.17% more time" in even.words[-1]
    assert not any("more alike" in each for each in best.words)
