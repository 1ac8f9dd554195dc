"""The answers of the REST interface that are about problems, tasks and their stages."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from hedgerow_frontend.answers import Answer, TaskRef, documented
from hedgerow_orchestrator.states import StageState, TaskState


class TaskAccepted(Answer):
    """The task that a submission started."""

    model_config = documented(
        description="Accepted: the work goes on.",
        headers={"Location": {"description": "Where the task is shown.", "schema": {"type": "string"}}},
    )

    task: TaskRef


class TaskCancelled(Answer):
    """A task and the state it is in after the wish to cancel it."""

    task: TaskRef
    state: TaskState


class ProblemCancelled(Answer):
    """The iterations of a problem that were cancelled."""

    problem_id: int
    cancelled: list[int]


class ErrorAnswer(Answer):
    """Why a stage or a task failed."""

    code: str
    reason: str


class StageAnswer(Answer):
    """One module node's turn within a task; `output` is what it wrote, without its header."""

    state: StageState
    attempt: int
    node_id: str | None
    node: str | None
    started_at: str | None
    finished_at: str | None
    output: dict[str, Any] | None
    error: ErrorAnswer | None


class TaskSummary(Answer):
    """A task in a list."""

    task: TaskRef
    state: TaskState
    title: str
    pipeline: str
    previous_iteration_id: int | None
    created_at: str
    finished_at: str | None
    error: ErrorAnswer | None


class LimitAnswer(Answer):
    """A limit that was stated: `name comparison value unit`; `excerpt` holds the words it was read from."""

    name: str
    comparison: Literal["<=", ">=", "=="]
    value: float
    unit: str
    found_in: str
    excerpt: str


class FigureOfVerdict(Answer):
    """The figure that a limit was compared with; `remark` says what was assumed for it."""

    value: float
    low: float
    high: float
    method: str
    source: str
    remark: str


class VerdictAnswer(Answer):
    """How an iteration stands to one limit; `certain` where the whole interval lies on one side of the limit."""

    limit: LimitAnswer
    verdict: Literal["met", "missed", "unknown"]
    certain: bool
    missed_by: float | None = Field(description="Distance in the limit's unit; null unless missed.")
    answer: FigureOfVerdict | None = Field(description="Null where the outputs hold no figure that tells it.")
    said: str = Field(description="The same in a sentence.")


class TaskAnswer(TaskSummary):
    """One answer to one problem: what was asked, every stage in the order of the pipeline, every limit's verdict."""

    stages: dict[str, StageAnswer]
    request: dict[str, Any]
    verdicts: list[VerdictAnswer]


class AttemptAnswer(Answer):
    """One try at a stage."""

    stage: str
    attempt: int
    state: StageState
    node_id: str
    node: str | None
    incarnation: int
    command_id: str
    started_at: str | None
    deadline_at: str | None
    finished_at: str | None
    error: ErrorAnswer | None


class LatestIteration(Answer):
    """The newest iteration of a problem."""

    iteration_id: int
    state: TaskState


class ProblemSummary(Answer):
    """A problem in a list."""

    problem_id: int
    title: str
    created_at: str
    iterations: int
    latest: LatestIteration


class ProblemAnswer(Answer):
    """A problem with all its iterations."""

    problem_id: int
    title: str
    created_at: str
    iterations: list[TaskAnswer]


class ProblemPage(Answer):
    """Problems, newest first."""

    items: list[ProblemSummary]
    next: str | None = Field(description="Cursor of the following page; null at the end.")


class TaskPage(Answer):
    """Tasks, newest first."""

    items: list[TaskSummary]
    next: str | None = Field(description="Cursor of the following page; null at the end.")


class AttemptList(Answer):
    """Every try at every stage of a task."""

    items: list[AttemptAnswer]
