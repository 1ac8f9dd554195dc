"""Lower bounds by prices on nodes: subgradient steps that end with a proof, whatever is left of the search."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hedgerow_orchestrator.placement.network import Numbers
from hedgerow_orchestrator.placement.prices import Priced, Segments
from hedgerow_orchestrator.placement.tables import ChainTables

MEMORY = 0.5
"""Weight of the newest direction; the rest is the mean of those before, which damps swings between two paths."""


def usage(path: Segments, nodes: int) -> Numbers:
    """How often a path takes each node."""
    return np.bincount([node for node, _, _ in path], minlength=nodes).astype(np.float64)


def refute(priced: Priced, prices: Numbers, steps: int, is_over: Callable[[], bool]) -> tuple[bool, Numbers, Segments]:
    """Try to prove that no placement keeps within the limit of `priced` (made without additive costs).

    With prices p >= 0, a placement that takes no node twice pays at most their sum; if the cheapest path of all pays
    more, there is no such placement. Returns whether that is proved, the best prices, and the last path.
    """
    centre, best, mean, scale, stalled = prices / prices.sum(), -np.inf, None, 1.0, 0
    path: Segments = []
    for _ in range(steps):
        if is_over():
            break
        paid, path = priced.cheapest(prices)
        if np.isinf(paid):
            return True, centre, path
        excess = paid / prices.sum() - 1
        if excess > best:
            best, centre, stalled = excess, prices / prices.sum(), 0
        else:
            stalled += 1
        if best > 1e-9:
            return True, centre, path
        direction = usage(path, len(prices)) - 1
        mean = direction if mean is None else MEMORY * direction + (1 - MEMORY) * mean
        if stalled > 10:
            scale, stalled = scale / 1.5, 0
        size = float(mean @ mean)
        if size == 0:
            break
        prices = np.maximum(0.0, centre + scale * (0.01 - best) / size * mean)
        if not prices.any():
            prices, scale = centre, scale / 2
    return False, centre, path


class SumBound:
    """A lower bound on the additive cost: the cheapest path with prices, less the prices; raised step by step."""

    def __init__(self, tables: ChainTables, priced: Priced) -> None:
        self.tables, self.priced = tables, priced
        self.prices = np.zeros(tables.nodes)
        self.per_segment = 0.0
        self.best = -np.inf
        self.best_prices = (self.prices, 0.0)
        self._scale, self._stalled = 1.0, 0

    def step(self, upper: float) -> Segments:
        """One step; returns the path on which it was made. Where the bound is infinite there is no placement at all.

        Args:
            upper: the value of the best placement known.
        """
        value, path = self.priced.cheapest(self.prices, self.per_segment)
        if np.isinf(value):
            self.best = np.inf
            return path
        value -= float(self.prices.sum()) + self.per_segment * self.tables.most
        if value > self.best + 1e-12 * abs(value):
            self.best, self.best_prices, self._stalled = value, (self.prices, self.per_segment), 0
        else:
            self._stalled += 1
        if self._stalled > 8:
            self._scale, self._stalled = self._scale / 2, 0
        over = usage(path, self.tables.nodes) - 1
        over_count = float(len(path) - self.tables.most) if self.tables.is_limited else 0.0
        moves = np.where((self.prices <= 0) & (over < 0), 0.0, over)
        move_count = 0.0 if self.per_segment <= 0 and over_count < 0 else over_count
        size = float(moves @ moves) + move_count**2
        if size > 0:
            goal = upper if np.isfinite(upper) else value + 0.1 * abs(value)
            length = self._scale * max(goal - value, 1e-9 * abs(value)) / size
            self.prices = np.maximum(0.0, self.prices + length * moves)
            self.per_segment = max(0.0, self.per_segment + length * move_count)
        return path
