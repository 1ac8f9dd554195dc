"""Find lines of text in a picture and read them: what stands around the two networks of an optical reader."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

TEXT_PIXEL = 0.3
LINE_SCORE = 0.5
SMALLEST_SIDE = 4
# The network marks the kernel of a line, which was shrunk in training: it grows again by area x this / perimeter on
# each side (Liao et al. 2020, arXiv:1911.08947, section 3.5).
GROWTH = 1.6


@dataclass(frozen=True)
class Line:
    """A line of text that stands straight: (left, top, right, bottom) in pixels, and how sure its pixels are."""

    box: tuple[int, int, int, int]
    score: float


def lines(likely: Array) -> list[Line]:
    """The lines in a map (height, width) of how likely each pixel is text, from top to bottom, then left to right."""
    found = []
    for left, top, right, bottom in _regions(likely > TEXT_PIXEL):
        inside = likely[top:bottom, left:right]
        score = float(inside[inside > TEXT_PIXEL].mean())
        width, height = right - left, bottom - top
        if min(width, height) < SMALLEST_SIDE or score < LINE_SCORE:
            continue
        grow = round(width * height * GROWTH / (2 * (width + height)))
        box = (left - grow, top - grow, right + grow, bottom + grow)
        limits = (likely.shape[1], likely.shape[0]) * 2
        clipped = [max(0, min(edge, limit)) for edge, limit in zip(box, limits, strict=True)]
        found.append(Line((clipped[0], clipped[1], clipped[2], clipped[3]), score))
    return sorted(found, key=lambda line: (line.box[1], line.box[0]))


def letters(shares: Array, names: tuple[str, ...]) -> tuple[str, float]:
    """The text of one line, and the mean share of its characters; shares of shape (places, characters).

    The likeliest character of each place, repetitions taken once and blanks (the first) left out: the greedy reading
    of connectionist temporal classification (Graves et al. 2006).
    """
    best = shares.argmax(axis=1)
    new = np.concatenate([[True], best[1:] != best[:-1]]) & (best > 0)
    sure = float(shares.max(axis=1)[new].mean()) if new.any() else 0.0
    return "".join(names[i] for i in best[new]).strip(), sure


def _regions(mask: NDArray[np.bool_]) -> list[tuple[int, int, int, int]]:
    """Boxes around the pixels that touch each other, by runs of each row that are joined with those above."""
    parent: list[int] = []
    boxes: list[list[int]] = []

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    above: list[tuple[int, int, int]] = []
    for y in range(mask.shape[0]):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], mask[y].astype(np.int8), [0]])))
        here = []
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            run = len(parent)
            parent.append(run)
            boxes.append([start, y, end, y + 1])
            here.append((start, end, run))
            for other_start, other_end, other in above:
                if other_start <= end and start <= other_end:
                    one, two = sorted((root(run), root(other)))
                    parent[two] = one
                    boxes[one] = _around(boxes[one], boxes[two]) if one != two else boxes[one]
        above = here
    return [(b[0], b[1], b[2], b[3]) for run, b in enumerate(boxes) if parent[run] == run]


def _around(one: list[int], two: list[int]) -> list[int]:
    return [min(one[0], two[0]), min(one[1], two[1]), max(one[2], two[2]), max(one[3], two[3])]
