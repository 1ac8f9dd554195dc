"""The Pareto front: the points that no other point beats in one respect without losing in another; exact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Points compared at once; bounds the memory of the comparison to a few megabytes.
_BLOCK = 256


def front(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows are on the front, where less is better in every column.

    A row dominates another if it is nowhere more and somewhere less; equal rows do not dominate each other, so all of
    them are on the front or none is. Rows are visited in the order of the sum of their dense ranks: what dominates a
    row has a smaller sum, so it was visited before, and what is kept is never taken back.

    Args:
        points: one row a point; no NaN.

    Raises:
        ValueError: a NaN, which has no order, or not two dimensions.
    """
    if points.ndim != 2:
        raise ValueError(f"points have {points.ndim} dimensions, rows and columns are wanted")
    if np.isnan(points).any():
        raise ValueError("a point has a NaN, which has no order; leave such points out first")
    count, columns = points.shape
    on_front = np.zeros(count, dtype=np.bool_)
    if count == 0:
        return on_front
    ranks = np.zeros(count, dtype=np.int64)
    for column in range(columns):
        ranks += np.unique(points[:, column], return_inverse=True)[1]
    order = np.argsort(ranks, kind="stable")
    kept = np.empty((0, columns))
    for start in range(0, count, _BLOCK):
        block = order[start : start + _BLOCK]
        block = block[~_dominated(points[block], kept)]
        block = block[~_dominated(points[block], points[block])]
        on_front[block] = True
        kept = np.concatenate([kept, points[block]])
    return on_front


def _dominated(points: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points some row of `by` dominates."""
    nowhere_more = np.ones((len(points), len(by)), dtype=np.bool_)
    somewhere_less = np.zeros((len(points), len(by)), dtype=np.bool_)
    for column in range(points.shape[1]):
        mine, theirs = points[:, column, None], by[None, :, column]
        nowhere_more &= theirs <= mine
        somewhere_less |= theirs < mine
    return np.asarray((nowhere_more & somewhere_less).any(axis=1))
