"""Solvers against brute force: the same optimum for every objective and rule, and bounds that never pass it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from brute_force import OBJECTIVES, Steps, best_value, problems
from hypothesis import HealthCheck, given, settings

from hedgerow_orchestrator.placement.checks import Infeasible
from hedgerow_orchestrator.placement.evaluate import Evaluator
from hedgerow_orchestrator.placement.instances import REGIMES, instance
from hedgerow_orchestrator.placement.objective import LATENCY, THROUGHPUT
from hedgerow_orchestrator.placement.order_walk import Walk, best_in_order
from hedgerow_orchestrator.placement.problem import Problem, Rules
from hedgerow_orchestrator.placement.solve import NotFound, solve
from hedgerow_orchestrator.placement.tables import ChainTables

EVERY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@EVERY
@given(problems())
def test_equals_brute_force_with_every_rule(problem: Problem) -> None:
    best = best_value(problem)
    try:
        plan = solve(problem, Steps(), seconds=100)
    except Infeasible:
        assert np.isinf(best)
        return
    assert plan.is_exact
    assert plan.value == pytest.approx(best, rel=1e-9)
    assert plan.gap == 0
    assert not Evaluator(problem).broken([problem.node_names.index(name) for name in plan.nodes])


@EVERY
@given(problems(may_group=False))
def test_the_anytime_bound_never_passes_the_optimum(problem: Problem) -> None:
    best = best_value(problem)
    try:
        plan = solve(problem, Steps(1e-2), seconds=0.5, subsets_up_to=0)
    except Infeasible:
        assert np.isinf(best)
        return
    except NotFound:
        return
    assert plan.lower_bound <= best * (1 + 1e-9)
    assert plan.value >= best * (1 - 1e-9)
    if plan.is_exact:
        assert plan.value == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: f"{objective.name}-{objective.bottleneck:g}")
def test_the_anytime_bound_holds_beside_the_exact_optimum(regime: str, objective: object) -> None:
    problem = instance(5, 24, 6, regime, objective)  # type: ignore[arg-type]
    exact = solve(problem, Steps(), seconds=100)
    assert exact.is_exact
    plan = solve(problem, Steps(1e-3), seconds=2, subsets_up_to=0)
    assert plan.lower_bound <= exact.value * (1 + 1e-9)
    assert exact.value * (1 - 1e-9) <= plan.value <= exact.value * 1.1


@pytest.mark.parametrize("objective", [THROUGHPUT, LATENCY], ids=lambda objective: objective.name)
def test_a_fixed_order_equals_brute_force_over_segments_in_that_order(objective: object) -> None:
    for seed in range(10):
        problem = instance(seed, 7, 3, REGIMES[seed % 3], objective)  # type: ignore[arg-type]
        evaluator, best = Evaluator(problem), np.inf
        order = [2, 0, 1]
        for begins in itertools.combinations_with_replacement(range(8), 2):
            one, two = begins
            placement = [order[0]] * one + [order[1]] * (two - one) + [order[2]] * (7 - two)
            if not evaluator.broken(placement):
                best = min(best, evaluator.evaluate(placement).value)
        walk = Walk(ChainTables(problem), is_bottleneck=objective is THROUGHPUT)
        value, segments = best_in_order(walk, order)
        assert value == pytest.approx(best, rel=1e-12)
        if segments:
            assert evaluator.evaluate(walk.tables.placement(segments)).value == pytest.approx(value)


def test_the_same_seed_and_clock_give_the_same_plan() -> None:
    problem = instance(3, 40, 14, "mixed", THROUGHPUT, Rules(max_partitions=9))
    one, two = (solve(problem, Steps(2e-3), seconds=1, seed=4) for _ in range(2))
    assert one.nodes == two.nodes
    assert one.lower_bound == two.lower_bound


def test_n_partitions_are_n_minus_one_cuts() -> None:
    for most in (2, 3, 4):
        by_partitions = solve(instance(2, 12, 5, "fast", THROUGHPUT, Rules(max_partitions=most)), Steps(), 10)
        by_cuts = solve(instance(2, 12, 5, "fast", THROUGHPUT, Rules(max_cuts=most - 1)), Steps(), 10)
        assert len(by_partitions.segments) <= most
        assert by_partitions.value == by_cuts.value


def test_no_node_twice_in_a_thousand_random_plans() -> None:
    for seed in range(1000):
        nodes = [segment.node for segment in solve(instance(seed, 8, 3, REGIMES[seed % 3]), Steps(), 10).segments]
        assert len(set(nodes)) == len(nodes)
