"""Correct layer times by parts that were run: at a few cuts, what is before and behind them is timed for itself.

A node's own time, as ONNX Runtime records it, is short of what surrounds it, and recording costs too. Let a cut's
two sides take P and S, and the whole W. What the cut itself costs (tensors written and read, layouts changed) is
X = P + S - W, and the layers before it take P - X / 2. Layers between two such cuts are scaled to fit.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from hedgerow_nodes.partition.extract import extract
from hedgerow_nodes.partition.graph import Model
from hedgerow_nodes.partition.part import Part
from hedgerow_nodes.partition.tensors import made_up
from hedgerow_nodes.partition.timing import Times, time_waiting

MOST_KNOTS = 5


@dataclass(frozen=True)
class Knot:
    """A cut of which both sides were run; seconds are medians of runs right after another.

    Attributes:
        boundary: the layer behind the cut.
        before_s, behind_s, whole_s: of its two sides, and of the whole model in the same iterations.
    """

    boundary: int
    size_bytes: int
    before_s: float
    behind_s: float
    whole_s: float

    @property
    def crossing_s(self) -> float:
        """What the cut costs both sides together."""
        return max(0.0, self.before_s + self.behind_s - self.whole_s)


@dataclass(frozen=True)
class Knots:
    """What was run.

    Attributes:
        cuts: by boundary.
        whole: seconds of each run of the whole model right after another.
        waking: by how much each run after a wait took longer than the one right after it, of parts and of the whole.
    """

    cuts: tuple[Knot, ...]
    whole: Times
    waking: Times


def chosen_cuts(seconds: Times, clean: Sequence[bool], most: int = MOST_KNOTS) -> list[int]:
    """Boundaries that go through nothing that runs as one, spread evenly over the time."""
    before = np.cumsum(seconds)
    allowed = [index for index in range(len(seconds) - 1) if clean[index]] or list(range(len(seconds) - 1))
    if not allowed:
        return []
    wanted = [before[-1] * (index + 1) / (most + 1) for index in range(most)]
    return sorted({min(allowed, key=lambda index: abs(before[index] - at)) + 1 for at in wanted})


def run_knots(
    model: Model,
    cuts: Sequence[int],
    folder: Path,
    iterations: int,
    providers: Sequence[str],
    threads: int,
    now: Callable[[], float],
) -> Knots:
    """Run both sides of each cut and the whole, in turn, each after a wait and once more at once.

    Raises:
        ModelError: a part cannot be run.
    """
    whole = Part(extract(model, 0, -1, folder), providers, threads)
    sides = [
        [Part(extract(model, first, last, folder), providers, threads) for first, last in ((0, cut), (cut, -1))]
        for cut in cuts
    ]
    for part in (whole, *(part for pair in sides for part in pair)):
        part.warm()
    feed = made_up(model.inputs)
    times, waking = np.zeros((2, iterations, len(cuts), 3))
    for at in np.ndindex(iterations, len(cuts)):
        tensors = feed
        for side, part in enumerate((*sides[at[1]], whole)):
            given = tensors if part is not whole else feed
            times[*at, side], waking[*at, side], tensors = time_waiting(partial(part.run, given), now)
    medians = np.median(times, axis=0)
    found = [Knot(cut, model.bytes_at(cut), *(float(one) for one in medians[index])) for index, cut in enumerate(cuts)]
    return Knots(tuple(found), times[:, :, 2].ravel(), waking.ravel())


def scaled(seconds: Times, knots: Sequence[Knot]) -> Times:
    """Factors by which layers between knots are scaled; the whole stays as long as it is."""
    total = float(seconds.sum())
    before = np.concatenate([[0.0], np.cumsum(seconds)])
    edges, targets = [0], [0.0]
    for knot in sorted(knots, key=lambda one: one.boundary):
        target = total * (knot.before_s - knot.crossing_s / 2) / knot.whole_s
        # Each stretch keeps at least a tenth of what was recorded: noise never makes layers free.
        least = targets[-1] + 0.1 * (before[knot.boundary] - before[edges[-1]])
        most = total - 0.1 * (total - before[knot.boundary])
        edges.append(knot.boundary)
        targets.append(float(min(max(target, least), most)))
    edges.append(len(seconds))
    targets.append(total)
    factors = np.ones(len(seconds))
    for (first, last), (begin, end) in zip(itertools.pairwise(edges), itertools.pairwise(targets), strict=True):
        recorded = before[last] - before[first]
        if recorded > 0:
            factors[first:last] = (end - begin) / recorded
    return factors


def crossing_per_byte(knots: Sequence[Knot]) -> float:
    """Seconds that a byte costs that crosses a cut, both sides together; 0 without a cut."""
    size = sum(knot.size_bytes for knot in knots)
    return sum(knot.crossing_s for knot in knots) / size if size else 0.0
