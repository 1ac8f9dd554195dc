"""Draw boxes that were found into the picture that they were found in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hedgerow_frontend.charts.svg import drawing, element, label, words

SHOWN_PIXELS = 560.0
"""The longer side as drawn."""


@dataclass(frozen=True)
class FoundBox:
    """One box: upper left corner and size in pixels of the picture."""

    label: str
    probability: float
    x: float
    y: float
    width: float
    height: float


def boxes_chart(
    boxes: Sequence[FoundBox], width: float, height: float, picture: str, title: str, name: str, style: str = ""
) -> Markup:
    """The chart as SVG.

    Args:
        boxes: in the picture; what lies outside of it is not seen.
        width, height: of the picture in pixels, above 0.
        picture: its address, empty where it is not at hand.
        title: what is drawn.
        name: begins the ids in the drawing.
        style: the sheet, where no page around the drawing has it.
    """
    scale = SHOWN_PIXELS / max(width, height)
    size = (width * scale, height * scale)
    ground = element("rect", width=size[0], height=size[1], class_="lane")
    if picture:
        ground = element("image", href=picture, width=size[0], height=size[1], preserveAspectRatio="none")
    told = "; ".join(f"{box.label} {box.probability:.2f}" for box in boxes) or "nothing was found"
    return drawing(*size, name, title, told, ground, *(_box(box, scale) for box in boxes), style=style)


def _box(box: FoundBox, scale: float) -> Markup:
    x, y = box.x * scale, box.y * scale
    told = f"{box.label} {box.probability:.2f}".strip()
    return element(
        "g",
        element("title", words(told)),
        element(
            "rect", x=x, y=y, width=max(0.0, box.width * scale), height=max(0.0, box.height * scale), class_="found"
        ),
        label(x + 4, max(y - 5, 12.0), told, class_="found-name"),
    )
