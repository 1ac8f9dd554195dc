"""Handlers that draw what was found into the picture."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from hedgerow_nodes.handlers.vision.drawing import with_box, with_label
from hedgerow_nodes.serve import Boxes, Image, handler, parameters


@parameters
class DrawBoxesParameters:
    thickness: Annotated[int, Meta(ge=1, le=32, description="of the lines, pixels")] = 2


@handler(
    "draw_boxes", inputs={"image": Image, "boxes": Boxes}, outputs={"image": Image}, parameters=DrawBoxesParameters
)
class DrawBoxes:
    """Draw boxes into the picture that they were found in."""

    def __init__(self, parameters: DrawBoxesParameters) -> None:
        self._thickness = parameters.thickness

    def process(self, image: Image, boxes: Boxes) -> Image:
        """A copy of the picture with the boxes."""
        picture = image.array.copy()
        for one in _scaled(boxes, image):
            with_box(picture, one[1], one[0], self._thickness)
        return Image(picture)


@parameters
class DrawLabelledBoxesParameters:
    thickness: Annotated[int, Meta(ge=1, le=32, description="of the lines, pixels")] = 2
    text_size: Annotated[float, Meta(ge=0.1, le=10.0, description="1 is about 20 pixels high")] = 0.5
    with_probability: bool = True


@handler(
    "draw_labelled_boxes",
    inputs={"image": Image, "boxes": Boxes},
    outputs={"image": Image},
    parameters=DrawLabelledBoxesParameters,
)
class DrawLabelledBoxes:
    """Draw boxes with their labels and probabilities into the picture that they were found in."""

    def __init__(self, parameters: DrawLabelledBoxesParameters) -> None:
        self._settings = parameters

    def process(self, image: Image, boxes: Boxes) -> Image:
        """A copy of the picture with the boxes."""
        picture = image.array.copy()
        scaled = _scaled(boxes, image)
        for label, place, _ in scaled:
            with_box(picture, place, label, self._settings.thickness)
        for label, (x, y, _, _), probability in scaled:
            text = f"{label} {probability:.2f}" if self._settings.with_probability else label
            with_label(picture, x, y, text, label, self._settings.text_size)
        return Image(picture)


def _scaled(boxes: Boxes, image: Image) -> list[tuple[str, tuple[float, float, float, float], float]]:
    """Label, place and probability, in pixels of this picture, which may be another size of the one looked at."""
    across = image.width / boxes.width if boxes.width else 1.0
    down = image.height / boxes.height if boxes.height else 1.0
    return [
        (one.label, (one.x * across, one.y * down, one.width * across, one.height * down), one.probability)
        for one in boxes.boxes
    ]
