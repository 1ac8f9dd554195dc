"""A task that is being worked on, as the engine holds it: its row, its stages, the attempt at each."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from hedgerow_idl import Command, CommandKind, TaskId
from hedgerow_orchestrator.pipeline import Pipeline, StageSpec
from hedgerow_orchestrator.states import StageState
from hedgerow_orchestrator.store.changes import AttemptRow, StageRow, TaskRow

Key = tuple[int, int]


@dataclass(slots=True)
class StageRun:
    """One stage of an active task. The two times are readings of the monotonic clock.

    Attributes:
        failures, losses: how many attempts ended by a fault, and how many with their node.
        waiting_since_s: since when it could run if a node were there; NaN before.
        topic: on which the accepted output travelled.
        attempt: the one that runs, or the last.
        sent_at_s: when its RUN was written last; NaN for one recovered from the store and not yet confirmed.
    """

    spec: StageSpec
    row: StageRow
    failures: int = 0
    losses: int = 0
    waiting_since_s: float = math.nan
    topic: str = ""
    attempt: AttemptRow | None = None
    sent_at_s: float = math.nan
    input_attempts: tuple[int, ...] = ()


@dataclass(slots=True)
class TaskRun:
    """An active task, or one that waits to be.

    Attributes:
        id: the task's id as it travels.
        key: the same as a dictionary's key.
    """

    row: TaskRow
    pipeline: Pipeline
    stages: dict[str, StageRun]
    id: TaskId = field(init=False)
    key: Key = field(init=False)

    def __post_init__(self) -> None:
        self.key = self.row.problem_id, self.row.iteration_id
        self.id = TaskId(problem_id=self.row.problem_id, iteration_id=self.row.iteration_id)

    def ready(self, stage: StageRun) -> bool:
        """It waits, and all stages that it needs have succeeded."""
        if stage.row.state is not StageState.WAITING:
            return False
        for source in stage.spec.inputs:
            needed = self.stages.get(source)
            if needed is not None and needed.row.state is not StageState.SUCCEEDED:
                return False
        return True

    def ready_stages(self) -> list[StageRun]:
        """Every stage that could run now."""
        return [stage for stage in self.stages.values() if self.ready(stage)]

    def ready_among(self, names: Iterable[str]) -> list[StageRun]:
        """Those of these stages that could run now."""
        return [stage for name in names if self.ready(stage := self.stages[name])]

    def input_attempts(self, stage: StageRun, topics: list[str], sources: dict[str, str]) -> tuple[int, ...] | None:
        """For each topic that a node reads, which attempt's output is the accepted one; None if one is not provided.

        Args:
            stage: whose turn it is.
            topics: the node's inputs, in its order.
            sources: topic of each source that the orchestrator writes itself (`user_input`, `baselines`).
        """
        provided = {sources[name]: 1 for name in stage.spec.inputs if name in sources}
        for name in stage.spec.inputs:
            if name in self.stages:
                provided[self.stages[name].topic] = self.stages[name].row.attempt
        if any(topic not in provided for topic in topics):
            return None
        return tuple(provided[topic] for topic in topics)

    def run_command(self, stage: StageRun) -> Command:
        """The RUN of the current attempt; the same attempt always has the same command id."""
        attempt = stage.attempt
        assert attempt is not None
        return Command(
            kind=CommandKind.RUN,
            task=self.id,
            attempt=attempt.attempt,
            deadline_at_s=attempt.deadline_at_s,
            incarnation=attempt.incarnation,
            command_id=attempt.command_id,
            node_id=attempt.node_id,
            stage=stage.spec.name,
            input_attempts=list(stage.input_attempts),
        )


def new_stages(row: TaskRow, pipeline: Pipeline) -> dict[str, StageRun]:
    """All stages of a task that nobody has begun."""
    return {
        spec.name: StageRun(
            spec,
            StageRow(
                problem_id=row.problem_id,
                iteration_id=row.iteration_id,
                stage=spec.name,
                position=position,
                state=StageState.WAITING,
                attempt=0,
                node_id="",
                started_at_s=None,
                finished_at_s=None,
                error_code="",
                reason="",
            ),
        )
        for position, spec in enumerate(pipeline.stages.values())
    }
