"""Turn pictures into JPEG or PNG bytes and back, with no picture larger than a limit."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from hedgerow_nodes.handlers.vision.geometry import Pixels

Format = Literal["jpeg", "png"]
MEDIA_TYPES: dict[Format, str] = {"jpeg": "image/jpeg", "png": "image/png"}
SUFFIXES: dict[Format, str] = {"jpeg": "jpg", "png": "png"}


class UnreadablePicture(Exception):
    """Bytes which are no picture, or one that cannot be taken."""


def encoded(picture: Pixels, form: Format, quality: int) -> bytes:
    """The picture as a file: a JPEG of a quality of 1 to 100, or a PNG packed less the higher the quality is.

    Raises:
        UnreadablePicture: it cannot be encoded.
    """
    if form == "jpeg":
        settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
    else:
        settings = [cv2.IMWRITE_PNG_COMPRESSION, round((100 - quality) * 9 / 100)]
    try:
        is_done, data = cv2.imencode(f".{SUFFIXES[form]}", picture[..., ::-1], settings)
    except cv2.error as error:
        raise UnreadablePicture(f"a picture of shape {picture.shape} cannot be encoded as {form}: {error}") from error
    if not is_done:
        raise UnreadablePicture(f"a picture of shape {picture.shape} cannot be encoded as {form}")
    return data.tobytes()


def decoded(data: bytes | memoryview, most_pixels: int = 2**28) -> Pixels:
    """The picture in a JPEG, PNG or other file that OpenCV reads, in red, green and blue; grey ones get three channels.

    Raises:
        UnreadablePicture: it is none, or has more pixels than may be.
    """
    if not len(data):
        raise UnreadablePicture("0 bytes are no picture")
    try:
        found = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise UnreadablePicture(f"{len(data)} bytes cannot be read as a picture: {error}") from error
    if found is None:
        raise UnreadablePicture(f"{len(data)} bytes are no picture that can be read; send JPEG or PNG")
    if found.shape[0] * found.shape[1] > most_pixels:
        raise UnreadablePicture(
            f"a picture of {found.shape[1]} x {found.shape[0]} pixels; at most {most_pixels} are taken"
        )
    return np.ascontiguousarray(found[..., ::-1])
