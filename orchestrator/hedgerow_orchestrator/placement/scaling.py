"""Fill the costs that nobody measured from nodes where somebody did, and remember from which."""

from __future__ import annotations

import numpy as np

from hedgerow_orchestrator.placement.network import Numbers
from hedgerow_orchestrator.placement.problem import Costs


class CannotScale(ValueError):
    """An entry that can be told from nothing, by its places in the table."""

    def __init__(self, stage: int, node: int) -> None:
        super().__init__(
            f"the cost of stage {stage} on node {node} was not measured and cannot be scaled: no node with this "
            "stage has a stage in common with the node, or a speed to compare by; measure it"
        )
        self.stage, self.node = stage, node


def scaled(seconds: object, speed: object = None, needed: object = None) -> Costs:
    """A full table of costs from one with gaps.

    A missing entry is the stage's cost on a node that has one, times the median ratio of the two nodes over the stages
    that both have; of several such nodes the one with most stages in common. Without any in common, the ratio of the
    given speeds, such as clock times cores or a whole-model benchmark.

    Args:
        seconds: `[stage, node]`, NaN where nothing was measured.
        speed: of each node, in any unit, NaN where unknown; None where none is known.
        needed: `[stage, node]`, false for pairs that no placement may use: of these an entry that can be told from
            nothing is as dear as the dearest of the table, for a problem has no gaps. None is all.

    Raises:
        CannotScale: an entry can be told from nothing; it is named by its places.
    """
    table: Numbers = np.array(seconds, dtype=np.float64)
    speeds = np.full(table.shape[1], np.nan) if speed is None else np.array(speed, dtype=np.float64)
    known = np.isfinite(table)
    is_needed = np.ones(table.shape, dtype=np.bool_) if needed is None else np.array(needed, dtype=np.bool_)
    filled, sources = table.copy(), np.full(table.shape, -1)
    for stage, node in np.argwhere(~known):
        best = (-1, np.nan, -1)
        for other in np.flatnonzero(known[stage]):
            common = known[:, node] & known[:, other]
            count = int(common.sum())
            if count:
                ratio = float(np.median(table[common, node] / table[common, other]))
            else:
                ratio = float(speeds[other] / speeds[node])
            if np.isfinite(ratio) and ratio > 0 and count > best[0]:
                best = (count, ratio, int(other))
        if best[2] < 0:
            if is_needed[stage, node] or not known.any():
                raise CannotScale(int(stage), int(node))
            filled[stage, node] = table[known].max()
            continue
        filled[stage, node] = table[stage, best[2]] * best[1]
        sources[stage, node] = best[2]
    return Costs(filled, sources)
