"""The way in: find a placement, with a proof or with a bound, within a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hedgerow_orchestrator.placement import explain
from hedgerow_orchestrator.placement.budget import Budget
from hedgerow_orchestrator.placement.chains import SAME, Found, once, revisited
from hedgerow_orchestrator.placement.checks import Infeasible, check, obvious_conflict
from hedgerow_orchestrator.placement.climb import climb
from hedgerow_orchestrator.placement.diagnose import conflict
from hedgerow_orchestrator.placement.evaluate import Evaluator
from hedgerow_orchestrator.placement.even import evened
from hedgerow_orchestrator.placement.order_walk import MOST_NODES
from hedgerow_orchestrator.placement.part import usable_part
from hedgerow_orchestrator.placement.plan import Plan, Segment
from hedgerow_orchestrator.placement.problem import Problem
from hedgerow_orchestrator.placement.search import Search


class NotFound(Exception):
    """The time was too short to find a placement, or to prove that there is none."""


def solve(
    problem: Problem,
    clock: Callable[[], float],
    seconds: float = 1.0,
    seed: int = 0,
    subsets_up_to: int = MOST_NODES,
    evenness: float = 0.0,
) -> Plan:
    """The best placement that is found; the same clock readings and seed give the same answer.

    Args:
        problem: see `Problem`.
        clock: seconds from any origin, such as `time.monotonic`.
        seconds: about how long the search may take where it is not exact sooner.
        seed: of what is tried at random.
        subsets_up_to: nodes up to which all subsets are walked through; fewer make the anytime search work sooner.
        evenness: what a faster slowest part is worth, see `evened`; with 0 it costs nothing, and the best is the best.

    Raises:
        ValueError: the problem is none; the entry is named.
        Infeasible: no placement keeps all rules; the text says which cannot be met.
        NotFound: none was found in the time, and none was proved impossible.
    """
    budget = Budget(clock, seconds)
    check(problem)
    if obvious := obvious_conflict(problem):
        raise Infeasible(obvious)
    part, kept = usable_part(problem)
    evaluator = Evaluator(part)
    found = _find(part, evaluator, budget, seed, subsets_up_to)
    if not found.placement:
        if np.isinf(found.lower):
            raise Infeasible(conflict(part, budget))
        raise NotFound(f"no placement was found in {seconds:g} s and none was proved impossible; give more time")
    even = evened(evaluator, found.placement, evenness)
    plan = describe(problem, tuple(kept[node] for node in even), found.lower, found.solver, budget.used_s)
    given_up = evaluator.evaluate(even).value - evaluator.evaluate(found.placement).value
    if given_up <= SAME * plan.value:
        return plan
    return replace(plan, words=(*plan.words, explain.evened(evaluator, found.placement, even)))


def describe(problem: Problem, placement: tuple[int, ...], lower: float, solver: str, used_s: float = 0.0) -> Plan:
    """A plan from a placement, be it found or made by hand.

    Raises:
        Infeasible: it breaks a rule, which is named.
    """
    evaluator = Evaluator(problem)
    if broken := evaluator.broken(placement):
        raise Infeasible(broken)
    evaluation = evaluator.evaluate(placement)
    is_exact = lower >= evaluation.value * (1 - SAME)
    names, nodes = problem.node_names, tuple(problem.node_names[node] for node in placement)
    starts = [at for at in range(len(nodes)) if not problem.is_chain or at == 0 or nodes[at] != nodes[at - 1]]
    ends = [*starts[1:], len(nodes)]
    proof = "how far from the best is unknown"
    if is_exact:
        proof = "nothing is better"
    elif lower > 0:
        proof = f"at most {evaluation.value / lower - 1:.2%} above the best"
    unit = problem.objective.unit
    headline = f"{problem.objective.name} {explain.figure(evaluation.value, problem.objective)}, {proof} ({solver})"
    return Plan(
        nodes=nodes,
        segments=tuple(Segment(nodes[begin], begin, end) for begin, end in zip(starts, ends, strict=True)),
        evaluation=evaluation,
        objective=problem.objective.name,
        value=evaluation.value,
        unit=unit,
        lower_bound=min(lower, evaluation.value),
        solver=solver,
        is_exact=is_exact,
        used_s=used_s,
        idle=tuple(name for name in names if name not in nodes),
        assumed_links=explain.assumed_links(problem, placement),
        scaled=explain.scaled_entries(problem, placement),
        words=(headline, *explain.explain(problem, evaluator, placement, evaluation)),
    )


def _find(problem: Problem, evaluator: Evaluator, budget: Budget, seed: int, subsets_up_to: int) -> Found:
    rules = problem.rules
    found = Found((), -np.inf, "")
    if problem.is_chain and not rules.may_revisit:
        found = once(problem, budget, seed, subsets_up_to)
    elif problem.is_chain:
        found = revisited(problem, evaluator)
    if np.isinf(found.lower) and found.lower > 0:
        return found
    if found.placement and not evaluator.broken(found.placement):
        if evaluator.evaluate(found.placement).value <= found.lower * (1 + SAME):
            return found
        if not (rules.may_revisit or rules.together or rules.apart or problem.groups) and budget.is_over():
            return found
    search = Search(problem, evaluator, budget)
    search.offer(found.placement)
    if problem.is_chain and rules.may_revisit:
        single = once(problem, Budget(lambda: budget.used_s, budget.seconds * 0.3), seed, subsets_up_to)
        search.offer(single.placement)
    search.offer(climb(evaluator, search.placement, budget, seed))
    search.run()
    lower = max(found.lower, search.lower)
    by = found.solver if search.placement == found.placement and found.solver else "branch and bound"
    return Found(search.placement, lower, by)
