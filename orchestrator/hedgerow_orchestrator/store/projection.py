"""Derives the state of every task and stage from the events alone, to prove that the state tables only repeat them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from hedgerow_orchestrator.states import StageState, TaskState
from hedgerow_orchestrator.store.changes import EventAdded, StageRow, TaskRow

TaskKey = tuple[int, int]
StageKey = tuple[int, int, str]

_TASK_STATES = {
    "task.submitted": TaskState.WAITING,
    "task.running": TaskState.RUNNING,
    "task.succeeded": TaskState.SUCCEEDED,
    "task.failed": TaskState.FAILED,
    "task.cancelled": TaskState.CANCELLED,
}
_STAGE_STATES = {
    "stage.running": StageState.RUNNING,
    "stage.retry": StageState.WAITING,
    "stage.succeeded": StageState.SUCCEEDED,
    "stage.failed": StageState.FAILED,
    "stage.cancelled": StageState.CANCELLED,
    "stage.timed_out": StageState.TIMED_OUT,
}
_UNTOUCHED = (StageState.WAITING, 0)


@dataclass(slots=True)
class Projection:
    """What the events say: each task's state; each stage's state and newest attempt, of stages that were begun."""

    tasks: dict[TaskKey, TaskState] = field(default_factory=dict)
    stages: dict[StageKey, tuple[StageState, int]] = field(default_factory=dict)


class _Body(msgspec.Struct):
    attempt: int = 0


_body = msgspec.json.Decoder(_Body)


def project(events: Iterable[EventAdded]) -> Projection:
    """Replay events in order of their ids; `stage.*` events carry the number of the attempt in their body.

    An event of an attempt older than the newest one changes nothing: it came late.
    """
    projection = Projection()
    for event in sorted(events, key=lambda each: each.event_id):
        task = (event.task.problem_id, event.task.iteration_id)
        if event.kind in _TASK_STATES:
            projection.tasks[task] = _TASK_STATES[event.kind]
        elif event.kind in _STAGE_STATES:
            attempt = _body.decode(event.body or "{}").attempt
            _, newest = projection.stages.get((*task, event.stage), _UNTOUCHED)
            if attempt >= newest:
                projection.stages[*task, event.stage] = (_STAGE_STATES[event.kind], attempt)
    return projection


def differences(projection: Projection, tasks: Iterable[TaskRow], stages: Iterable[StageRow]) -> list[str]:
    """Compare with the state tables: one sentence for each row that the events contradict or do not know."""
    found: list[str] = []
    unseen_tasks, unseen_stages = dict(projection.tasks), dict(projection.stages)
    for task in tasks:
        expected = unseen_tasks.pop((task.problem_id, task.iteration_id), None)
        if expected != task.state:
            said = "nothing" if expected is None else expected.value
            found.append(f"task {task.problem_id}.{task.iteration_id} is {task.state}, its events say {said}")
    for stage in stages:
        key = (stage.problem_id, stage.iteration_id, stage.stage)
        state, attempt = unseen_stages.pop(key, _UNTOUCHED)
        if (state, attempt) != (stage.state, stage.attempt):
            name = f"stage {stage.stage} of task {stage.problem_id}.{stage.iteration_id}"
            found.append(f"{name} is {stage.state} at attempt {stage.attempt}, its events say {state} at {attempt}")
    found.extend(f"task {key[0]}.{key[1]} has events, but no row" for key in unseen_tasks)
    found.extend(f"stage {key[2]} of task {key[0]}.{key[1]} has events, but no row" for key in unseen_stages)
    return found
