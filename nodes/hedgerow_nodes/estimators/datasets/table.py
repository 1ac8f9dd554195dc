"""A table as the readers hand it on: values by column, and how much of the file they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hedgerow_nodes.estimators.datasets.profile import Format
from hedgerow_nodes.estimators.datasets.values import Cell


@dataclass(frozen=True)
class Table:
    """Some rows of a file.

    `rows` and `rows_about` are as in `DatasetProfile`; `task_hint` is a task that the format itself speaks for.
    """

    format: Format
    columns: Mapping[str, Sequence[Cell]]
    rows_read: int
    rows: int | None
    rows_about: int | None = None
    remarks: tuple[str, ...] = ()
    task_hint: str = ""


def estimated_rows(rows_read: int, bytes_read: int, file_bytes: int) -> int | None:
    """The rows of a whole file if the rest is like what was read; None where too little was."""
    return round(rows_read * file_bytes / bytes_read) if rows_read and bytes_read else None


def distinct_names(names: Iterable[str]) -> list[str]:
    """The names of columns, stripped; an empty one is called by its place, a repeated one gets a number."""
    taken: set[str] = set()
    result = []
    for place, raw in enumerate(names, 1):
        plain = raw.strip() or f"column {place}"
        name, number = plain, 1
        while name in taken:
            number += 1
            name = f"{plain} {number}"
        taken.add(name)
        result.append(name)
    return result
