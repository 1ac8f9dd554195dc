"""An iteration as lines for a report: each number with its unit, its interval, its method and its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hedgerow_frontend.formatting import quantity, reading, unit_of
from hedgerow_frontend.labels import path_words
from hedgerow_nodes.estimators.comparison.cells import Cell, cells_of
from hedgerow_nodes.estimators.comparison.plain import cell_object

UNKNOWN = "unknown"
EXACT = "as stated"
NO_UNIT = "1"
# The prefix stands in the value; these are the units as one writes them.
_WRITTEN = {"": NO_UNIT, "count": NO_UNIT, "g": "g CO2e", "kg": "kg CO2e", "g/kWh": "g CO2e/kWh", "a": "years"}


@dataclass(frozen=True)
class Line:
    """One thing that is said; of words only `value` is filled."""

    path: str
    label: str
    value: str
    unit: str = ""
    interval: str = ""
    method: str = ""
    source: str = ""

    @property
    def is_number(self) -> bool:
        """It is a figure, known or not."""
        return bool(self.unit)


def lines_of(said: Mapping[str, Any], group: str) -> list[Line]:
    """The lines of what was asked, or of a stage's output; empty words are left out."""
    found = cells_of(said, group)
    return [_line(path, cell, group) for path, cell in found.items() if not _silent(cell)]


def _silent(cell: Cell) -> bool:
    """Neither a number nor words nor an estimate that is unknown."""
    return cell.empty and not cell.method


def _line(path: str, cell: Cell, group: str) -> Line:
    if cell.text:
        return Line(path, path_words(path), cell.text)
    unit = unit_of(path)
    told = reading(cell_object(cell), unit)
    exact = cell.value is not None and cell.low == cell.value == cell.high
    return Line(
        path,
        path_words(path),
        quantity(cell.value, unit),
        _WRITTEN.get(unit, unit),
        EXACT if exact else told.interval or UNKNOWN,
        cell.method or UNKNOWN,
        cell.source or group,
    )
