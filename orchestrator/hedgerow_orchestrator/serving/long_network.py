"""Where a long network may be cut: cuts that nobody would choose go until the planner can look at all that are left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

MOST_PIECES = 150
LEAST_CLEAN = 8
"""Fewer cuts through nothing that runs as one are no choice: then the others count as well."""

UNCLEAN = 100
"""A cut through what runs as one is worth so many times less."""


def planning_edges(
    edges: Sequence[int],
    seconds: Sequence[float],
    cut_bytes: Sequence[float],
    clean: Sequence[bool],
    most: int = MOST_PIECES,
) -> tuple[int, ...]:
    """Boundaries of at most `most` pieces, from 0 to the number of layers; all of them where there are no more.

    While there are too many the cut goes that is worth least: beside little time, for another one is near, with many
    bytes. What stays has the bytes and the times that it had.

    Args:
        edges: the boundaries that were profiled, 0 first.
        seconds, cut_bytes: of each piece between two of them, and of the cut behind it.
        clean: of the cut behind each, that it goes through nothing that runs as one; empty where nobody told.
    """
    if len(seconds) <= most:
        return tuple(edges)
    is_clean = [True] * len(seconds) if len(clean) != len(seconds) else list(clean)
    kept = [at for at in range(1, len(seconds)) if is_clean[at - 1]]
    if len(kept) < LEAST_CLEAN:
        kept = list(range(1, len(seconds)))
    ends = [0, *kept, len(seconds)]
    times = [math.fsum(seconds[first:last]) for first, last in pairwise(ends)]

    def worth(at: int) -> float:
        edge = ends[at + 1] - 1
        value = min(times[at], times[at + 1]) / max(1.0, cut_bytes[edge])
        return value if is_clean[edge] else value / UNCLEAN

    while len(times) > most:
        least = min(range(len(times) - 1), key=worth)
        times[least : least + 2] = [times[least] + times[least + 1]]
        del ends[least + 1]
    return tuple(edges[at] for at in ends)
