"""Boundaries and assignments are the same thing, so that what is deployed is what was planned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_nodes.partition.plan import of_layers, of_super_layers, per_layer, ranges


@given(assignment=st.lists(st.sampled_from("abc"), min_size=1, max_size=40))
def test_an_assignment_comes_back_from_its_boundaries(assignment: list[str]) -> None:
    boundaries, nodes = of_layers(assignment)
    assert list(per_layer(boundaries, nodes, len(assignment))) == assignment


@given(data=st.data(), count=st.integers(1, 40))
def test_boundaries_come_back_from_their_assignment(data: st.DataObject, count: int) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, count - 1)))) if count > 1 else []
    nodes = [f"n{index % 2}" for index in range(len(cuts) + 1)]
    assert of_layers(per_layer(cuts, nodes, count)) == (tuple(cuts), tuple(nodes))


def test_the_case_that_was_one_layer_early_elsewhere() -> None:
    assert of_layers(["0", "0", "0", "1", "1", "2"]) == ((3, 5), ("0", "1", "2"))
    assert ranges((3, 5), 6) == ((0, 3), (3, 5), (5, 6))


def test_super_layers_end_where_layers_do() -> None:
    assert of_super_layers((1, 3), (4, 6, 9, 12)) == (4, 9)


@pytest.mark.parametrize("wrong", [(0,), (6,), (3, 3), (4, 2), (-1,)])
def test_boundaries_have_to_cut(wrong: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not cut 6 layers"):
        ranges(wrong, 6)


def test_each_part_has_one_node() -> None:
    with pytest.raises(ValueError, match="2 parts have 1 nodes"):
        per_layer((3,), ("a",), 6)
    with pytest.raises(ValueError, match="no layer"):
        of_layers([])
