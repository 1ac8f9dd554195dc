"""Strategies for plain instances, and the decision whether to move a running placement."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brute_force import Steps

from hedgerow_orchestrator.placement.checks import Infeasible
from hedgerow_orchestrator.placement.instances import instance
from hedgerow_orchestrator.placement.problem import Costs
from hedgerow_orchestrator.placement.replacement import Policy, Verdict, decide
from hedgerow_orchestrator.placement.solve import describe, solve
from hedgerow_orchestrator.placement.strategies import Candidate, Strategy, Wish, place

NODES = (Candidate("a", 4, 3e9), Candidate("b", 2, 3e9), Candidate("c", 0, 0), Candidate("d", 8, 3e9, is_cordoned=True))


def test_random_weighted_follows_the_weights() -> None:
    nodes = (Candidate("a", 4, 1.0), Candidate("b", 2, 1.0), Candidate("c", 0, 0))
    wishes = [Wish(str(at)) for at in range(7000)]
    chosen, _ = place(wishes, nodes, Strategy.RANDOM_WEIGHTED, seed=3)
    counts = np.array([list(chosen.values()).count(name) for name in "abc"])
    expected = np.array([4000.0, 2000.0, 1000.0])
    # 13.8 is the 0.1 % point of chi-square with two degrees of freedom.
    assert ((counts - expected) ** 2 / expected).sum() < 13.8
    assert place(wishes, nodes, Strategy.RANDOM_WEIGHTED, seed=3)[0] == chosen
    assert place(wishes, nodes, Strategy.RANDOM_WEIGHTED, seed=4)[0] != chosen


def test_round_robin_goes_on_where_it_stopped_and_passes_over() -> None:
    chosen, turn = place([Wish(str(at)) for at in range(4)], NODES, Strategy.ROUND_ROBIN)
    assert list(chosen.values()) == ["a", "b", "c", "a"]
    again, _ = place([Wish("x"), Wish("y", away=frozenset("c"))], NODES, Strategy.ROUND_ROBIN, turn=turn)
    assert again == {"x": "b", "y": "a"}


def test_load_aware_evens_out_what_is_known() -> None:
    nodes = (Candidate("a", 4, busy_cores=3.5), Candidate("b", 2, busy_cores=0.5), Candidate("c", 2))
    chosen, _ = place([Wish(str(at), needs_cores=1.0) for at in range(3)], nodes, Strategy.LOAD_AWARE)
    assert list(chosen.values()) == ["c", "b", "c"]


def test_no_node_for_an_instance_says_why_of_each() -> None:
    nodes = (replace(NODES[0], free_bytes=10), NODES[3], Candidate("e"))
    wish = Wish("big", memory_bytes=20, away=frozenset("e"))
    with pytest.raises(
        Infeasible, match="'big': a has 10 bytes free and 20 are needed; d is cordoned; e is one to keep"
    ):
        place([wish], nodes, Strategy.LOAD_AWARE)


def test_moves_have_reasons() -> None:
    problem = instance(2, 12, 4, "fast")
    plan = solve(problem, Steps(), 10)
    policy = Policy(least_gain=0.05, least_dwell_s=10, horizon_s=100)
    assert decide(problem, plan.nodes, plan, 100, 1, policy).verdict is Verdict.SAME
    # The node with the most work becomes ten times slower.
    slowest = max(plan.evaluation.node_s, key=lambda node: plan.evaluation.node_s[node])
    seconds = problem.costs.seconds.copy()
    seconds[:, slowest] *= 10
    drifted = replace(problem, costs=Costs.measured(seconds))
    new = solve(drifted, Steps(), 10)
    yes = decide(drifted, plan.nodes, new, 100, 1, policy)
    assert yes.verdict is Verdict.BETTER
    assert yes.is_move
    assert "yes: " in yes.words
    assert "% less" in yes.words
    too_soon = decide(drifted, plan.nodes, new, 3, 1, policy)
    assert (too_soon.verdict, too_soon.is_move) == (Verdict.TOO_SOON, False)
    assert "3.0 s ago, and 10 s" in too_soon.words
    assert decide(drifted, plan.nodes, new, 100, 99, policy).verdict is Verdict.COSTLY
    picky = decide(drifted, plan.nodes, new, 100, 1, Policy(least_gain=0.99))
    assert picky.verdict is Verdict.SMALL_GAIN
    assert "below 99.00%" in picky.words
    worse = describe(drifted, tuple(problem.node_names.index(name) for name in plan.nodes), 0.001, "by hand")
    assert decide(drifted, new.nodes, worse, 100, 1, policy).verdict is Verdict.WORSE


def test_a_placement_that_cannot_stay_moves_at_once() -> None:
    problem = instance(2, 12, 4, "fast")
    plan = solve(problem, Steps(), 10)
    used = plan.segments[0].node
    cordoned = replace(
        problem, nodes=tuple(replace(node, is_cordoned=node.name == used, capacity_bytes=1e9) for node in problem.nodes)
    )
    new = solve(cordoned, Steps(), 10)
    moved = decide(cordoned, plan.nodes, new, 0, 50)
    assert moved.is_move
    assert "must not run on node" in moved.words
    gone = decide(cordoned, ["lost", *plan.nodes[1:]], new, 0, 50)
    assert (gone.verdict, gone.words) == (Verdict.BROKEN, "yes: node 'lost' is gone")
