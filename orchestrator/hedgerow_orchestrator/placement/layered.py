"""Shortest paths through stages x nodes, where a node may be revisited and memory is not counted."""

from __future__ import annotations

import numpy as np

from hedgerow_orchestrator.placement.network import Numbers
from hedgerow_orchestrator.placement.tables import ChainTables


def to_go(tables: ChainTables) -> Numbers:
    """`[i, node]`: the least additive cost of the stages from i on, when stage i - 1 ran on a node; O(N M^2).

    Row 0 is of no use, for nothing ran before stage 0; `least_sum` has the whole.
    """
    costs = np.diff(tables.prefix, axis=0)
    can = tables.lowest[1:] < np.arange(1, tables.stages + 1)[:, None]
    costs = np.where(can, costs, np.inf)
    table = np.zeros((tables.stages + 1, tables.nodes))
    for at in range(tables.stages - 1, -1, -1):
        there = costs[at] + table[at + 1]
        table[at] = there if at == 0 else np.minimum(there, (tables.cut_sum[at] + there).min(axis=1))
    return table


def cheapest_path(tables: ChainTables) -> tuple[float, tuple[int, ...]]:
    """The least additive cost and a placement that has it; infinite and empty where there is none. O(K N M^2).

    The number of partitions is kept; each is counted, so the K of the time is 1 where there is no limit.
    """
    costs = np.diff(tables.prefix, axis=0)
    can = tables.lowest[1:] < np.arange(1, tables.stages + 1)[:, None]
    costs = np.where(can, costs, np.inf)
    layers = tables.most if tables.most < tables.stages else 1
    is_counted = layers > 1 or tables.most == 1
    best = np.full((tables.stages, layers, tables.nodes), np.inf)
    best[0, 0] = costs[0]
    for at in range(1, tables.stages):
        moved = (best[at - 1][:, :, None] + tables.cut_sum[at][None]).min(axis=1)
        if is_counted:
            moved = np.concatenate([np.full((1, tables.nodes), np.inf), moved[:-1]])
        best[at] = np.minimum(best[at - 1], moved) + costs[at]
    layer, node = (int(at) for at in np.unravel_index(int(np.argmin(best[-1])), best[-1].shape))
    value = float(best[-1, layer, node])
    if np.isinf(value):
        return value, ()
    placement = [node]
    for at in range(tables.stages - 1, 0, -1):
        stay = best[at - 1, layer, node]
        before = layer - 1 if is_counted else layer
        moved = best[at - 1, before] + tables.cut_sum[at, :, node] if before >= 0 else np.array([np.inf])
        if moved.min() < stay:
            layer, node = before, int(np.argmin(moved))
        placement.append(node)
    return value, tuple(placement[::-1])
