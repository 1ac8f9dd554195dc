"""Any value as JSON: what the sinks that send or write text make of it."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from hedgerow_nodes.serve import Blob, Box, Boxes, EncodedImage, Image, Record, Tensors, Text, Value

MOST_NUMBERS = 65_536
"""A tensor of more numbers is told by its type and shape only."""


def plain(value: Value) -> Any:
    """The value as objects of JSON; pictures that are no file are told by their size, bytes are in base 64."""
    if isinstance(value, Record):
        return value.fields
    if isinstance(value, Boxes):
        return {"width": value.width, "height": value.height, "boxes": [plain_box(box) for box in value.boxes]}
    if isinstance(value, Text):
        return {"text": value.text}
    if isinstance(value, EncodedImage):
        return {"media_type": value.media_type, "data": base64.b64encode(value.data).decode()}
    if isinstance(value, Blob):
        return {"data": base64.b64encode(value.data).decode()}
    if isinstance(value, Image):
        return {"width": value.width, "height": value.height}
    if isinstance(value, Tensors):
        return {name: _plain_tensor(array) for name, array in value.arrays.items()}
    raise TypeError(f"a {type(value).__name__} cannot be told in JSON")


def plain_box(box: Box) -> dict[str, Any]:
    """A box without its crop; landmarks and embedding where it has them."""
    told: dict[str, Any] = {
        "label": box.label,
        "probability": round(float(box.probability), 4),
        **{side: round(float(getattr(box, side)), 2) for side in ("x", "y", "width", "height")},
    }
    if box.landmarks:
        told["landmarks"] = [[round(float(x), 2), round(float(y), 2)] for x, y in box.landmarks]
    if box.embedding is not None:
        told["embedding"] = [float(number) for number in box.embedding]
    return told


def json_line(content: Any) -> bytes:
    """JSON in one line; numbers that JSON has no word for become null, keys are text.

    Raises:
        TypeError: it holds something that JSON has no word for.
    """
    return msgspec.json.encode(content)


def _plain_tensor(array: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"type": str(array.dtype), "shape": list(array.shape)}
    if array.size <= MOST_NUMBERS:
        told["values"] = array.tolist()
    return told
