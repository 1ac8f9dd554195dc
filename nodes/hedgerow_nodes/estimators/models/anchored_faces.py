"""Read the outputs of BlazeFace: faces as boxes in pixels of the picture, by anchors on two grids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

FACE_SCORE = 0.5
FACE_OVERLAP = 0.3
# Cells along a side and anchors in each cell: Bazarevsky et al. 2019 (arXiv:1907.05047), section 3.1, and MediaPipe's
# options of this model: strides of 16 and 32 pixels at 256 x 256, two anchors and three times two.
GRIDS = ((16, 2), (8, 6))


@dataclass(frozen=True)
class Face:
    """A face: its score of 0 to 1, its box (left, top, right, bottom), and six points, as x and y, in pixels.

    The points are its right eye, left eye, tip of the nose, middle of the mouth, right ear and left ear.
    """

    score: float
    box: Array
    points: Array


def faces(outputs: list[Array], size: int, scale: float, label: str) -> list[dict[str, Any]]:
    """Faces as they are told, best first, in pixels of the sample, which was scaled by `scale`."""
    return [
        {"label": label, "score": round(face.score, 3), "box": [round(float(edge)) for edge in face.box]}
        for face in found_faces(outputs, size, scale)
    ]


def found_faces(
    outputs: list[Array], size: int, scale: float, least: float = FACE_SCORE, most_overlap: float = FACE_OVERLAP
) -> list[Face]:
    """Faces of a score above `least`, best first, in pixels of the picture, which was scaled by `scale`.

    For each grid there are scores (1, anchors, 1) before the sigmoid, and for each anchor the centre's distance from
    the middle of its cell, width and height, in pixels of the input, followed by six points of the face.
    """
    found: list[Face] = []
    for cells, anchors in GRIDS:
        count = cells * cells * anchors
        scores = next(o[0, :, 0] for o in outputs if o.shape[1:] == (count, 1))
        places = next(o[0] for o in outputs if o.shape[1] == count and o.shape[2] > 1)
        for anchor in np.flatnonzero(scores > _before_sigmoid(least)):
            cell = int(anchor) // anchors
            middle = (np.array([cell % cells, cell // cells]) + 0.5) * (size / cells)
            centre, half = middle + places[anchor, :2], places[anchor, 2:4] / 2
            box = np.clip(np.concatenate([centre - half, centre + half]), 0, size) / scale
            points = (places[anchor, 4:16].reshape(6, 2) + middle) / scale
            score = float(1 / (1 + np.exp(-float(scores[anchor]))))
            found.append(Face(score, box.astype(np.float32), points.astype(np.float32)))
    found.sort(key=lambda face: -face.score)
    kept: list[Face] = []
    for face in found:
        if all(overlap(face.box, other.box) < most_overlap for other in kept):
            kept.append(face)
    return kept


def overlap(one: Array, other: Array) -> float:
    """Intersection over union of two boxes (left, top, right, bottom)."""
    size = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = float(np.prod(np.maximum(size, 0)))
    both = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])) - shared
    return shared / both if both > 0 else 0.0


def _before_sigmoid(share: float) -> float:
    return float(np.log(share / (1 - share)))
