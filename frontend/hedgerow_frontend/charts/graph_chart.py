"""Draw a graph of handlers: boxes in the lane of the worker that runs them, joined by arrows."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from hedgerow_frontend.charts.graph_layout import (
    BOX_HEIGHT,
    BOX_WIDTH,
    MARGIN,
    ROW_GAP,
    GraphBox,
    GraphEdge,
    Lane,
    Layout,
    layout,
)
from hedgerow_frontend.charts.svg import drawing, element, label, words

BELOW = BOX_HEIGHT / 2 + ROW_GAP / 2
TITLE_CHARACTERS, SUBTITLE_CHARACTERS = 20, 23


def graph_chart(
    boxes: Sequence[GraphBox], edges: Sequence[GraphEdge], title: str, name: str, style: str = ""
) -> Markup:
    """The chart as SVG.

    Args:
        boxes: each with a key of its own.
        edges: between them, by key.
        title: what is drawn.
        name: begins the ids in the drawing.
        style: the sheet, where no page around the drawing has it.
    """
    placed = layout(boxes, edges)
    known = [edge for edge in edges if edge.sender in placed.places and edge.receiver in placed.places]
    arrow = f"{name}-arrow"
    parts = [element("defs", _arrow(arrow))]
    parts += [_lane(lane, placed.width) for lane in placed.lanes]
    parts += [_edge(edge, placed, arrow) for edge in known]
    parts += [_box(box, *placed.places[box.key]) for box in boxes]
    parts += [_edge_label(edge, placed) for edge in known if edge.label]
    told = "; ".join(f"{box.title} on {box.group}" for box in boxes)
    return drawing(placed.width, placed.height, name, title, told, *parts, style=style)


def _arrow(name: str) -> Markup:
    tip = element("path", d="M0 0L8 4L0 8z", class_="tip")
    return element(
        "marker", tip, id=name, viewBox="0 0 8 8", refX=8, refY=4, markerWidth=7, markerHeight=7, orient="auto"
    )


def _lane(lane: Lane, width: float) -> Markup:
    return element(
        "g",
        element("rect", x=MARGIN, y=lane.y, width=width - 2 * MARGIN, height=lane.height, rx=10, class_="lane"),
        label(MARGIN + 12, lane.y + 18, lane.group, class_="lane-name"),
    )


def _box(box: GraphBox, x: float, y: float) -> Markup:
    return element(
        "g",
        element("title", words(box.told or f"{box.title}: {box.subtitle}")),
        element("rect", x=x, y=y, width=BOX_WIDTH, height=BOX_HEIGHT, rx=8, class_=f"box {box.style}"),
        element("rect", x=x, y=y + 8, width=4, height=BOX_HEIGHT - 16, class_=f"side {box.style}"),
        label(x + 13, y + 22, cut(box.title, TITLE_CHARACTERS), class_="box-name"),
        label(x + 13, y + 39, cut(box.subtitle, SUBTITLE_CHARACTERS), class_="tick"),
    )


def _edge(edge: GraphEdge, placed: Layout, arrow: str) -> Markup:
    kind = "edge dashed" if edge.is_dashed else "edge"
    path = element("path", d=_path(edge, placed), class_=kind, marker_end=f"url(#{arrow})")
    return element("g", element("title", words(edge.told)), path) if edge.told else path


def _path(edge: GraphEdge, placed: Layout) -> str:
    """From the right side of the sender to the left side of the receiver, below boxes that lie between."""
    x1, y1, x2, y2 = _ends(edge, placed)
    if _passes(edge, placed):
        below = y1 + BELOW
        down = f"M{x1:.1f} {y1:.1f}C{x1 + 24:.1f} {y1:.1f} {x1 + 8:.1f} {below:.1f} {x1 + 32:.1f} {below:.1f}"
        return f"{down}L{x2 - 36:.1f} {below:.1f}C{x2 - 12:.1f} {below:.1f} {x2 - 28:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    bend = max(28.0, abs(x2 - x1) / 2)
    return f"M{x1:.1f} {y1:.1f}C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"


def _edge_label(edge: GraphEdge, placed: Layout) -> Markup:
    x1, y1, x2, y2 = _ends(edge, placed)
    y = y1 + BELOW + 4 if _passes(edge, placed) else (y1 + y2) / 2 - 5
    return label((x1 + x2) / 2, y, edge.label, class_="name edge-name", text_anchor="middle")


def _passes(edge: GraphEdge, placed: Layout) -> bool:
    """Tell whether boxes may lie between the two."""
    return placed.columns[edge.receiver] - placed.columns[edge.sender] > 1


def _ends(edge: GraphEdge, placed: Layout) -> tuple[float, float, float, float]:
    (sender_x, sender_y), (receiver_x, receiver_y) = placed.places[edge.sender], placed.places[edge.receiver]
    middle = BOX_HEIGHT / 2
    return sender_x + BOX_WIDTH, sender_y + middle, receiver_x, receiver_y + middle


def cut(text: str, most: int) -> str:
    """A text of at most so many characters; what is left out is marked."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
