"""Resize, cut out and turn pictures, which are arrays of height x width x 3 bytes in the order red, green, blue."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

cv2.setNumThreads(1)  # a worker counts its cores itself, and many handlers share them

Pixels = NDArray[np.uint8]
Points = NDArray[np.float32]

# Where the two eyes and the mouth lie in an aligned face, as shares of its side. Eyes: the mean of the corners of each
# eye in the mean face of dlib's face chips (get_face_chip_details, padding 0.25); the mouth: 0.72, below its nose.
RIGHT_EYE, LEFT_EYE, MOUTH = (0.318, 0.314), (0.669, 0.314), (0.493, 0.72)


def resized(picture: Pixels, width: int, height: int) -> Pixels:
    """The whole picture at another size in pixels; averaged when it shrinks, interpolated when it grows."""
    if picture.shape[:2] == (height, width):
        return picture
    shrinks = width * height < picture.shape[0] * picture.shape[1]
    return _pixels(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))


def fitted(picture: Pixels, width: int, height: int) -> Pixels:
    """The picture scaled to the greatest size within width x height that keeps its ratio; 0 is no limit."""
    scales = [limit / size for limit, size in ((width, picture.shape[1]), (height, picture.shape[0])) if limit]
    if not scales:
        return picture
    scale = min(scales)
    return resized(picture, max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))


def cut(picture: Pixels, x: float, y: float, width: float, height: float, margin: float = 0.0) -> Pixels:
    """A part of a picture, widened on each side by `margin` x its size, as far as the picture goes; a copy.

    At least one pixel is given, also of a box that lies outside.
    """
    left, right = x - margin * width, x + width + margin * width
    top, bottom = y - margin * height, y + height + margin * height
    tall, wide = picture.shape[:2]
    first, last = _span(left, right, wide)
    upper, lower = _span(top, bottom, tall)
    return np.ascontiguousarray(picture[upper:lower, first:last])


def alignment(points: Points, side: int) -> NDArray[np.float64]:
    """The 2 x 3 matrix of the rotation, scale and shift which bring eyes and mouth where they belong, in least squares.

    `points` are right eye, left eye and mouth, as x and y. With centred points a and targets b, as complex numbers, the
    best rotation and scale is sum(conj(a) b) / sum(|a|^2): Umeyama 1991, in two dimensions.

    Raises:
        ValueError: the points lie on one another.
    """
    target = np.array([RIGHT_EYE, LEFT_EYE, MOUTH], dtype=np.float64) * side
    given = np.asarray(points, dtype=np.float64)
    a, b = given - given.mean(axis=0), target - target.mean(axis=0)
    spread = float((a**2).sum())
    if spread < 1e-6:
        raise ValueError(f"eyes and mouth lie on one another at {given.tolist()}; the face cannot be aligned")
    cosine = float((a * b).sum()) / spread
    sine = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([turn, target.mean(axis=0) - turn @ given.mean(axis=0)])


def aligned(picture: Pixels, points: Points, side: int) -> Pixels:
    """A face turned upright and scaled to `side` x `side` pixels, by right eye, left eye and mouth.

    A face that is much larger than `side` is first made smaller, so that no detail becomes noise.

    Raises:
        ValueError: the points lie on one another.
    """
    matrix = alignment(points, side)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    source: Any = picture
    while scale < 0.5 and min(source.shape[:2]) >= 2:
        source = cv2.resize(source, (source.shape[1] // 2, source.shape[0] // 2), interpolation=cv2.INTER_AREA)
        matrix[:, :2] *= 2
        scale *= 2
    return _pixels(
        cv2.warpAffine(source, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def _span(low: float, high: float, size: int) -> tuple[int, int]:
    first = min(max(int(np.floor(low)), 0), size - 1)
    return first, max(min(int(np.ceil(high)), size), first + 1)


def _pixels(array: Any) -> Pixels:
    return np.ascontiguousarray(array, dtype=np.uint8)
