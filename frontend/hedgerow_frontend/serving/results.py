"""What a page shows of a service's answer: the boxes, the picture, and the JSON of it all with long parts cut."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from hedgerow_frontend.charts.boxes_chart import FoundBox, boxes_chart
from hedgerow_frontend.formatting import is_number
from hedgerow_frontend.serving.pictures import picture_in

TEXT_CHARACTERS = 200
LIST_ENTRIES = 100


@dataclass(frozen=True)
class Result:
    """One answer, ready to be shown; `took_s` in seconds, None where it is not known.

    `picture` is the address of one, `boxes` what was found, `drawing` the boxes in the picture that was sent.
    """

    sequence: object
    took_s: object
    text: str
    picture: str = ""
    boxes: tuple[FoundBox, ...] | None = None
    drawing: Markup | None = None


def result_of(answer: Mapping[str, Any], sent: str = "") -> Result:
    """An answer of `infer_once`; `sent` is the address of the picture that was asked about, empty for none."""
    output = answer.get("output")
    boxes = boxes_in(output)
    drawing = None
    if boxes is not None and isinstance(output, Mapping):
        width, height = output.get("width"), output.get("height")
        if is_number(width) and is_number(height) and width > 0 and height > 0:
            drawing = boxes_chart(boxes, width, height, sent, "What was found", "found")
    return Result(
        sequence=answer.get("sequence"),
        took_s=answer.get("took_s"),
        text=json.dumps(shortened(output), indent=2, ensure_ascii=False),
        picture=picture_in(output),
        boxes=boxes,
        drawing=drawing,
    )


def boxes_in(output: object) -> tuple[FoundBox, ...] | None:
    """The boxes that an output holds, the most probable first; None where it holds no list of them."""
    found = output.get("boxes") if isinstance(output, Mapping) else None
    if not isinstance(found, list):
        return None
    names = ("probability", "x", "y", "width", "height")
    boxes = [
        FoundBox(str(one.get("label") or ""), *(float(one[name]) for name in names))
        for one in found
        if isinstance(one, Mapping) and all(is_number(one.get(name)) for name in names)
    ]
    return tuple(sorted(boxes, key=lambda box: -box.probability))


def shortened(value: Any) -> Any:
    """JSON with long texts and lists cut, and how much was left out said in their place."""
    match value:
        case str() if len(value) > TEXT_CHARACTERS:
            return f"{value[:TEXT_CHARACTERS]}… ({len(value)} characters)"
        case Mapping():
            return {str(name): shortened(each) for name, each in value.items()}
        case Sequence() if not isinstance(value, str):
            kept = [shortened(each) for each in value[:LIST_ENTRIES]]
            left = len(value) - LIST_ENTRIES
            return [*kept, f"… and {left} more"] if left > 0 else kept
    return value
