"""Placement: small problems against brute force, exact plans for 8 workers, gaps for 64 in a second of thread time."""

from __future__ import annotations

import itertools
import statistics
import time
from typing import Any

import numpy as np

from benchmarks.figures import Figure, at_most, fixed_at_most
from benchmarks.two_kinds import optimum, two_kinds
from hedgerow_orchestrator.placement.checks import Infeasible
from hedgerow_orchestrator.placement.evaluate import Evaluator
from hedgerow_orchestrator.placement.instances import REGIMES, instance
from hedgerow_orchestrator.placement.objective import ENERGY, LATENCY, THROUGHPUT, Objective
from hedgerow_orchestrator.placement.order_walk import MOST_NODES
from hedgerow_orchestrator.placement.plan import Plan
from hedgerow_orchestrator.placement.problem import Problem, Rules
from hedgerow_orchestrator.placement.solve import NotFound, solve

WEIGHTED = Objective(bottleneck=1, latency=0.3, energy=0.05)
OBJECTIVES = (THROUGHPUT, LATENCY, ENERGY, WEIGHTED)
SMALL = 500
SEEDS_64 = {"throughput": 8, "latency": 3, "energy": 2, "weighted": 4}
LIMITS = (3.0, 8.0)
"""Median and p90 in %, of every objective."""

SAME = 1e-9


def measure() -> list[Figure]:
    """All figures; the clock is the thread's own processor time."""
    return [*_small(), *_eight(), *_reported(), *_true()]


def _solve(problem: Problem, seconds: float = 1.0, subsets_up_to: int = MOST_NODES) -> Plan:
    return solve(problem, time.thread_time, seconds, subsets_up_to=subsets_up_to)


def _best(problem: Problem) -> float:
    evaluator = Evaluator(problem)
    every = itertools.product(range(len(problem.nodes)), repeat=len(problem.stages))
    return min((evaluator.evaluate(one).value for one in every if not evaluator.broken(one)), default=np.inf)


def _small() -> list[Figure]:
    """Exact solvers and, with subsets switched off, the anytime bound, on 500 problems beside brute force."""
    unequal, above, without = 0, 0, 0
    for seed in range(SMALL):
        rules = Rules(may_revisit=seed % 8 >= 4, max_partitions=(None, 2, 3)[seed % 3])
        problem = instance(seed, 5 + seed % 2, 3, REGIMES[seed // 4 % 3], OBJECTIVES[seed % 4], rules)
        best = _best(problem)
        try:
            plan = _solve(problem)
            unequal += abs(plan.value - best) > SAME * best or not plan.is_exact
        except Infeasible:
            unequal += bool(np.isfinite(best))
            without += 1
        try:
            above += _solve(problem, 0.05, subsets_up_to=0).lower_bound > best * (1 + SAME)
        except Infeasible:
            above += bool(np.isfinite(best))
        except NotFound:
            pass
    details = {"problems": SMALL, "without any placement": without}
    return [
        Figure("placement brute force", unequal, "of 500 unequal", (fixed_at_most(0),), details),
        Figure("placement brute force: bound above", above, "of 500", (fixed_at_most(0),), details),
    ]


def _eight() -> list[Figure]:
    figures = []
    for objective in OBJECTIVES:
        plans = [_solve(instance(seed, 150, 8, regime, objective), 5) for regime in REGIMES for seed in range(3)]
        used = tuple(plan.used_s for plan in plans)
        details = {"not exact": sum(not plan.is_exact for plan in plans), "slowest_s": max(used)}
        bounds = (at_most(0.3),) if not details["not exact"] else (fixed_at_most(-1),)
        figures.append(
            Figure(f"placement 150x8: {objective.name}", statistics.median(used), "s", bounds, details, used)
        )
    return figures


def _reported() -> list[Figure]:
    """The gap that a plan tells of itself, against its own lower bound."""
    figures: list[Figure] = []
    every: list[float] = []
    for objective in OBJECTIVES:
        seeds = range(SEEDS_64[objective.name])
        plans = [_solve(instance(seed, 150, 64, regime, objective)) for regime in REGIMES for seed in seeds]
        gaps = tuple(100 * plan.gap for plan in plans)
        every += gaps
        details = {"slowest_s": max(plan.used_s for plan in plans), "worst": max(gaps), "proved": gaps.count(0.0)}
        figures += _median_and_tail(f"placement 150x64: gap, {objective.name}", gaps, details)
    return [*_median_and_tail("placement 150x64: gap", tuple(every), {"problems": len(every)}), *figures]


def _median_and_tail(name: str, gaps: tuple[float, ...], details: dict[str, Any]) -> list[Figure]:
    return [
        Figure(f"{name}, median", statistics.median(gaps), "%", (fixed_at_most(LIMITS[0]),), details, gaps),
        Figure(f"{name}, p90", float(np.quantile(gaps, 0.9)), "%", (fixed_at_most(LIMITS[1]),), details, gaps),
    ]


def _true() -> list[Figure]:
    """The gap against the exact optimum, where workers of two kinds make it computable."""
    gaps, reported, above = [], [], 0
    for objective in (THROUGHPUT, LATENCY, ENERGY):
        for regime in REGIMES:
            for seed in range(2):
                problem = two_kinds(seed, 150, 24, 40, regime, objective)
                plan = _solve(problem)
                best = optimum(problem)
                gaps.append(100 * (plan.value / best - 1))
                above += plan.lower_bound > best * (1 + SAME)
                reported.append(100 * plan.gap)
    details = {"median": statistics.median(gaps), "worst reported": max(reported)}
    return [
        Figure("placement 150x64: true gap, worst", max(gaps), "%", (fixed_at_most(2),), details, tuple(gaps)),
        Figure("placement 150x64: bound above", above, f"of {len(gaps)}", (fixed_at_most(0),)),
    ]
