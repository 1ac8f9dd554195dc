"""A comparison as plain JSON values: what REST answers, and what the command and the page show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hedgerow_nodes.estimators.comparison.cells import Cell
from hedgerow_nodes.estimators.comparison.side_by_side import Row


def row_objects(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One object a row; a cell in which nothing is known is null."""
    return [
        {
            "group": row.group,
            "name": row.name,
            "better": str(row.better) or None,
            "cells": [None if cell.empty else cell_object(cell) for cell in row.cells],
            "best": list(row.marks.best),
            "worst": list(row.marks.worst),
            "certain": row.marks.certain,
            "differs": row.differs,
            "remarks": list(row.marks.remarks),
        }
        for row in rows
    ]


def cell_object(cell: Cell) -> dict[str, Any]:
    """`{value, low, high, method, source, text, verdict}`; words have no value, and numbers no words."""
    return {
        "value": cell.value,
        "low": cell.low,
        "high": cell.high,
        "method": cell.method,
        "source": cell.source,
        "text": cell.text or None,
        "verdict": cell.verdict or None,
    }
