"""The bottleneck of a long chain on many nodes: a search that proves from below what it has not found from above."""

from __future__ import annotations

import itertools

import numpy as np

from hedgerow_orchestrator.placement.budget import Budget
from hedgerow_orchestrator.placement.duals import refute, usage
from hedgerow_orchestrator.placement.improve import repair
from hedgerow_orchestrator.placement.network import Numbers
from hedgerow_orchestrator.placement.prices import Priced, Segments, Stretch
from hedgerow_orchestrator.placement.tables import ChainTables

GOAL = 1e-4
"""A gap at which the search is content."""

FLOOR = 1e-4
"""Least price of a node, so that idle ones are not wasted where they do not help."""

TRIES = 100
PACE = 5e-4

FINDING, FINDING_STUCK, STUCK = 1.0, 0.3, 3
"""Time for finding by that for proving; less after three rounds without a find, for then the bound is what moves."""


def bottleneck_s(tables: ChainTables, segments: Segments) -> float:
    """The slowest segment or cut."""
    value = max(float(tables.prefix_s[end, node] - tables.prefix_s[begin, node]) for node, begin, end in segments)
    for (sender, _, _), (receiver, begin, _) in itertools.pairwise(segments):
        value = max(value, float(tables.cut_s[begin, sender, receiver]))
    return value


def simple_bound_s(tables: ChainTables) -> tuple[float, Numbers]:
    """The largest stage on its best node, and all work by all speeds; with the prices that the latter comes from."""
    seconds = np.diff(tables.prefix_s, axis=0)
    fits = tables.lowest[1:] < np.arange(1, tables.stages + 1)[:, None]
    prices = 1 / seconds.sum(axis=0)
    prices /= prices.sum()
    dearest = float(np.where(fits, seconds, np.inf).min(axis=1).max())
    spread = float(np.where(fits, seconds * prices, np.inf).min(axis=1).sum())
    return max(dearest, spread), prices


class Pipelined:
    """The search: `lower_s` and `upper_s` close in on the optimum while time lasts.

    Attributes:
        segments: the best placement found; empty before there is one.
        is_impossible: no placement can exist, whatever the time between two items.
    """

    def __init__(self, tables: ChainTables, budget: Budget, rng: np.random.Generator) -> None:
        self.tables, self.budget, self.rng = tables, budget, rng
        self.lower_s, self.prices = simple_bound_s(tables)
        self.upper_s, self.segments = np.inf, Segments()
        self.is_impossible = False
        self._whole = Stretch(0, tables.stages, np.arange(tables.nodes), tables.most)
        self._unproved_s = np.inf
        self._pace = 0.02
        self._stuck = 0
        self._high = self.prices

    def accept(self, segments: Segments) -> None:
        """Take a placement if it is the best so far."""
        if segments and (value := bottleneck_s(self.tables, segments)) < self.upper_s:
            self.upper_s, self.segments = value, segments

    def run(self) -> None:
        """Search until the gap is closed or the time is up."""
        self._begin()
        while self.segments and not self.budget.is_over() and self.upper_s > self.lower_s * (1 + GOAL):
            began = self.budget.used_s
            self._prove()
            share = FINDING if self._stuck < STUCK else FINDING_STUCK
            self._find(share * (self.budget.used_s - began))

    def _begin(self) -> None:
        longest = self.tables.prefix_s[-1].max() + np.where(np.isfinite(self.tables.cut_s), self.tables.cut_s, 0).max()
        limit, growth = self.lower_s, 1.15
        if np.isinf(limit) or np.isinf(self._priced(np.inf).cheapest(self.prices)[0]):
            self.is_impossible = True
            return
        while not self.segments:
            limit = limit if limit <= longest else np.inf
            priced = self._priced(limit)
            is_refuted, self.prices, _ = refute(priced, self.prices, 4, self.budget.is_over)
            if not is_refuted:
                self.accept(priced.without_repeats(np.maximum(self.prices, FLOOR), self._whole))
            elif np.isinf(limit):
                self.is_impossible = True
            else:
                self.lower_s = max(self.lower_s, limit)
            if np.isinf(limit) or (self.budget.is_over() and self.segments):
                return
            limit, growth = limit * growth, min(2.0, growth * 1.1)

    def _priced(self, limit_s: float) -> Priced:
        return Priced(self.tables, limit_s, is_counted=False)

    def _prove(self) -> None:
        """One round from below, at a limit between what is proved and what lately could not be."""
        above = min(self._unproved_s, self.upper_s)
        limit = self.lower_s + 0.5 * (above - self.lower_s)
        if limit <= self.lower_s * (1 + GOAL / 2):
            limit = self.lower_s * (1 + GOAL)
        priced = self._priced(limit)
        is_refuted, self.prices, _ = refute(priced, self.prices, 30, self.budget.is_over)
        if is_refuted:
            self.lower_s = max(self.lower_s, limit)
            # Prices have moved on since the failure above.
            self._unproved_s = above + 0.3 * (self.upper_s - above)
        else:
            self._unproved_s = limit
            self.accept(priced.without_repeats(np.maximum(self.prices, FLOOR), self._whole))

    def _find(self, seconds: float) -> None:
        """Some rounds from above, each a little below the best."""
        if self._stuck == 0:
            self._high = np.maximum(self.prices, FLOOR)
        until = self.budget.used_s + seconds
        while not self.budget.is_over() and self.budget.used_s < until and self.upper_s > self.lower_s * (1 + GOAL):
            limit = self.upper_s - min(self._pace * self.upper_s, 0.6 * (self.upper_s - self.lower_s))
            before = self.upper_s
            priced = self._priced(limit)
            if self._stuck % 3 == 2:
                # Another begin, slightly worse than the best.
                noisy = self._high * np.exp(self.rng.normal(0.0, 0.3, len(self._high)))
                other = self._priced(self.upper_s * (1 + self.rng.uniform(0, 0.03))).without_repeats(noisy, self._whole)
                self.accept(repair(priced, other, self._high, self.rng, TRIES, self.budget.is_over) if other else [])
            elif self._stuck % 3 == 1:
                self.accept(self._with_shifting_prices(priced))
            else:
                self.accept(repair(priced, self.segments, self._high, self.rng, TRIES, self.budget.is_over))
            is_better = self.upper_s < before
            self._stuck = 0 if is_better else self._stuck + 1
            self._pace = min(0.05, self._pace * 1.5) if is_better else max(PACE, self._pace * 0.6)

    def _with_shifting_prices(self, priced: Priced) -> Segments:
        """Let the prices follow what paths want at this limit, and take the first that yields a placement."""
        for _ in range(8):
            found = priced.without_repeats(self._high, self._whole)
            if found or self.budget.is_over():
                return found
            _, path = priced.cheapest(self._high)
            if not path:
                return []
            wanted = usage(path, self.tables.nodes) - 1
            high = np.maximum(FLOOR, self._high * np.exp(0.35 * wanted))
            self._high = high / high.sum()
        return []
