"""Move single stages and swap pairs while that helps: a first placement for branch and bound to beat."""

from __future__ import annotations

import random

from hedgerow_orchestrator.placement.budget import Budget
from hedgerow_orchestrator.placement.evaluate import Evaluator

PART = 0.3
"""Of the time; the rest is for the search that proves."""


def climb(evaluator: Evaluator, placement: tuple[int, ...], budget: Budget, seed: int) -> tuple[int, ...]:
    """A placement at least as good; empty where there was none to begin with and none is found at random."""
    rng = random.Random(seed)
    problem = evaluator.problem
    stages, nodes = len(problem.stages), len(problem.nodes)
    if not placement:
        placement = _at_random(evaluator, rng)
    if not placement or nodes == 1:
        return placement
    value, best = evaluator.evaluate(placement).value, list(placement)
    stalled, enough = 0, 4 * stages * nodes
    while stalled < enough and not budget.is_past(PART):
        tried = list(best)
        begin = rng.randrange(stages)
        end = min(stages, begin + (1 if rng.random() < 0.6 else rng.randrange(1, 6)))
        tried[begin:end] = [rng.randrange(nodes)] * (end - begin)
        stalled += 1
        if tried != best and not evaluator.broken(tried):
            new = evaluator.evaluate(tried).value
            if new < value:
                best, value, stalled = tried, new, 0
    return tuple(best)


def _at_random(evaluator: Evaluator, rng: random.Random) -> tuple[int, ...]:
    stages, nodes = evaluator.allowed.shape
    options = [[node for node in range(nodes) if evaluator.allowed[at, node]] for at in range(stages)]
    for _ in range(50):
        tried = tuple(rng.choice(nodes_of_stage) for nodes_of_stage in options)
        if not evaluator.broken(tried):
            return tried
    return ()
