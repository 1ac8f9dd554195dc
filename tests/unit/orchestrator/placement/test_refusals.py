"""Entries that are none are named, rules that cannot be met are named, and a link never measured is never free."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brute_force import Steps

from hedgerow_orchestrator.placement.checks import Infeasible
from hedgerow_orchestrator.placement.instances import instance
from hedgerow_orchestrator.placement.network import Assumption, Links
from hedgerow_orchestrator.placement.objective import ENERGY, THROUGHPUT, Objective
from hedgerow_orchestrator.placement.plan import Plan
from hedgerow_orchestrator.placement.problem import Costs, Node, Problem, Rules, Stage, chain
from hedgerow_orchestrator.placement.scaling import scaled
from hedgerow_orchestrator.placement.solve import describe, solve


def two_workers(bandwidth: float = 1e6, **changes: object) -> Problem:
    """Two stages, each quick on one of two workers."""
    stages, edges = chain(("first", "second"), [1000.0], [10.0, 10.0])
    problem = Problem(
        stages,
        edges,
        (Node("a", 100.0, 5.0), Node("b", 100.0, 5.0)),
        Costs.measured([[0.01, 0.1], [0.1, 0.01]]),
        Links(np.full((2, 2), bandwidth), np.full((2, 2), 1e-3), np.full((2, 2), 30.0), np.zeros((2, 2))),
    )
    return replace(problem, **changes)  # type: ignore[arg-type]


def found(problem: Problem) -> Plan:
    return solve(problem, Steps(), 10)


@pytest.mark.parametrize("bad", [np.nan, -1.0, 0.0, np.inf])
def test_a_cost_that_is_none_is_refused_by_name(bad: float) -> None:
    costs = Costs.measured([[0.01, 0.1], [bad, 0.01]])
    with pytest.raises(ValueError, match=r"costs.seconds of stage 'second' on node 'a' is .*measure it"):
        found(two_workers(costs=costs))


@pytest.mark.parametrize(("bad", "name"), [(-1.0, "bandwidth"), (0.0, "bandwidth"), (np.inf, "bandwidth")])
def test_a_link_that_is_none_is_refused_by_name(bad: float, name: str) -> None:
    table = np.full((2, 2), 1e6)
    table[1, 0] = bad
    with pytest.raises(ValueError, match=rf"links.{name}_bytes_per_s from 'b' to 'a' is"):
        found(two_workers(links=Links(table, np.zeros((2, 2)))))


def test_other_entries_are_refused_by_name() -> None:
    good = two_workers()
    cases = [
        (replace(good, nodes=(Node("a", np.nan), Node("b"))), "capacity_bytes of node 'a' is nan"),
        (replace(good, nodes=(Node("a", 1, -3), Node("b"))), "power_w of node 'a' is -3"),
        (replace(good, nodes=(Node("a"), Node("a"))), "two nodes are called 'a'"),
        (replace(good, stages=(Stage("first", -1), Stage("second"))), "memory_bytes of stage 'first' is -1"),
        (replace(good, rules=Rules(max_partitions=0)), "max_partitions is 0"),
        (replace(good, rules=Rules(max_cuts=-1)), "max_cuts is -1"),
        (replace(good, rules=Rules(pins={"third": "a"})), "names stage 'third'; known: first, second"),
        (replace(good, rules=Rules(pins={"first": "c"})), "names node 'c'; known: a, b"),
        (replace(good, nodes=()), "there is no node"),
        (replace(good, objective=ENERGY, nodes=(Node("a", 100, 5), Node("b", 100))), "power of node 'b' is unknown"),
    ]
    for problem, words in cases:
        with pytest.raises(ValueError, match=words):
            found(problem)
    with pytest.raises(ValueError, match="weight of latency is -1"):
        Objective(latency=-1)
    with pytest.raises(ValueError, match="all weights"):
        Objective()


def test_what_cannot_be_met_is_named() -> None:
    good = two_workers()
    small = (Node("a", 15.0), Node("b", 15.0))
    cases = [
        (replace(good, nodes=(Node("a", is_cordoned=True), Node("b", is_cordoned=True))), "every node is cordoned"),
        (
            replace(good, rules=Rules(pins={"first": "a"}), nodes=(Node("a", is_cordoned=True), Node("b"))),
            "stage 'first' can run nowhere: it is pinned to 'a'",
        ),
        (replace(good, nodes=(Node("a", 5.0), Node("b", 5.0))), "memory: stage 'first' needs 10 bytes"),
        (replace(good, nodes=(Node("a", 12.0), Node("b", 5.0))), "memory: all stages need 20 bytes"),
        (replace(good, nodes=small, rules=Rules(max_cuts=0)), "memory and max_partitions: .* max_cuts 0"),
        (replace(good, nodes=small, rules=Rules(together=(("first", "second"),))), "limits of memory.*to be together"),
        (
            replace(good, rules=Rules(together=(("first", "second"),), apart=(("second", "first"),))),
            "together and apart",
        ),
    ]
    for problem, words in cases:
        with pytest.raises(Infeasible, match=words):
            found(problem)


def test_a_link_never_measured_is_unusable_or_assumed_and_told() -> None:
    apart = Rules(apart=(("first", "second"),))
    table = np.full((2, 2), 1e6)
    table[0, 1] = np.nan
    unknown = two_workers(links=Links(table, np.zeros((2, 2))))
    assert found(two_workers()).nodes == ("a", "b")
    assert found(unknown).nodes != ("a", "b")
    # The other direction was measured, and is used where a rule asks for two nodes.
    assert found(replace(unknown, rules=apart)).nodes == ("b", "a")
    none = replace(unknown, links=Links(np.full((2, 2), np.nan), np.zeros((2, 2))), rules=apart)
    with pytest.raises(Infeasible, match="links that were never measured"):
        found(none)
    assumed = replace(none, links=Links(np.full((2, 2), np.nan), np.zeros((2, 2)), assumption=Assumption(2e4, 0.5)))
    plan = found(assumed)
    assert plan.nodes == ("a", "b")
    assert plan.value == pytest.approx(0.05)
    assert plan.assumed_links == (("a", "b"),)
    assert any("never measured; assumed are 20 kB/s and 500 ms" in words for words in plan.words)


def test_directions_are_apart() -> None:
    table = np.array([[1.0, 5e3], [1e9, 1.0]])
    plan = found(two_workers(links=Links(table, np.zeros((2, 2))), rules=Rules(apart=(("first", "second"),))))
    assert plan.nodes == ("b", "a")
    assert plan.evaluation.link_s == {(1, 0): pytest.approx(1e-6)}
    other = two_workers(links=Links(table.T.copy(), np.zeros((2, 2))), rules=Rules(apart=(("first", "second"),)))
    assert found(other).evaluation.link_s == {(0, 1): pytest.approx(1e-6)}


def test_a_plan_explains_itself() -> None:
    costs = scaled([[0.01, 0.02], [np.nan, 0.01]], speed=[1.0, 9.0])
    assert costs.scaled_from.tolist() == [[-1, -1], [1, -1]]
    assert costs.seconds[1, 0] == pytest.approx(0.005)
    by_speed = scaled([[0.01, np.nan], [0.02, np.nan]], speed=[1.0, 2.0])
    assert by_speed.seconds[:, 1] == pytest.approx([0.005, 0.01])
    plan = found(two_workers(costs=costs, rules=Rules(pins={"second": "a"}, forbids=(("first", "b"),))))
    text = "; ".join(plan.words)
    assert "nothing is better (subset programming)" in text
    assert "the slowest part is node a with 15 ms" in text
    assert "the cost of second on a was not measured but scaled from b" in text
    assert plan.scaled == (("second", "a", "b"),)
    assert plan.idle == ("b",)
    assert "b is not used: pins and forbids leave it nothing" in text
    split = found(two_workers())
    text = "; ".join(split.words)
    assert "more than one node helps: the best single one, a, has 9.091 items/s, this placement 100 items/s" in text
    assert "the cut between first and second sends 1 kB from a to b: 1 ms on the link and 1 ms" in text
    assert "30 s old" in text


def test_scaling_goes_by_stages_in_common_and_refuses_to_guess() -> None:
    costs = scaled([[1.0, 2.0, 8.0], [2.0, 4.0, np.nan], [3.0, np.nan, 24.0]])
    assert costs.seconds[1, 2] == pytest.approx(16.0)
    assert costs.seconds[2, 1] == pytest.approx(6.0)
    assert costs.scaled_from[1, 2] == 0
    with pytest.raises(ValueError, match="stage 1 on node 0 was not measured and cannot be scaled"):
        scaled([[1.0, 1.0], [np.nan, np.nan]])


def test_a_placement_made_by_hand_is_described_or_refused() -> None:
    plan = describe(two_workers(), (1, 0), lower=0.01, solver="by hand")
    assert plan.value == pytest.approx(0.1)
    assert plan.gap == pytest.approx(9.0)
    assert not plan.is_exact
    with pytest.raises(Infeasible, match="2 partitions, which is 1 cuts, and 1 partitions are allowed"):
        describe(two_workers(rules=Rules(max_cuts=0)), (1, 0), lower=0.01, solver="by hand")


def test_an_instance_comes_from_its_seed_and_a_known_regime() -> None:
    one, two = instance(1, 5, 3, "mixed", THROUGHPUT), instance(1, 5, 3, "mixed", THROUGHPUT)
    assert np.array_equal(one.costs.seconds, two.costs.seconds)
    assert not np.array_equal(one.costs.seconds, instance(2, 5, 3, "mixed").costs.seconds)
    with pytest.raises(ValueError, match="regime 'none' unknown; known: fast, mixed, slow"):
        instance(1, 5, 3, "none")
