"""A problem as CSV: one row an iteration, one column a figure, with its low, high, method and source beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from hedgerow_frontend.comparisons import name_of
from hedgerow_frontend.presentation import outputs_of
from hedgerow_nodes.estimators.comparison.cells import Cell
from hedgerow_nodes.estimators.comparison.side_by_side import LIMITS, Subject, compare

HEAD = ("problem_id", "iteration_id", "state", "pipeline", "previous_iteration_id", "created_at", "finished_at")
BESIDE = ("low", "high", "method", "source")
# A spreadsheet takes a cell that begins so for a formula, also after blanks and in full width.
_FORMULA = tuple("=+-@＝＋－＠|%")


def csv_text(found: Mapping[str, Any]) -> str:
    """The table of an exported problem; what is unknown is an empty cell."""
    tasks = found["iterations"]
    rows = compare([Subject(name_of(task), task["request"], outputs_of(task)) for task in tasks])
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    header = [*HEAD, "error"]
    columns: list[Sequence[object]] = []
    for row in rows:
        name = f"{row.group}.{row.name}"
        if row.group == LIMITS:
            header += [name, f"{name}.said"]
            columns += [[cell.verdict for cell in row.cells], [cell.text for cell in row.cells]]
        elif any(cell.value is not None for cell in row.cells):
            header += [name, *(f"{name}.{what}" for what in BESIDE)]
            columns += [[_value(cell) for cell in row.cells]]
            columns += [[getattr(cell, what) for cell in row.cells] for what in BESIDE]
        else:
            header.append(name)
            columns.append([cell.text for cell in row.cells])
    writer.writerow([_safe(name) for name in header])
    for place, task in enumerate(tasks):
        told = {**task, **task["task"]}
        error = (task["error"] or {}).get("code", "")
        cells = [*(told[key] for key in HEAD), error, *(column[place] for column in columns)]
        writer.writerow([_safe(cell) for cell in cells])
    return out.getvalue()


def _value(cell: Cell) -> object:
    return cell.text if cell.value is None else cell.value


def _safe(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula: words that look like one get an apostrophe before them."""
    if not isinstance(cell, str):
        return "" if cell is None else cell
    text = cell.replace("\0", "�")
    return f"'{text}" if text.lstrip().startswith(_FORMULA) or text.startswith(("\t", "\r", "\n")) else text
