"""After a restart: what the store knows of unfinished tasks becomes the engine's state again."""

from __future__ import annotations

import logging

from hedgerow_idl import Baselines, TaskId
from hedgerow_orchestrator.engine import Engine
from hedgerow_orchestrator.older_samples import present_row
from hedgerow_orchestrator.pipeline import Pipeline
from hedgerow_orchestrator.states import StageState, TaskState
from hedgerow_orchestrator.store.changes import AttemptRow, TaskRow
from hedgerow_orchestrator.store.recovery import OpenTask
from hedgerow_orchestrator.store.writer import Store
from hedgerow_orchestrator.submission import baselines_of
from hedgerow_orchestrator.task_run import StageRun, TaskRun, new_stages

log = logging.getLogger("hedgerow.orchestrator")


def recover(store: Store, engine: Engine, pipeline: Pipeline, clock_s: float) -> int:
    """Hand the engine every task that is not finished; returns how many.

    Tasks that were being worked on come first and keep their attempts: their nodes may still be at it.
    """
    running = store.open_tasks((TaskState.RUNNING,))
    for task in running:
        task.task = with_present_messages(store, task.task)
        topics = store.accepted_topics(task.task.problem_id, task.task.iteration_id)
        engine.recover_running(run_of(task, pipeline, topics), clock_s)
    waiting = store.open_ids((TaskState.WAITING,))
    for key in waiting:
        engine.recover_waiting(key)
    if running or waiting:
        log.info("orchestrator: %d running and %d waiting tasks recovered from the store", len(running), len(waiting))
    return len(running) + len(waiting)


def with_present_messages(store: Store, row: TaskRow) -> TaskRow:
    """A task from the store, its messages encoded as their types are today."""

    def baselines(previous: TaskId) -> Baselines:
        key = previous.problem_id, previous.iteration_id
        return baselines_of(
            previous,
            lambda stage: store.accepted_output(*key, stage),
            lambda stage: store.accepted_plain(*key, stage),
        )

    return present_row(row, baselines)


def run_of(task: OpenTask, pipeline: Pipeline, topics: dict[str, str]) -> TaskRun:
    """The state of a task as its rows tell it.

    Args:
        task: the rows.
        pipeline: today's pipeline; stages that it has and the rows lack are added as WAITING.
        topics: on which topic each accepted output travelled.
    """
    run = TaskRun(task.task, pipeline, new_stages(task.task, pipeline))
    for row in task.stages:
        stage = run.stages.get(row.stage)
        if stage is None:
            continue  # the pipeline no longer has it
        stage.row = row
        stage.topic = topics.get(row.stage, "")
        attempts = [attempt for attempt in task.attempts if attempt.stage == row.stage]
        _count(stage, attempts)
    return run


def _count(stage: StageRun, attempts: list[AttemptRow]) -> None:
    for attempt in attempts:
        if attempt.state in (StageState.FAILED, StageState.TIMED_OUT):
            stage.failures += 1
        elif attempt.state is StageState.CANCELLED:
            stage.losses += 1
    if stage.row.state is StageState.RUNNING and attempts:
        stage.attempt = attempts[-1]
