"""Programming over sets or over an order of nodes: the best way to give the first stages to nodes, last one known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hedgerow_orchestrator.placement.network import Numbers
from hedgerow_orchestrator.placement.tables import SLACK, ChainTables

MOST_NODES = 9
"""Nodes up to which subsets are walked through: time and memory more than double with each."""

CHUNK = 1_000_000
"""Numbers in one temporary table, so that it stays near the processor."""


class Windows:
    """The windows `[low[j], j)` of one node, and the least number in each; O(N log N) for a row of numbers.

    Two overlapping runs of a power of two cover each window.
    """

    def __init__(self, low: NDArray[np.int64]) -> None:
        ends = np.arange(len(low))
        level = np.frexp(np.maximum(ends - low, 1))[1] - 1
        self._size = len(low)
        self._runs = []
        for power in range(int(level.max()) + 1):
            here = np.flatnonzero((level == power) & (ends > low))
            self._runs.append((here, low[here], here - (1 << power)))

    def least(self, rows: Numbers) -> Numbers:
        """`[k, j]`: the least of `rows[k, low[j]:j]`; infinite where that is empty."""
        found = np.full((len(rows), self._size), np.inf)
        run = rows
        for power, (here, left, right) in enumerate(self._runs):
            if power:
                half = 1 << power - 1
                run = np.minimum(run[:, :-half], run[:, half:])
            if len(here):
                found[:, here] = np.minimum(run[:, left], run[:, right])
        return found


class Walk:
    """Costs in one of two algebras: sums under a limit on the bottleneck, or the bottleneck itself.

    Args:
        is_bottleneck: minimise the greatest of segments and cuts; else the sum of their additive costs.
        limit_s: for sums: no segment and no cut may take longer.
        only: the nodes that will be walked over; all by default.
    """

    def __init__(
        self, tables: ChainTables, *, is_bottleneck: bool, limit_s: float = np.inf, only: Sequence[int] | None = None
    ) -> None:
        self.tables = tables
        self.is_bottleneck = is_bottleneck
        self.join = np.maximum if is_bottleneck else np.add
        self.cut = tables.cut_s if is_bottleneck else np.where(tables.cut_s > limit_s * SLACK, np.inf, tables.cut_sum)
        wanted = range(tables.nodes) if only is None else only
        low = tables.lowest_within(limit_s)
        self.segment = {node: tables.segments(node, low, in_seconds=is_bottleneck) for node in wanted}
        self._windows = {} if is_bottleneck else {node: Windows(low[:, node]) for node in wanted}

    def extend(self, before: Numbers, node: int) -> Numbers:
        """`[k, j]` after a segment on a node, from `[k, i]` when the node may begin at i."""
        if not self.is_bottleneck:
            # A sum splits into what was paid up to i and what the node adds up to j, whichever i it was.
            prefix = self.tables.prefix[:, node]
            least: Numbers = self._windows[node].least(before - prefix)
            extended: Numbers = least + prefix
            return extended
        size = self.tables.stages + 1
        step = max(1, CHUNK // (size * size))
        parts = [
            self.join(before[at : at + step, :, None], self.segment[node][None]).min(axis=1)
            for at in range(0, len(before), step)
        ]
        return np.concatenate(parts)

    def arrive(self, done: Numbers, sender: int, receiver: int) -> Numbers:
        """`[k, i]` when the receiver may begin at i, from `[k, i]` where the sender ended there."""
        arrived = np.full(done.shape, np.inf)
        arrived[:, 1:-1] = self.join(done[:, 1:-1], self.cut[1:, sender, receiver])
        return arrived

    @cached_property
    def _into(self) -> Numbers:
        """Cuts as `[receiver, sender, i]`, rows of which lie together in memory."""
        return np.ascontiguousarray(self.cut[1:].transpose(2, 1, 0))

    def ready(self, done: Numbers, receiver: int) -> Numbers:
        """`[k, i]` when the receiver may begin at i after whichever sender is best, from `[k, sender, i]`."""
        found = np.full((len(done), done.shape[2]), np.inf)
        self.join(done[:, :, 1:-1], self._into[receiver]).min(axis=1, out=found[:, 1:-1])
        return found

    def first(self) -> Numbers:
        """Where the first segment may begin: at stage 0, at no cost."""
        start = np.full((1, self.tables.stages + 1), np.inf)
        start[0, 0] = 0.0
        return start

    def step_back(self, value: float, before: Numbers, node: int, end: int) -> int:
        """The begin of the last segment, which ends at `end` with `value`."""
        return int(np.argmin(self.join(before, self.segment[node][:, end])))


def best_by_subsets(walk: Walk) -> tuple[float, list[tuple[int, int, int]]]:
    """The optimum over all orders, each node used once at most: value and segments (node, begin, end).

    Infinite and none where none is possible. O(2^M M^2 N + 2^M M N^2) steps; nodes beyond `MOST_NODES` would not end.
    """
    tables = walk.tables
    size, nodes = tables.stages + 1, tables.nodes
    done = np.full((1 << nodes, nodes, size), np.inf)
    for node in range(nodes):
        done[1 << node, node] = walk.extend(walk.first(), node)[0]
    by_count: list[list[int]] = [[] for _ in range(nodes + 1)]
    for mask in range(1, 1 << nodes):
        by_count[mask.bit_count()].append(mask)
    for count in range(1, min(tables.most, nodes)):
        for node in range(nodes):
            masks = np.array([mask for mask in by_count[count] if not mask >> node & 1])
            if len(masks):
                done[masks | 1 << node, node] = walk.extend(walk.ready(done[masks], node), node)
    ends = done[:, :, -1]
    best = float(ends.min())
    if np.isinf(best):
        return best, []
    mask, node = (int(at) for at in np.unravel_index(int(np.argmin(ends)), ends.shape))
    end, segments = tables.stages, []
    while True:
        rest = mask & ~(1 << node)
        before = walk.first()[0] if not rest else walk.ready(done[[rest]], node)[0]
        begin = walk.step_back(done[mask, node, end], before, node, end)
        segments.append((node, begin, end))
        if not rest:
            return best, segments[::-1]
        senders = [walk.arrive(done[[rest], sender], sender, node)[0, begin] for sender in range(nodes)]
        mask, node, end = rest, int(np.argmin(senders)), begin


def best_in_order(walk: Walk, order: Sequence[int]) -> tuple[float, list[tuple[int, int, int]]]:
    """The optimum for nodes in a fixed order, any of which may be skipped, in O(M N^2 + M^2 N).

    The number of partitions is not limited.
    """
    size = walk.tables.stages + 1
    done = np.full((len(order), size), np.inf)
    starts = np.full((len(order), size), np.inf)
    for at, node in enumerate(order):
        starts[at] = walk.first()[0]
        if at:
            arrived = np.full((at, size), np.inf)
            arrived[:, 1:-1] = walk.join(done[:at, 1:-1], walk.cut[1:, list(order[:at]), node].T)
            np.minimum(starts[at], arrived.min(axis=0), out=starts[at])
        done[at] = walk.extend(starts[at : at + 1], node)[0]
    best = float(done[:, -1].min())
    if np.isinf(best):
        return best, []
    at, end, segments = int(np.argmin(done[:, -1])), size - 1, []
    while True:
        begin = walk.step_back(done[at, end], starts[at], order[at], end)
        segments.append((order[at], begin, end))
        if begin == 0:
            return best, segments[::-1]
        arrived = walk.join(done[:at, begin], walk.cut[begin, list(order[:at]), order[at]])
        at, end = int(np.argmin(arrived)), begin
