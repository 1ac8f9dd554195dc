"""Solve a chain: which method, what it proves, and when branch and bound has to finish the work."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from hedgerow_orchestrator.placement.additive import Additive, additive
from hedgerow_orchestrator.placement.budget import Budget
from hedgerow_orchestrator.placement.evaluate import Evaluator
from hedgerow_orchestrator.placement.layered import cheapest_path
from hedgerow_orchestrator.placement.order_walk import Walk, best_by_subsets
from hedgerow_orchestrator.placement.pipelined import Pipelined, bottleneck_s
from hedgerow_orchestrator.placement.problem import Problem
from hedgerow_orchestrator.placement.tables import ChainTables

PART_BOTTLENECK, PART_SUM, PART_INTERVAL = 0.2, 0.2, 0.05
"""Of the time for a weighted sum: for a bound on the bottleneck, on the rest, and for each interval between."""

SAME = 1e-9
"""Relative difference within which two values made by different sums are one."""


@dataclass(frozen=True)
class Found:
    """What a method came to: `placement` is empty where it found none, `lower` infinite where there is none."""

    placement: tuple[int, ...]
    lower: float
    solver: str


def once(problem: Problem, budget: Budget, seed: int, subsets_up_to: int) -> Found:
    """Each node takes one contiguous segment; rules of together and apart, and shared cores, are left out."""
    tables = ChainTables(problem)
    if len(problem.nodes) <= subsets_up_to:
        return _by_subsets(tables, budget)
    rng = np.random.default_rng(seed)
    if not tables.has_sum:
        search = Pipelined(tables, budget, rng)
        search.run()
        lower = np.inf if search.is_impossible else tables.weight * search.lower_s
        return Found(_placement(tables, search.segments), lower, "prices on nodes, anytime")
    if not tables.weight:
        sums = Additive(tables, budget, rng)
        sums.run()
        return Found(_placement(tables, sums.segments), sums.lower, "prices on nodes, anytime")
    return _weighted(tables, budget, rng)


def revisited(problem: Problem, evaluator: Evaluator) -> Found:
    """Nodes may be revisited; a bound, and for sums also the path that has it, which may break memory."""
    tables = ChainTables(problem)
    value, placement = cheapest_path(tables)
    seconds = np.where(evaluator.allowed, problem.costs.seconds, np.inf)
    least = max(float(seconds.min(axis=1).max()), _spread_bound(seconds))
    if np.isinf(value):
        return Found((), np.inf, "layered shortest path")
    return Found(placement, tables.weight * least + value, "layered shortest path")


def _spread_bound(seconds: np.ndarray) -> float:
    """The best of many weighted means of loads, none of which can exceed the greatest load."""
    prices = 1 / np.where(np.isinf(seconds), np.nan, seconds)
    prices = 1 / np.nan_to_num(1 / prices, nan=0.0).sum(axis=0)
    prices, best = prices / prices.sum(), 0.0
    for step in range(60):
        costs = seconds * prices
        best = max(best, float(costs.min(axis=1).sum()))
        chosen = costs.argmin(axis=1)
        load = np.bincount(chosen, seconds[np.arange(len(seconds)), chosen], minlength=seconds.shape[1])
        prices = prices * np.exp(0.5 / (1 + 0.1 * step) * (load / max(load.max(), 1e-300) - load.mean() / load.max()))
        prices /= prices.sum()
    return best


def _by_subsets(tables: ChainTables, budget: Budget) -> Found:
    name = "subset programming"
    if not tables.has_sum:
        value, segments = best_by_subsets(Walk(tables, is_bottleneck=True))
        return Found(_placement(tables, segments), tables.weight * value, name)
    value, segments = best_by_subsets(Walk(tables, is_bottleneck=False))
    if not tables.weight or not segments:
        return Found(_placement(tables, segments), value, name)
    return _weighted_by_subsets(tables, budget, segments)


def _weighted_by_subsets(tables: ChainTables, budget: Budget, segments: list[tuple[int, int, int]]) -> Found:
    """Best sums under limits on the bottleneck, where each interval of limits left open has a bound of its own.

    With the least sum s under a limit t reached at a bottleneck b, nothing with a bottleneck in [b, t] is better than
    that; what is below b has at least the sum s, and what is above t at least the sum of a higher limit.
    """
    name = "subset programming under limits on the bottleneck"
    weight = tables.weight
    least_s = best_by_subsets(Walk(tables, is_bottleneck=True))[0]
    slowest, total = bottleneck_s(tables, segments), additive(tables, segments)
    best, chosen = total + weight * slowest, segments
    # (bound, lowest bottleneck, highest bottleneck, least sum up to there)
    intervals = [(weight * least_s + total, least_s, slowest * (1 - SAME), total)]
    while intervals:
        bound, low, high, under_high = heapq.heappop(intervals)
        if bound >= best * (1 - 1e-12):
            return Found(_placement(tables, chosen), best, name)
        if budget.is_over():
            return Found(_placement(tables, chosen), bound, name)
        is_narrow = high <= low * (1 + 1e-6)
        middle = high if is_narrow else 0.5 * (low + high)
        total, segments = best_by_subsets(Walk(tables, is_bottleneck=False, limit_s=middle))
        if not is_narrow:
            heapq.heappush(intervals, (weight * middle + under_high, middle, high, under_high))
        if not segments:
            continue
        slowest = bottleneck_s(tables, segments)
        if total + weight * slowest < best:
            best, chosen = total + weight * slowest, segments
        below = slowest * (1 - SAME)
        if below >= low:
            heapq.heappush(intervals, (weight * low + total, low, below, total))
    return Found(_placement(tables, chosen), best, name)


def _weighted(tables: ChainTables, budget: Budget, rng: np.random.Generator) -> Found:
    """A bound for each interval in which the bottleneck may lie: the least holds, and its interval is halved."""
    name = "prices on nodes under limits on the bottleneck, anytime"
    weight = tables.weight
    pipelined = Pipelined(tables, Budget(lambda: budget.used_s, budget.seconds * PART_BOTTLENECK), rng)
    pipelined.run()
    if pipelined.is_impossible:
        return Found((), np.inf, name)
    sums = Additive(tables, budget, rng, pipelined.lower_s)
    sums.accept(pipelined.segments)
    sums.run(budget.seconds * PART_SUM)
    best, segments = sums.upper, sums.segments
    if not segments or np.isinf(sums.lower):
        return Found(_placement(tables, segments), sums.lower, name)
    # A bottleneck above the highest makes even the least sum too dear.
    highest_s = (best - sums.bound.best) / weight
    # (bound, lowest bottleneck, highest bottleneck, bound on sums up to there, prices that it came from)
    intervals = [(sums.lower, pipelined.lower_s, highest_s, sums.bound.best, tuple(sums.bound.best_prices[0]))]
    while not budget.is_over():
        bound, low, high, under_high, prices = intervals[0]
        if bound >= best * (1 - SAME):
            break
        middle = float(np.sqrt(low * high))
        if middle <= low * (1 + SAME):
            break
        part = Additive(tables, budget, rng, low, middle)
        part.bound.prices = np.array(prices)
        part.run(budget.seconds * PART_INTERVAL)
        if part.upper < best:
            best, segments = part.upper, part.segments
        under = max(under_high, part.bound.best)
        heapq.heapreplace(intervals, (weight * low + under, low, middle, under, tuple(part.bound.best_prices[0])))
        heapq.heappush(intervals, (weight * middle + under_high, middle, high, under_high, prices))
    return Found(_placement(tables, segments), min(best, intervals[0][0]), name)


def _placement(tables: ChainTables, segments: list[tuple[int, int, int]]) -> tuple[int, ...]:
    return tables.placement(segments) if segments else ()
