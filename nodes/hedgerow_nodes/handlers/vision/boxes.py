"""Make and choose the boxes that detectors give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hedgerow_nodes.handlers.vision.geometry import Pixels, cut
from hedgerow_nodes.serve import Box


def box(label: str, score: float, edges: NDArray[np.float32], points: NDArray[np.float32] | None = None) -> Box:
    """A box of left, top, right, bottom, and points as x and y, in pixels."""
    left, top, right, bottom = (float(edge) for edge in edges)
    marks = () if points is None else tuple((float(x), float(y)) for x, y in points)
    return Box(label, float(score), left, top, right - left, bottom - top, landmarks=marks)


def largest(boxes: Sequence[Box]) -> list[Box]:
    """The box of the greatest area, or none."""
    return [max(boxes, key=lambda one: one.width * one.height)] if boxes else []


def likeliest(boxes: Sequence[Box]) -> list[Box]:
    """The box of the greatest probability, or none."""
    return [max(boxes, key=lambda one: one.probability)] if boxes else []


def with_crops(boxes: Sequence[Box], picture: Pixels, margin: float) -> list[Box]:
    """The boxes with their pieces of the picture, each widened by `margin` x its size."""
    return [replace(one, crop=cut(picture, one.x, one.y, one.width, one.height, margin)) for one in boxes]
