"""Put names beside points so that none lies on another or on a point."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from hedgerow_frontend.charts.svg import label

LONGEST = 32
CHARACTER_WIDTH, LINE_HEIGHT, GAP = 7.0, 14.0, 10.0


@dataclass(frozen=True)
class Box:
    """A rectangle by its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    def meets(self, other: Box) -> bool:
        """Tell whether two rectangles overlap."""
        beside = self.x + self.width <= other.x or other.x + other.width <= self.x
        return not (beside or self.y + self.height <= other.y or other.y + other.height <= self.y)

    def holds(self, other: Box) -> bool:
        """Tell whether the other lies within."""
        across = self.x <= other.x and other.x + other.width <= self.x + self.width
        return across and self.y <= other.y and other.y + other.height <= self.y + self.height


def place_label(text: str, x: float, y: float, taken: list[Box], frame: Box, *, always: bool = False) -> Markup:
    """The name of a point, to its right or left, above or below; nothing where there is no room.

    Args:
        text: the name; a long one is cut.
        x: of the point.
        y: of the point.
        taken: what lies in the way already; the place found is added.
        frame: where names may lie.
        always: where there is no room it covers what lies in the way.
    """
    shown = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    width, half = len(shown) * CHARACTER_WIDTH, LINE_HEIGHT / 2
    places = (
        Box(x + GAP, y - half, width, LINE_HEIGHT),
        Box(x - GAP - width, y - half, width, LINE_HEIGHT),
        Box(x - width / 2, y - GAP - LINE_HEIGHT, width, LINE_HEIGHT),
        Box(x - width / 2, y + GAP, width, LINE_HEIGHT),
        Box(x + GAP / 2, y - GAP - LINE_HEIGHT, width, LINE_HEIGHT),
        Box(x - GAP / 2 - width, y + GAP, width, LINE_HEIGHT),
    )
    within = [box for box in places if frame.holds(box)]
    free = [box for box in within if not any(box.meets(other) for other in taken)]
    chosen = next(iter(free or (within if always else ())), None)
    if chosen is None:
        return Markup("")
    taken.append(chosen)
    return label(chosen.x, chosen.y + 11, shown, class_="name")
