"""A data set's facts as lines of the answer table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from hedgerow_launch.quantities import is_number, quantity

LISTED = 12


class DatasetRow(NamedTuple):
    """What is told, and what it is."""

    what: str
    value: str


def dataset_rows(facts: Mapping[str, Any]) -> Iterator[DatasetRow]:
    """Size, columns with their kinds and gaps, what is to be predicted, and the share of each of its classes."""
    yield DatasetRow("data set", f"{facts['name']}: {facts['format']}, {rows_text(facts)}")
    columns = facts["columns"]
    if columns:
        shown = ", ".join(_column(column) for column in columns[:LISTED])
        more = max(int(facts.get("columns_total") or 0), len(columns)) - min(len(columns), LISTED)
        yield DatasetRow("columns", shown + (f" and {more} more" if more else ""))
    if facts.get("target"):
        yield DatasetRow("to be predicted", f"{facts['target']}: {facts['target_why']}")
    total = sum(one["rows"] for one in facts["class_balance"])
    if total:
        shares = (f"{one['value']} {one['rows'] / total:.0%}" for one in facts["class_balance"][:LISTED])
        yield DatasetRow("classes", ", ".join(shares))


def rows_text(facts: Mapping[str, Any]) -> str:
    """How many rows there are, and how well that is known."""
    if is_number(facts.get("rows")):
        return f"{quantity('', facts['rows'])} rows"
    if is_number(facts.get("rows_about")):
        return f"about {quantity('', facts['rows_about'])} rows (estimated from the {facts['rows_read']} read)"
    return f"at least {facts['rows_read']} rows"


def _column(column: Mapping[str, Any]) -> str:
    missing = f", {column['missing']} missing" if column.get("missing") else ""
    return f"{column['name']} ({column['kind']}{missing})"
