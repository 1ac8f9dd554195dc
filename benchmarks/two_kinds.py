"""Large placement problems whose exact optimum can be computed: workers of two kinds, alike within their kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hedgerow_orchestrator.placement.instances import instance
from hedgerow_orchestrator.placement.network import Links
from hedgerow_orchestrator.placement.objective import Objective
from hedgerow_orchestrator.placement.order_walk import Walk
from hedgerow_orchestrator.placement.problem import Costs, Problem
from hedgerow_orchestrator.placement.tables import ChainTables


def two_kinds(seed: int, stages: int, first: int, second: int, regime: str, objective: Objective) -> Problem:
    """`first` workers like worker 0 of the seed's instance and `second` like worker 1, in a shuffled order.

    A link depends on the kinds of its ends only.
    """
    base = instance(seed, stages, 4, regime, objective)
    kinds = np.random.default_rng(seed).permutation([0] * first + [1] * second)
    of_pair = np.ix_(kinds, kinds + 2)
    given = base.links
    joules = given.energy_j_per_byte
    return replace(
        base,
        nodes=tuple(
            replace(
                base.nodes[kind],
                name=f"worker {at}",
                # The instance shares three times its memory among four; here a node holds about a fifth of the whole.
                capacity_bytes=0.2 * sum(stage.memory_bytes for stage in base.stages),
            )
            for at, kind in enumerate(kinds)
        ),
        costs=Costs.measured(base.costs.seconds[:, kinds]),
        links=Links(
            given.bandwidth_bytes_per_s[of_pair],
            given.latency_s[of_pair],
            energy_j_per_byte=None if joules is None else joules[of_pair],
        ),
    )


def optimum(problem: Problem) -> float:
    """The least value: programming over how many of each kind are used and which kind came last."""
    columns = problem.costs.seconds.T
    is_second = (columns != columns[0]).any(axis=1)
    members = [np.flatnonzero(~is_second), np.flatnonzero(is_second)]
    walk = Walk(ChainTables(problem), is_bottleneck=problem.objective.bottleneck > 0, only=[int(m[0]) for m in members])
    # One of each kind stands for all; a second one of the kind is the other end of a link within it.
    done: dict[tuple[int, int, int], np.ndarray] = {}
    best = np.inf
    for count in range(1, len(columns) + 1):
        for used in range(max(0, count - len(members[1])), min(count, len(members[0])) + 1):
            for kind in (0, 1):
                before = (used - 1, count - used) if kind == 0 else (used, count - used - 1)
                if min(before) < 0:
                    continue
                node = int(members[kind][0])
                ready = [walk.first()] if before == (0, 0) else []
                for last in (0, 1):
                    if (*before, last) in done:
                        sender = int(members[last][0 if last != kind else 1])
                        ready.append(walk.arrive(done[*before, last], sender, node))
                if ready:
                    done[used, count - used, kind] = walk.extend(np.minimum.reduce(ready), node)
                    best = min(best, float(done[used, count - used, kind][0, -1]))
    return best
