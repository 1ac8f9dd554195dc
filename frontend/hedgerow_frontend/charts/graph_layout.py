"""Where the boxes of a graph lie: a column for each step from the sources, a lane for each worker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

BOX_WIDTH, BOX_HEIGHT = 168.0, 52.0
COLUMN_GAP, ROW_GAP = 64.0, 14.0
LANE_HEAD, LANE_FOOT, LANE_GAP, MARGIN = 28.0, 14.0, 14.0, 14.0


@dataclass(frozen=True)
class GraphBox:
    """One handler's instance: `group` is where it runs, `style` one of good, busy, bad and calm."""

    key: str
    title: str
    subtitle: str
    group: str
    style: str = "calm"
    told: str = ""


@dataclass(frozen=True)
class GraphEdge:
    """What one box sends to another; `is_dashed` where items may be left out, `told` is read on hovering."""

    sender: str
    receiver: str
    label: str = ""
    told: str = ""
    is_dashed: bool = False


@dataclass(frozen=True)
class Lane:
    """The stripe of one group."""

    group: str
    y: float
    height: float


@dataclass(frozen=True)
class Layout:
    """Upper left corners of the boxes by key, the lanes from top to bottom, and the size of it all."""

    places: dict[str, tuple[float, float]]
    columns: dict[str, int]
    lanes: tuple[Lane, ...]
    width: float
    height: float


def layout(boxes: Sequence[GraphBox], edges: Sequence[GraphEdge]) -> Layout:
    """Place every box; edges from or to boxes that are not there count for nothing."""
    columns = columns_of([box.key for box in boxes], edges)
    ordered = sorted(boxes, key=lambda box: columns[box.key])
    groups = list(dict.fromkeys(box.group for box in ordered))
    places: dict[str, tuple[float, float]] = {}
    lanes: list[Lane] = []
    y = MARGIN
    for group in groups:
        rows: dict[int, int] = defaultdict(int)
        for box in ordered:
            if box.group == group:
                column = columns[box.key]
                x = 2 * MARGIN + column * (BOX_WIDTH + COLUMN_GAP)
                places[box.key] = (x, y + LANE_HEAD + rows[column] * (BOX_HEIGHT + ROW_GAP))
                rows[column] += 1
        most = max(rows.values())
        height = LANE_HEAD + most * (BOX_HEIGHT + ROW_GAP) - ROW_GAP + LANE_FOOT
        lanes.append(Lane(group, y, height))
        y += height + LANE_GAP
    last = max(columns.values(), default=0)
    width = 4 * MARGIN + (last + 1) * (BOX_WIDTH + COLUMN_GAP) - COLUMN_GAP
    return Layout(places, columns, tuple(lanes), width, y - LANE_GAP + MARGIN if lanes else 2 * MARGIN)


def columns_of(keys: Sequence[str], edges: Sequence[GraphEdge]) -> dict[str, int]:
    """How many steps each box is from a source, by the longest way; what lies on a cycle is put behind all others."""
    waits: dict[str, set[str]] = {key: set() for key in keys}
    for edge in edges:
        if edge.sender in waits and edge.receiver in waits and edge.sender != edge.receiver:
            waits[edge.receiver].add(edge.sender)
    columns: dict[str, int] = {}
    while len(columns) < len(waits):
        ready = [key for key in waits if key not in columns and waits[key] <= columns.keys()]
        if not ready:
            behind = max(columns.values(), default=-1) + 1
            return {key: columns.get(key, behind) for key in keys}
        for key in ready:
            columns[key] = 1 + max((columns[sender] for sender in waits[key]), default=-1)
    return {key: columns[key] for key in keys}
