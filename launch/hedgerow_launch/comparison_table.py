"""Shows iterations side by side as a table: each figure with its interval and method, best and worst marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from hedgerow_launch.quantities import UNKNOWN, interval, is_number, label, quantity

STATED = "stated"
_STYLES = {"best": "green", "worst": "red", "met": "green", "missed": "red"}


def comparison_table(found: Mapping[str, Any]) -> Table:
    """The table of a comparison as the front end answers it."""
    table = Table(title="iterations side by side", title_justify="left")
    table.add_column("what", overflow="fold")
    for task in found["tasks"]:
        key = task["task"]
        table.add_column(f"{key['problem_id']}.{key['iteration_id']} {task['state']}", overflow="fold")
    group = ""
    for row in found["rows"]:
        if row["group"] != group:
            group = row["group"]
            table.add_section()
            table.add_row(Text(group, "bold"))
        # As Text, since what a person or an author's node wrote may look like Rich's markup.
        table.add_row(Text(row_label(row)), *(_styled(row, place) for place in range(len(row["cells"]))))
    return table


def row_label(row: Mapping[str, Any]) -> str:
    """A row's name, which end is better where that is not the usual, and what makes its marks uncertain."""
    end = " (more is better)" if row["better"] == "more" else ""
    doubt = " (not certain)" if row["certain"] is False else ""
    name = label(str(row["name"]).replace(".", " "))
    return "\n".join([f"{name}{end}{doubt}", *(f"  {remark}" for remark in row["remarks"])])


def cell_text(row: Mapping[str, Any], place: int) -> str:
    """What stands in a cell."""
    cell = row["cells"][place]
    if cell is None:
        return UNKNOWN
    if cell.get("text") is not None:
        return str(cell["text"])
    name = str(row["name"])
    parts = [quantity(name, cell["value"])]
    if cell["method"] != STATED:
        within = is_number(cell["low"]) and is_number(cell["high"])
        parts += [f"[{interval(name, cell)}]" if within else "", str(cell["method"])]
    mark = _mark(row, place)
    return " ".join(filter(None, (*parts, f"({mark})" if mark else "")))


def _styled(row: Mapping[str, Any], place: int) -> Text:
    verdict = (row["cells"][place] or {}).get("verdict")
    return Text(cell_text(row, place), _STYLES.get(verdict or _mark(row, place), ""))


def _mark(row: Mapping[str, Any], place: int) -> str:
    return "best" if place in row["best"] else "worst" if place in row["worst"] else ""
