"""Say which constraints cannot be met together: those without which there would be a placement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hedgerow_orchestrator.placement.budget import Budget
from hedgerow_orchestrator.placement.climb import climb
from hedgerow_orchestrator.placement.evaluate import Evaluator
from hedgerow_orchestrator.placement.network import Assumption
from hedgerow_orchestrator.placement.problem import Problem, Rules
from hedgerow_orchestrator.placement.search import Search

PART = 0.1
"""Seconds for each constraint that is lifted for a look."""


def conflict(problem: Problem, budget: Budget) -> str:
    """In words, for a problem known to have no placement."""
    helps, unsure = [], []
    for name, lifted in _lifted(problem):
        evaluator = Evaluator(lifted)
        part = Budget(lambda: budget.used_s, PART)
        search = Search(lifted, evaluator, part)
        search.offer(climb(evaluator, (), part, 0))
        if not search.placement:
            search.run()
        if search.placement:
            helps.append(name)
        elif not search.is_complete:
            unsure.append(name)
    if helps:
        return "no placement keeps all rules together; there is one without " + ", or without ".join(helps)
    rest = f" (not told in time for {', '.join(unsure)})" if unsure else ""
    return f"no placement keeps all rules, and lifting a single kind of them does not help{rest}"


def _lifted(problem: Problem) -> Iterator[tuple[str, Problem]]:
    rules = problem.rules
    if any(np.isfinite(node.capacity_bytes) for node in problem.nodes):
        nodes = tuple(replace(node, capacity_bytes=np.inf) for node in problem.nodes)
        yield "the limits of memory", replace(problem, nodes=nodes)
    if not problem.links.measured.all() and problem.links.assumption is None:
        links = replace(problem.links, assumption=Assumption(1.0, 1.0))
        yield "leaving out links that were never measured", replace(problem, links=links)

    def other(name: str, changed: Rules) -> tuple[str, Problem]:
        return name, replace(problem, rules=changed)

    if rules.most_partitions is not None:
        limits = f"max_partitions {rules.max_partitions} and max_cuts {rules.max_cuts}"
        yield other(limits, replace(rules, max_partitions=None, max_cuts=None))
    if problem.is_chain and not rules.may_revisit:
        yield other("one segment a node (may_revisit is off)", replace(rules, may_revisit=True))
    if rules.pins:
        yield other("the pins", replace(rules, pins={}))
    if rules.forbids:
        yield other("the forbids", replace(rules, forbids=()))
    if rules.together:
        yield other("stages that are to be together", replace(rules, together=()))
    if rules.apart:
        yield other("stages that are to be apart", replace(rules, apart=()))
