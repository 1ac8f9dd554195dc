"""Put iterations side by side: a row for each thing that any of them says, in the order in which they say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hedgerow_nodes.estimators.comparison.cells import Cell, cells_of
from hedgerow_nodes.estimators.comparison.direction import Better, better
from hedgerow_nodes.estimators.comparison.marks import Marks, marks_of
from hedgerow_nodes.estimators.verdicts.judgement import judge_outputs

REQUEST = "request"
LIMITS = "limits"


@dataclass(frozen=True)
class Subject:
    """One iteration as it is compared: what it is called, what was asked, and its outputs by stage in plain JSON."""

    label: str
    request: Mapping[str, Any]
    outputs: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Row:
    """One thing that the iterations say: who says it, its field's path, and a cell for each iteration."""

    group: str
    name: str
    better: Better
    cells: tuple[Cell, ...]
    marks: Marks

    @property
    def differs(self) -> bool:
        """The iterations do not all say the same."""
        return any(cell != self.cells[0] for cell in self.cells)


def compare(subjects: Sequence[Subject]) -> tuple[Row, ...]:
    """The rows: what was asked, how the limits were kept, then stage by stage; what no iteration says is left out."""
    labels = [subject.label for subject in subjects]
    asked = _union([{REQUEST: cells_of(subject.request, REQUEST)} for subject in subjects])
    limits = _union([{LIMITS: _verdicts(subject)} for subject in subjects])
    outputs = _union(
        [{stage: cells_of(output, stage) for stage, output in subject.outputs.items()} for subject in subjects]
    )
    rows = [
        _row(group, name, cells, labels) for found in (asked, limits, outputs) for (group, name), cells in found.items()
    ]
    return tuple(row for row in rows if not all(cell.empty for cell in row.cells))


def only_differences(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows in which the iterations do not all say the same."""
    return tuple(row for row in rows if row.differs)


def _row(group: str, name: str, cells: Sequence[Cell], labels: Sequence[str]) -> Row:
    direction = better(name) if group not in (REQUEST, LIMITS) else Better.NEITHER
    return Row(group, name, direction, tuple(cells), marks_of(cells, labels, direction))


def _union(found: Sequence[Mapping[str, Mapping[str, Cell]]]) -> dict[tuple[str, str], list[Cell]]:
    groups = dict.fromkeys(group for each in found for group in each)
    return {
        (group, name): [each.get(group, {}).get(name, Cell()) for each in found]
        for group in groups
        for name in dict.fromkeys(name for each in found for name in each.get(group, {}))
    }


def _verdicts(subject: Subject) -> dict[str, Cell]:
    """A cell for each limit; of several limits on one thing each has its own row."""
    cells: dict[str, Cell] = {}
    for judgement in judge_outputs(subject.outputs):
        name = judgement.limit.name
        while name in cells:
            name += " again"
        cells[name] = Cell(text=judgement.said, verdict=str(judgement.verdict))
    return cells
