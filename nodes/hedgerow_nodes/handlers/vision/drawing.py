"""Draw boxes and their labels into a copy of a picture."""

from __future__ import annotations

import zlib

import cv2
import numpy as np

from hedgerow_nodes.handlers.vision.geometry import Pixels

FONT = cv2.FONT_HERSHEY_SIMPLEX
# Far apart in hue and bright enough for dark text on them.
COLOURS = ((102, 194, 165), (252, 141, 98), (141, 160, 203), (231, 138, 195), (166, 216, 84), (255, 217, 47))


def with_box(picture: Pixels, box: tuple[float, float, float, float], label: str, thickness: int) -> None:
    """Draw one box (x, y, width, height in pixels) into the picture itself, in the colour of its label."""
    x, y, width, height = box
    first, last = (round(x), round(y)), (round(x + width) - 1, round(y + height) - 1)
    cv2.rectangle(picture, first, last, colour(label), thickness)


def with_label(picture: Pixels, x: float, y: float, text: str, label: str, scale: float) -> None:
    """Write text on a ground of the label's colour above (x, y), or below where the picture ends."""
    shown = text.encode("ascii", "replace").decode()  # the font has nothing else
    (width, height), below = cv2.getTextSize(shown, FONT, scale, 1)
    left = int(np.clip(round(x), 0, max(picture.shape[1] - width - 4, 0)))
    bottom = round(y) if y >= height + below + 4 else round(y) + height + below + 4
    cv2.rectangle(picture, (left, bottom - height - below - 4), (left + width + 4, bottom), colour(label), cv2.FILLED)
    cv2.putText(picture, shown, (left + 2, bottom - below - 1), FONT, scale, (0, 0, 0), 1, cv2.LINE_AA)


def colour(label: str) -> tuple[int, int, int]:
    """The colour of a label, the same in every process."""
    return COLOURS[zlib.crc32(label.encode()) % len(COLOURS)]
