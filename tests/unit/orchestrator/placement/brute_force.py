"""All placements of a small problem, random small problems of every kind to try solvers on, and a clock for them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from hedgerow_orchestrator.placement.evaluate import Evaluator
from hedgerow_orchestrator.placement.instances import REGIMES, instance
from hedgerow_orchestrator.placement.network import Assumption
from hedgerow_orchestrator.placement.objective import ENERGY, LATENCY, THROUGHPUT, Objective
from hedgerow_orchestrator.placement.problem import CoreGroup, Problem, Rules

OBJECTIVES = (THROUGHPUT, LATENCY, ENERGY, Objective(1, 0.3, 0.05), Objective(2, 0, 0))


class Steps:
    """A clock that goes on by a millisecond a look, so that a test does not hang on the machine."""

    def __init__(self, step_s: float = 1e-3) -> None:
        self.now, self.step_s = 0.0, step_s

    def __call__(self) -> float:
        self.now += self.step_s
        return self.now


def best_value(problem: Problem) -> float:
    """The optimum by looking at everything; infinite where no placement keeps the rules."""
    evaluator = Evaluator(problem)
    every = itertools.product(range(len(problem.nodes)), repeat=len(problem.stages))
    return min((evaluator.evaluate(one).value for one in every if not evaluator.broken(one)), default=np.inf)


@st.composite
def problems(draw: st.DrawFn, *, may_group: bool = True) -> Problem:
    """Chains of four to six stages on one to three nodes with any rules."""
    nodes = draw(st.integers(1, 3))
    stages = draw(st.integers(4, 6 if nodes < 3 else 5))
    layer = st.sampled_from([f"layer {at}" for at in range(stages)])
    worker = st.sampled_from([f"worker {at}" for at in range(nodes)])
    pair = st.tuples(layer, layer).filter(lambda both: both[0] != both[1])
    rules = Rules(
        pins=draw(st.dictionaries(layer, worker, max_size=1)),
        forbids=tuple(draw(st.lists(st.tuples(layer, worker), max_size=2))),
        together=tuple(draw(st.lists(pair, max_size=1))),
        apart=tuple(draw(st.lists(pair, max_size=1))) if draw(st.booleans()) else (),
        may_revisit=draw(st.booleans()),
        max_partitions=draw(st.sampled_from([None, None, 1, 2, 3])),
        max_cuts=draw(st.sampled_from([None, None, 0, 1, 2])),
    )
    objective = draw(st.sampled_from(OBJECTIVES))
    problem = instance(draw(st.integers(0, 10_000)), stages, nodes, draw(st.sampled_from(REGIMES)), objective, rules)
    shrunk = draw(st.sampled_from([0.4, 0.7, 1.0, np.inf]))
    cordoned = draw(st.sampled_from([-1, -1, -1, 0]))
    problem = replace(
        problem,
        nodes=tuple(
            replace(node, capacity_bytes=node.capacity_bytes * shrunk, is_cordoned=at == cordoned)
            for at, node in enumerate(problem.nodes)
        ),
    )
    if nodes > 1 and draw(st.booleans()):
        bandwidth = problem.links.bandwidth_bytes_per_s.copy()
        bandwidth[0, 1] = np.nan
        assumption = draw(st.sampled_from([None, Assumption(1e6, 0.05)]))
        problem = replace(problem, links=replace(problem.links, bandwidth_bytes_per_s=bandwidth, assumption=assumption))
    if may_group and nodes > 1 and draw(st.booleans()):
        cores, shares = draw(st.sampled_from([1.0, 1.5])), draw(st.sampled_from([(), (1.0, 0.25), (0.5, 0.5)]))
        moving_s = draw(st.sampled_from([(), (0.002,) * nodes]))
        problem = replace(problem, groups=(CoreGroup(("worker 0", "worker 1"), cores, shares),), moving_s=moving_s)
    return problem
