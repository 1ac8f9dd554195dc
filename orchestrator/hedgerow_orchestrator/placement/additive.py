"""Latency, energy and weighted sums of a long chain on many nodes: a bound by prices and a search beneath it."""

from __future__ import annotations

import itertools

import numpy as np

from hedgerow_orchestrator.placement.budget import Budget
from hedgerow_orchestrator.placement.duals import SumBound
from hedgerow_orchestrator.placement.improve import cheaper
from hedgerow_orchestrator.placement.order_walk import Walk, best_in_order
from hedgerow_orchestrator.placement.pipelined import bottleneck_s
from hedgerow_orchestrator.placement.prices import Priced, Segments, Stretch
from hedgerow_orchestrator.placement.tables import ChainTables

GOAL = 1e-6


def additive(tables: ChainTables, segments: Segments) -> float:
    """The additive cost of a placement."""
    value = sum(float(tables.prefix[end, node] - tables.prefix[begin, node]) for node, begin, end in segments)
    for (sender, _, _), (receiver, begin, _) in itertools.pairwise(segments):
        value += float(tables.cut_sum[begin, sender, receiver])
    return value


class Additive:
    """The search; a bottleneck counts with the weight of the tables, on top of the additive cost.

    Args:
        least_s: a lower bound on the bottleneck, which a weighted sum rests on.
        limit_s: no segment and no cut may take longer.

    Attributes:
        lower, upper: bounds on the value; `upper` is infinite and `segments` empty before a placement is found.
    """

    def __init__(
        self,
        tables: ChainTables,
        budget: Budget,
        rng: np.random.Generator,
        least_s: float = 0.0,
        limit_s: float = np.inf,
    ) -> None:
        self.tables, self.budget, self.rng, self.least_s = tables, budget, rng, least_s
        self.priced = Priced(tables, limit_s, is_counted=True)
        self.bound = SumBound(tables, self.priced)
        self.upper, self.segments = np.inf, Segments()
        self._limit_s = limit_s
        self._whole = Stretch(0, tables.stages, np.arange(tables.nodes), tables.most)

    @property
    def lower(self) -> float:
        """Of the value: the bound on sums and what the bottleneck adds at least."""
        return self.bound.best + self.tables.weight * self.least_s

    def value(self, segments: Segments) -> float:
        """Of a placement."""
        weight = self.tables.weight
        return additive(self.tables, segments) + (weight * bottleneck_s(self.tables, segments) if weight else 0.0)

    def accept(self, segments: Segments) -> bool:
        """Take a placement if it is the best so far."""
        if segments and len(segments) <= self.tables.most and (value := self.value(segments)) < self.upper:
            self.upper, self.segments = value, segments
            return True
        return False

    def run(self, seconds: float = np.inf) -> None:
        """Raise the bound and look for placements in turn."""
        until = self.budget.used_s + seconds
        step = 0
        while not (self.budget.is_over() or self.budget.used_s > until or self._is_closed()):
            goal = self.upper - self.tables.weight * self.least_s
            path = self.bound.step(goal)
            if np.isinf(self.bound.best):
                return
            nodes = [node for node, _, _ in path]
            if len(set(nodes)) == len(nodes):
                self.accept(path)
            if step % 8 == 0:
                prices = self.bound.prices + self.bound.per_segment
                if self.accept(self.priced.without_repeats(prices, self._whole)):
                    self._polish()
            elif self.segments and step % 2:
                for _ in range(4):
                    self.accept(cheaper(self.priced, self.segments, self.bound.prices, self.rng))
            step += 1

    def _is_closed(self) -> bool:
        return self.upper - self.lower <= GOAL * self.upper if self.segments else False

    def _polish(self) -> None:
        """The best segments for the order of nodes found; idle ones stay idle."""
        if self.tables.is_limited:
            return
        order = [node for node, _, _ in self.segments]
        walk = Walk(self.tables, is_bottleneck=False, limit_s=self._limit_s, only=order)
        self.accept(best_in_order(walk, order)[1])
