"""The Pareto front beside brute force, and the properties by which a front is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hedgerow_nodes.estimators.models import pareto

# Few distinct values, so that ties and equal points are common.
POINTS = arrays.arrays(
    np.float64,
    st.tuples(st.integers(0, 60), st.integers(1, 4)),
    elements=st.one_of(st.integers(0, 4).map(float), st.floats(-10, 10), st.just(float("inf"))),
)


def brute_force(points: np.ndarray) -> list[bool]:
    rows = points.tolist()
    return [
        not any(
            all(a <= b for a, b in zip(other, row, strict=True)) and any(a < b for a, b in zip(other, row, strict=True))
            for other in rows
        )
        for row in rows
    ]


@given(points=POINTS)
def test_it_is_what_brute_force_finds(points: np.ndarray) -> None:
    assert pareto.front(points).tolist() == brute_force(points)


@given(points=POINTS, seed=st.integers(0, 1000))
def test_the_order_of_the_points_does_not_matter(points: np.ndarray, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(points))
    assert pareto.front(points)[order].tolist() == pareto.front(points[order]).tolist()


def test_more_points_than_one_block_are_the_same_as_brute_force() -> None:
    points = np.random.default_rng(1).integers(0, 12, size=(700, 4)).astype(float)
    assert pareto.front(points).tolist() == brute_force(points)


def test_equal_points_are_on_the_front_together() -> None:
    assert pareto.front(np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 3.0]])).tolist() == [True, True, False]


@pytest.mark.parametrize("points", [np.array([[float("nan"), 1.0]]), np.array([1.0, 2.0])])
def test_what_has_no_order_is_refused(points: np.ndarray) -> None:
    with pytest.raises(ValueError):
        pareto.front(points)
