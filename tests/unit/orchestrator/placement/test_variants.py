"""Variants: the front of latency and accuracy equals brute force, and a limit picks from it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow_orchestrator.placement.checks import Infeasible
from hedgerow_orchestrator.placement.evaluate import Evaluator
from hedgerow_orchestrator.placement.instances import REGIMES, instance
from hedgerow_orchestrator.placement.objective import LATENCY
from hedgerow_orchestrator.placement.problem import Costs, Problem, Rules, Stage
from hedgerow_orchestrator.placement.variants import Variant, front


def choices(seed: int, stages: int, nodes: int) -> list[list[Variant]]:
    rng = np.random.default_rng(seed)
    return [
        [
            Variant(
                f"v{number}",
                float(rng.uniform(0.7, 1)),
                tuple(rng.uniform(0.01, 0.1, nodes)),
                float(rng.integers(1, 5)),
            )
            for number in range(2)
        ]
        for _ in range(stages)
    ]


def every_choice(problem: Problem, variants: list[list[Variant]]) -> list[tuple[float, float]]:
    found = []
    for picked in itertools.product(*variants):
        exact = replace(
            problem,
            stages=tuple(Stage(s.name, v.memory_bytes) for s, v in zip(problem.stages, picked, strict=True)),
            costs=Costs.measured([variant.seconds for variant in picked]),
        )
        evaluator = Evaluator(exact)
        for placement in itertools.product(range(len(problem.nodes)), repeat=len(picked)):
            if not evaluator.broken(placement):
                accuracy = float(np.prod([variant.accuracy for variant in picked]))
                found.append((evaluator.evaluate(placement).value, accuracy))
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 1000),
    st.integers(1, 3),
    st.booleans(),
    st.sampled_from([None, 1, 2]),
    st.sampled_from([4.0, 6.0, 9.0, np.inf]),
)
def test_the_front_equals_brute_force(
    seed: int, nodes: int, may_revisit: bool, most: int | None, capacity: float
) -> None:
    stages = 4 if nodes < 3 else 3
    rules = Rules(may_revisit=may_revisit, max_partitions=most)
    problem = instance(seed, stages, nodes, REGIMES[seed % 3], LATENCY, rules)
    problem = replace(problem, nodes=tuple(replace(node, capacity_bytes=capacity) for node in problem.nodes))
    variants = choices(seed, stages, nodes)
    every = every_choice(problem, variants)
    if not every:
        with pytest.raises(Infeasible, match="memory, pins, forbids, links and partitions"):
            front(problem, variants)
        return
    found = front(problem, variants)
    assert found.is_exact
    for latency, accuracy in every:
        assert any(
            one.latency_s <= latency * (1 + 1e-9) and one.accuracy >= accuracy * (1 - 1e-9) for one in found.choices
        )
    for one in found.choices:
        assert any(
            one.latency_s == pytest.approx(latency, rel=1e-9) and one.accuracy == pytest.approx(accuracy, rel=1e-9)
            for latency, accuracy in every
        )


def test_a_limit_picks_from_the_front() -> None:
    problem = instance(1, 2, 2, "fast", LATENCY)
    problem = replace(problem, nodes=tuple(replace(node, capacity_bytes=np.inf) for node in problem.nodes))
    small, large = Variant("small", 0.7, (0.01, 0.02)), Variant("large", 0.9, (0.04, 0.08))
    found = front(problem, [[small, large], [Variant("only", 1.0, (0.01, 0.01))]])
    assert found.within(latency_s=0.03).variants == ("small", "only")
    assert found.within(latency_s=0.05).variants == ("large", "only")
    assert found.within(accuracy=0.6).variants == ("small", "only")
    assert found.within(accuracy=0.8).variants == ("large", "only")
    with pytest.raises(Infeasible, match=r"0.001 s or less; the quickest takes 0.02 s"):
        found.within(latency_s=0.001)
    with pytest.raises(Infeasible, match=r"accuracy of 0.95; the best has 0.9"):
        found.within(accuracy=0.95)


def test_bad_variants_are_refused_by_name() -> None:
    problem = instance(1, 2, 2, "fast", LATENCY)
    good = Variant("good", 0.9, (0.1, 0.1))
    for bad, words in (
        (Variant("bad", 0.0, (0.1, 0.1)), "variant 'bad' of 'layer 1': accuracy 0.0"),
        (Variant("bad", 0.5, (0.1, float("nan"))), "variant 'bad' of 'layer 1' costs nan s on 'worker 1'"),
        (Variant("bad", 0.5, (0.1,)), "has 1 costs"),
    ):
        with pytest.raises(ValueError, match=words):
            front(problem, [[good], [bad]])
    with pytest.raises(ValueError, match="stage 'layer 1' has no variant"):
        front(problem, [[good], []])
