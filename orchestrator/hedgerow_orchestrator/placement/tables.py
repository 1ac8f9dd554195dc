"""The tables that chain solvers work on: what a segment costs on a node and what a cut costs on a link."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hedgerow_orchestrator.placement.network import Numbers
from hedgerow_orchestrator.placement.problem import Problem

SLACK = 1 + 1e-12
"""Sums made in another order differ in their last bits; a limit is granted that much."""


class ChainTables:
    """Segments are half-open: `[i, j)` holds the stages i to j - 1; cut i lies before stage i.

    Attributes:
        stages, nodes: how many.
        prefix: `[i, node]`: additive cost of the stages before i (latency and energy, weighted).
        prefix_s: the same in seconds, for the bottleneck.
        prefix_bytes: memory of the stages before i.
        lowest: `[j, node]`: the first i for which segment `[i, j)` fits the node by memory and by what is allowed; j
            itself where none does.
        cut_sum: `[i, sender, receiver]`: additive cost of cut i; infinite where the link is unusable.
        cut_s: the seconds that it occupies the link.
        weight: of the bottleneck.
        most: greatest number of partitions.
    """

    def __init__(self, problem: Problem) -> None:
        objective = problem.objective
        seconds = problem.costs.seconds
        self.stages, self.nodes = seconds.shape
        self.weight = objective.bottleneck
        self.has_sum = bool(objective.latency or objective.energy)
        added = objective.latency * seconds
        if objective.energy:
            power = np.array([node.power_w for node in problem.nodes], dtype=np.float64)
            added = added + objective.energy * seconds * power
        zero = np.zeros((1, self.nodes))
        self.prefix = np.concatenate([zero, np.cumsum(added, axis=0)])
        self.prefix_s = np.concatenate([zero, np.cumsum(seconds, axis=0)])
        self.prefix_bytes = np.concatenate([[0.0], np.cumsum([stage.memory_bytes for stage in problem.stages])])
        capacity = np.array([node.capacity_bytes for node in problem.nodes])
        self.lowest = self._lowest(problem.allowed(), capacity)
        sizes = np.array([0.0, *(edge.size_bytes for edge in problem.edges)])[:, None, None]
        per_byte, first = problem.links.seconds_per_byte(), problem.links.first_byte_s()
        unusable = np.isinf(per_byte)
        finite, finite_first = np.where(unusable, 0.0, per_byte), np.where(unusable, 0.0, first)
        self.cut_s = sizes * finite
        self.cut_sum = objective.latency * (finite_first + self.cut_s)
        if objective.energy and problem.links.energy_j_per_byte is not None:
            self.cut_sum = self.cut_sum + objective.energy * sizes * problem.links.energy_j_per_byte
        same = unusable | np.eye(self.nodes, dtype=np.bool_)
        self.cut_s[:, same] = np.inf
        self.cut_sum[:, same] = np.inf
        limit = problem.rules.most_partitions
        self.most = self.stages if limit is None else min(limit, self.stages)
        if not problem.rules.may_revisit:
            self.most = min(self.most, self.nodes)
        self.is_limited = limit is not None and limit < min(self.stages, self.nodes)

    def _lowest(self, allowed: NDArray[np.bool_], capacity: Numbers) -> NDArray[np.int64]:
        ends = np.arange(self.stages + 1)
        table = np.empty((self.stages + 1, self.nodes), dtype=np.int64)
        for node in range(self.nodes):
            need = self.prefix_bytes - capacity[node] * SLACK
            fits = np.searchsorted(self.prefix_bytes, need, side="left")
            blocked = np.where(allowed[:, node], 0, ends[1:])
            runs = np.concatenate([[0], np.maximum.accumulate(blocked)])
            table[:, node] = np.minimum(np.maximum(fits, runs), ends)
        return table

    def lowest_within(self, limit_s: float) -> NDArray[np.int64]:
        """`lowest`, where moreover no segment may take longer than a limit."""
        if np.isinf(limit_s):
            return self.lowest
        ends = np.arange(self.stages + 1)
        table = np.empty_like(self.lowest)
        for node in range(self.nodes):
            column = self.prefix_s[:, node]
            table[:, node] = np.searchsorted(column, column - limit_s * SLACK, side="left")
        return np.minimum(np.maximum(table, self.lowest), ends[:, None])

    def segments(self, node: int, low: NDArray[np.int64], *, in_seconds: bool) -> Numbers:
        """`[i, j]`: seconds or additive cost of the segment on a node, infinite where i is below `low[j, node]`."""
        at = np.arange(self.stages + 1)
        column = (self.prefix_s if in_seconds else self.prefix)[:, node]
        bad = (at[:, None] < low[None, :, node]) | (at[:, None] >= at[None, :])
        return np.where(bad, np.inf, column[None, :] - column[:, None])

    def placement(self, segments: list[tuple[int, int, int]]) -> tuple[int, ...]:
        """Node of each stage from segments (node, begin, end)."""
        nodes = np.full(self.stages, -1)
        for node, begin, end in segments:
            nodes[begin:end] = node
        return tuple(int(node) for node in nodes)
