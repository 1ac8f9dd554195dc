"""A data set's profile as the facts that travel on the bus, bounded so that a strange file makes no huge message."""

from __future__ import annotations

import math

from hedgerow_idl import ClassCount, ColumnFacts, DatasetFacts
from hedgerow_nodes.estimators.datasets.message_text import message_text
from hedgerow_nodes.estimators.datasets.profile import Column, DatasetProfile, Kind

COLUMNS_MAX = 100
LONGEST_TEXT = 120
# The profile counts times in seconds of its own, which would tell nobody anything.
_MEASURED = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.IDENTIFIER})


def facts_of(profile: DatasetProfile) -> DatasetFacts:
    """The facts of a profile; of very many columns the first ones, the target's always, and long names cut."""
    target = profile.target
    columns = list(profile.columns[:COLUMNS_MAX])
    # The target of a folder of images is no column.
    columns[COLUMNS_MAX - 1 :] = [
        column for column in profile.columns[COLUMNS_MAX - 1 :] if target is not None and column.name == target.name
    ] or columns[COLUMNS_MAX - 1 :]
    return DatasetFacts(
        name=_cut(profile.name),
        format=str(profile.format),
        modality=profile.modality,
        rows=_known(profile.rows),
        rows_read=profile.rows_read,
        rows_about=_known(profile.rows_about),
        columns_total=len(profile.columns),
        columns=[_column(column) for column in columns],
        target="" if target is None else _cut(target.name),
        target_why="" if target is None else target.why,
        class_balance=[ClassCount(value=_cut(value), rows=rows) for value, rows in profile.balance],
        tasks=list(profile.tasks),
        remarks=list(profile.remarks),
    )


def _column(column: Column) -> ColumnFacts:
    return ColumnFacts(
        name=_cut(column.name),
        kind=str(column.kind),
        missing=column.missing,
        distinct=column.distinct,
        odd=column.odd,
        minimum=_known(column.minimum if column.kind in _MEASURED else None),
        maximum=_known(column.maximum if column.kind in _MEASURED else None),
    )


def _known(number: float | None) -> float:
    return math.nan if number is None else float(number)


def _cut(text: str) -> str:
    return message_text(text, LONGEST_TEXT)
