"""Of placements with the same rate one whose parts are alike: nothing else about it changes."""

from __future__ import annotations

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


@pytest.mark.parametrize("at", [2, 3, 4])
def test_where_shared_cores_bound_the_rate_parts_get_alike(at: int) -> None:
    assert evened(Evaluator(even_chain()), (0,) * at + (1,) * (6 - at)) == (0, 0, 0, 1, 1, 1)


def test_what_a_rule_forbids_stays_where_it_is() -> None:
    pinned = even_chain(rules=Rules(pins={"layer 2": "b"}))
    assert evened(Evaluator(pinned), (0, 0, 1, 1, 1, 1)) == (0, 0, 1, 1, 1, 1)


def test_where_a_part_bounds_the_rate_or_something_else_counts_nothing_changes() -> None:
    for problem in (even_chain(cores=3.0), even_chain(LATENCY), even_chain(Objective(1, 0.5, 0))):
        assert evened(Evaluator(problem), (0, 0, 1, 1, 1, 1)) == (0, 0, 1, 1, 1, 1)


def test_a_plan_is_evened() -> None:
    plan = solve(even_chain(), Steps(), seconds=100)
    assert plan.value == pytest.approx(4.0)
    assert sorted(plan.evaluation.node_s.values()) == [3.0, 3.0]
