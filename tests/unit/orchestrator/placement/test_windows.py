"""Least numbers in windows, and walks over sets with them, against walks that look at every begin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_orchestrator.placement.instances import REGIMES, instance
from hedgerow_orchestrator.placement.objective import ENERGY, LATENCY, Objective
from hedgerow_orchestrator.placement.order_walk import Walk, Windows
from hedgerow_orchestrator.placement.tables import ChainTables


@given(data=st.data(), size=st.integers(1, 40), rows=st.integers(1, 3))
def test_windows_have_their_least_number(data: st.DataObject, size: int, rows: int) -> None:
    low = np.array([data.draw(st.integers(0, end)) for end in range(size)])
    numbers = np.array(data.draw(st.lists(st.floats(-9, 9), min_size=rows * size, max_size=rows * size)))
    table = numbers.reshape(rows, size)
    table[0, ::3] = np.inf
    wanted = [[row[low[end] : end].min(initial=np.inf) for end in range(size)] for row in table]
    assert np.array_equal(Windows(low).least(table), wanted)


@pytest.mark.parametrize("objective", [LATENCY, ENERGY, Objective(bottleneck=1, latency=0.3)])
@pytest.mark.parametrize("limit_s", [np.inf, 0.03])
def test_a_sum_is_extended_as_by_looking_at_every_begin(objective: Objective, limit_s: float) -> None:
    walk = Walk(ChainTables(instance(3, 40, 5, REGIMES[0], objective)), is_bottleneck=False, limit_s=limit_s)
    before = np.random.default_rng(0).uniform(0, 1, (4, 41))
    before[:, ::4] = np.inf
    for node, segment in walk.segment.items():
        wanted = (before[:, :, None] + segment[None]).min(axis=1)
        found = walk.extend(before, node)
        assert np.array_equal(np.isinf(found), np.isinf(wanted))
        assert np.allclose(found, wanted, rtol=1e-12, atol=1e-12)


def test_who_is_best_before_a_node_is_the_least_over_all_senders() -> None:
    walk = Walk(ChainTables(instance(1, 12, 4, REGIMES[1], LATENCY)), is_bottleneck=False)
    done = np.random.default_rng(1).uniform(0, 1, (3, 4, 13))
    for node in range(4):
        wanted = np.min([walk.arrive(done[:, sender], sender, node) for sender in range(4)], axis=0)
        assert np.array_equal(walk.ready(done, node), wanted)
