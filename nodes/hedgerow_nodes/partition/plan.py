"""Boundaries between parts, the half-open ranges between them, and the node of each layer: one and the same thing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence


def ranges(boundaries: Sequence[int], layers: int) -> tuple[tuple[int, int], ...]:
    """The parts [first, last) that inner boundaries cut a model into; a boundary b is the cut before layer b.

    Raises:
        ValueError: boundaries that do not rise, or that lie at or beyond an end of the model.
    """
    edges = (0, *boundaries, layers)
    if any(after <= before for before, after in itertools.pairwise(edges)):
        raise ValueError(
            f"boundaries {list(boundaries)} do not cut {layers} layers; they have to rise, each from 1 to {layers - 1}"
        )
    return tuple(itertools.pairwise(edges))


def per_layer(boundaries: Sequence[int], nodes: Sequence[str], layers: int) -> tuple[str, ...]:
    """The node of each layer.

    Raises:
        ValueError: as `ranges`, or not one node for each part.
    """
    parts = ranges(boundaries, layers)
    if len(parts) != len(nodes):
        raise ValueError(f"{len(parts)} parts have {len(nodes)} nodes: {', '.join(nodes)}")
    return tuple(node for node, (first, last) in zip(nodes, parts, strict=True) for _ in range(first, last))


def of_layers(assignment: Sequence[str]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Inner boundaries, and the node of each part, from the node of each layer; neighbours on one node are one part.

    Raises:
        ValueError: there is no layer.
    """
    if not assignment:
        raise ValueError("there is no layer to assign")
    cuts = [index for index in range(1, len(assignment)) if assignment[index] != assignment[index - 1]]
    return tuple(cuts), tuple(assignment[index] for index in (0, *cuts))


def of_super_layers(boundaries: Sequence[int], ends: Sequence[int]) -> tuple[int, ...]:
    """Boundaries between super-layers as boundaries between layers.

    Args:
        ends: behind which layer each super-layer ends, as `Profile.ends` has it.

    Raises:
        ValueError: as `ranges`.
    """
    ranges(boundaries, len(ends))
    return tuple(ends[boundary - 1] for boundary in boundaries)
