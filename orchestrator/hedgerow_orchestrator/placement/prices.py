"""Shortest paths over segments with a price on each node: a lower bound, and a plan where no node is taken twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hedgerow_orchestrator.placement.network import Numbers
from hedgerow_orchestrator.placement.tables import SLACK, ChainTables

Segments = list[tuple[int, int, int]]
"""(node, begin, end) in the order of the chain."""


@dataclass(frozen=True)
class Stretch:
    """A part of the chain and the nodes that it may be given to.

    Attributes:
        begin, end: the stages, half-open.
        before, after: the nodes of the stages beside it; None at the ends of the chain.
        most: greatest number of segments.
    """

    begin: int
    end: int
    nodes: NDArray[np.int64]
    most: int
    before: int | None = None
    after: int | None = None


class Priced:
    """Paths through states (cut, node that works before it), with no segment and no cut above a limit of seconds.

    `is_counted` False leaves the additive costs out, so that a path is worth its prices alone.
    """

    def __init__(self, tables: ChainTables, limit_s: float, *, is_counted: bool) -> None:
        self.tables = tables
        self.low = tables.lowest_within(limit_s)
        is_open = tables.cut_s <= limit_s * SLACK
        is_open &= np.isfinite(tables.cut_sum)
        self.cut = np.where(is_open, tables.cut_sum if is_counted else 0.0, np.inf)
        self.is_free = is_open.sum(axis=(1, 2)) == tables.nodes * (tables.nodes - 1)
        self.is_free &= tables.nodes > 1
        if is_counted:
            self.is_free &= ~self.cut.any(axis=(1, 2), where=is_open)
        self.prefix = tables.prefix if is_counted else np.zeros_like(tables.prefix)
        self.first = self.low.min(axis=1)
        rows = np.arange(tables.stages + 1)
        self.outside = [
            np.where(rows[low_row.min() : end, None] < low_row, np.inf, 0.0) for end, low_row in enumerate(self.low)
        ]

    def cheapest(self, prices: Numbers, per_segment: float = 0.0) -> tuple[float, Segments]:
        """The cheapest path when a node may be taken again and again; infinite where there is none.

        Args:
            prices: added for each segment on a node.
            per_segment: added for each segment on any.
        """
        done, ready = self._forward(prices + per_segment)
        value = float(done[-1].min())
        return (value, self._back(done, ready)) if np.isfinite(value) else (value, [])

    def _forward(self, toll: Numbers) -> tuple[Numbers, Numbers]:
        stages, nodes = self.tables.stages, self.tables.nodes
        done = np.full((stages + 1, nodes), np.inf)
        ready = np.full((stages + 1, nodes), np.inf)
        less = np.full((stages + 1, nodes), np.inf)
        less[0] = ready[0] = 0.0
        for end in range(1, stages + 1):
            low = self.first[end]
            if low < end:
                done[end] = (less[low:end] + self.outside[end]).min(axis=0) + self.prefix[end] + toll
                if end == stages:
                    break
                if self.is_free[end]:
                    best, second = np.argpartition(done[end], 1)[:2]
                    ready[end] = done[end, best]
                    ready[end, best] = done[end, second]
                else:
                    ready[end] = (self.cut[end] + done[end][:, None]).min(axis=0)
                less[end] = ready[end] - self.prefix[end]
        return done, ready

    def _back(self, done: Numbers, ready: Numbers) -> Segments:
        end = self.tables.stages
        node = int(np.argmin(done[end]))
        path: Segments = []
        while True:
            low = self.low[end, node]
            begin = int(low + np.argmin(ready[low:end, node] - self.prefix[low:end, node]))
            path.append((node, begin, end))
            if begin == 0:
                return path[::-1]
            end, node = begin, int(np.argmin(self.cut[begin, :, node] + done[begin]))

    def without_repeats(self, prices: Numbers, stretch: Stretch) -> Segments:
        """A cheap path that takes no node twice: of each state only the cheapest way in is kept, so it may miss one.

        Empty where none was found.
        """
        begin, end, on = stretch.begin, stretch.end, stretch.nodes
        size, nodes, toll = end - begin, len(on), prices[on]
        low = np.maximum(self.low[begin : end + 1, on] - begin, 0)
        first, cost = low.min(axis=1), self.prefix[begin : end + 1, on]
        rows, every, own = np.arange(size + 1)[:, None], np.arange(nodes), np.eye(nodes, dtype=np.bool_)
        cut = self.cut[begin:end][:, on[:, None], on]
        less = np.full((size + 1, nodes), np.inf)
        less[0] = (self.cut[begin, stretch.before, on] if stretch.before is not None else 0.0) - cost[0]
        used = np.zeros((size + 1, nodes, nodes), dtype=np.bool_)
        count = np.zeros((size + 1, nodes), dtype=np.int64)
        sender = np.zeros((size + 1, nodes), dtype=np.int64)
        came_from = np.zeros((size + 1, nodes, 2), dtype=np.int64)
        for at in range(1, size + 1):
            least = first[at]
            if least >= at:
                continue
            options = np.where(rows[least:at] < low[at], np.inf, less[least:at])
            start = options.argmin(axis=0)
            done = options[start, every] + cost[at] + toll
            start += least
            came_from[at, :, 0] = start
            came_from[at, :, 1] = sender[start, every]
            if at == size:
                if stretch.after is not None:
                    done = done + self.cut[end, on, stretch.after]
                last = int(np.argmin(done))
                return self._trace(came_from, last, stretch) if np.isfinite(done[last]) else []
            taken = used[start, every] | own
            segments = count[start, every] + 1
            done[segments >= stretch.most] = np.inf
            into = np.where(taken, np.inf, cut[at] + done[:, None])
            sender[at] = into.argmin(axis=0)
            less[at] = into[sender[at], every] - cost[at]
            used[at] = taken[sender[at]]
            count[at] = segments[sender[at]]
        return []

    def _trace(self, came_from: NDArray[np.int64], node: int, stretch: Stretch) -> Segments:
        end, path = stretch.end - stretch.begin, []
        while True:
            begin, before = (int(at) for at in came_from[end, node])
            path.append((int(stretch.nodes[node]), begin + stretch.begin, end + stretch.begin))
            if begin == 0:
                return path[::-1]
            end, node = begin, before
