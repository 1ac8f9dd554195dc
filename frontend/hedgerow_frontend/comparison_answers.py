"""The answer of the REST interface about iterations side by side."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hedgerow_frontend.answers import Answer, TaskRef
from hedgerow_orchestrator.states import TaskState


class ComparedTask(Answer):
    """One iteration of a comparison."""

    task: TaskRef
    state: TaskState
    title: str
    created_at: str
    finished_at: str | None
    previous_iteration_id: int | None


class ComparedCell(Answer):
    """What one iteration says: a number in its interval with method and source, or words."""

    value: float | None
    low: float | None = Field(description="Null where no interval is known.")
    high: float | None
    method: str = Field(description="`stated` for a bare number of an output, `published …` for a quoted one.")
    source: str
    text: str | None
    verdict: Literal["met", "missed", "unknown"] | None = Field(description="In rows about limits.")


class ComparedRow(Answer):
    """One thing that the iterations say; `name` is the field's path and ends in its unit."""

    group: str = Field(description="`request`, `limits`, or the stage.")
    name: str
    better: Literal["less", "more"] | None = Field(description="Null where neither end is better.")
    cells: list[ComparedCell | None] = Field(description="One for each task; null where nothing is known.")
    best: list[int] = Field(description="Places of the best cells in `cells`; equal ones share it.")
    worst: list[int]
    certain: bool | None = Field(
        description="Intervals do not overlap and methods are alike; null where none is marked best."
    )
    differs: bool
    remarks: list[str] = Field(description="What makes a difference uncertain, and unlike methods, in sentences.")


class ComparisonAnswer(Answer):
    """Iterations side by side; the address is the saved comparison."""

    tasks: list[ComparedTask]
    differences: bool
    rows: list[ComparedRow]
