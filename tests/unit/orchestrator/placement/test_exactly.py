"""Exactly N parts on N nodes: never worse than all there are, tried one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow_orchestrator.placement.checks import Infeasible
from hedgerow_orchestrator.placement.evaluate import Evaluator
from hedgerow_orchestrator.placement.exactly import exactly
from hedgerow_orchestrator.placement.network import Links
from hedgerow_orchestrator.placement.objective import ENERGY, LATENCY, THROUGHPUT, Objective
from hedgerow_orchestrator.placement.problem import Costs, Node, Problem, chain


def a_problem(seed: int, layers: int, nodes: int, objective: Objective) -> Problem:
    random = np.random.default_rng(seed)
    seconds = random.uniform(1e-3, 1e-1, (layers, nodes))
    stages, edges = chain([f"l{at}" for at in range(layers)], list(random.uniform(1e3, 1e6, layers - 1)))
    square = (nodes, nodes)
    links = Links(
        random.uniform(1e6, 1e8, square), random.uniform(0, 0.05, square), energy_j_per_byte=np.full(square, 1e-7)
    )
    named = tuple(Node(f"n{at}", np.inf, float(random.uniform(1, 20))) for at in range(nodes))
    return Problem(
        stages=stages,
        edges=edges,
        nodes=named,
        costs=Costs(seconds, np.full(seconds.shape, -1)),
        links=links,
        objective=objective,
    )


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(2, 6),
    st.integers(2, 4),
    st.sampled_from([THROUGHPUT, LATENCY, ENERGY]),
    st.data(),
)
def test_nothing_that_there_is_is_better(
    seed: int, layers: int, nodes: int, objective: Objective, data: st.DataObject
) -> None:
    parts = data.draw(st.integers(1, min(layers, nodes)))
    problem = a_problem(seed, layers, nodes, objective)
    placement, is_exact = exactly(problem, parts)
    evaluator = Evaluator(problem)
    values = []
    for inner in itertools.combinations(range(1, layers), parts - 1):
        bounds = (0, *inner, layers)
        for chosen in itertools.permutations(range(nodes), parts):
            layers_on = tuple(node for at, node in enumerate(chosen) for _ in range(bounds[at + 1] - bounds[at]))
            values.append(evaluator.evaluate(layers_on).value)
    assert is_exact
    assert len(list(itertools.groupby(placement))) == len(set(placement)) == parts
    assert evaluator.evaluate(placement).value == pytest.approx(min(values))


def test_an_order_is_kept_and_what_cannot_be_is_refused() -> None:
    problem = a_problem(1, 4, 3, THROUGHPUT)
    assert [key for key, _ in itertools.groupby(exactly(problem, 3, (2, 0, 1))[0])] == [2, 0, 1]
    with pytest.raises(Infeasible, match="4 parts need 4 workers, each its own, and 3 can host one: n0, n1, n2"):
        exactly(problem, 4)
    with pytest.raises(Infeasible, match="4 layers cannot be cut into 5 parts"):
        exactly(problem, 5)
