"""The state tables are projections of the events: replaying the events of a stored run gives the same states."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_orchestrator.states import StageState, TaskState
from hedgerow_orchestrator.store.changes import Change, EventAdded
from hedgerow_orchestrator.store.projection import differences, project
from hedgerow_orchestrator.store.testing import DATABASES, a_stage, a_task, an_event, new_place

# What happened to two tasks; stages that were never begun wait and have no event.
RUN = [
    ("orchestrator.started", 0, "", 0),
    ("task.submitted", 1, "", 0),
    ("task.submitted", 2, "", 0),
    ("task.running", 1, "", 0),
    ("stage.running", 1, "a", 1),
    ("stage.progress", 1, "a", 1),
    ("stage.timed_out", 1, "a", 1),
    ("stage.retry", 1, "a", 1),
    ("stage.running", 1, "a", 2),
    ("stage.running", 1, "b", 1),
    ("stage.succeeded", 1, "a", 2),
    ("stage.timed_out", 1, "a", 1),
    ("node.lost", 0, "", 0),
    ("stage.failed", 1, "b", 1),
    ("task.failed", 1, "", 0),
    ("task.running", 2, "", 0),
    ("stage.running", 2, "a", 1),
    ("stage.cancelled", 2, "a", 1),
    ("stage.cancelled", 2, "b", 0),
    ("task.cancelled", 2, "", 0),
]


def events_of(run: list[tuple[str, int, str, int]]) -> list[EventAdded]:
    return [
        an_event(
            number,
            kind,
            problem_id=problem_id,
            iteration_id=min(problem_id, 1),
            stage=stage,
            body=f'{{"attempt": {attempt}, "more": [1]}}' if stage else "{}",
        )
        for number, (kind, problem_id, stage, attempt) in enumerate(run, start=1)
    ]


TABLES: list[Change] = [
    a_task(1, state=TaskState.FAILED),
    a_task(2, state=TaskState.CANCELLED),
    a_stage(1, 1, "a", state=StageState.SUCCEEDED, attempt=2),
    a_stage(1, 1, "b", state=StageState.FAILED),
    a_stage(1, 1, "c", state=StageState.WAITING, attempt=0),
    a_stage(2, 1, "a", state=StageState.CANCELLED),
    a_stage(2, 1, "b", state=StageState.CANCELLED, attempt=0),
]


@pytest.mark.parametrize("database", DATABASES)
def test_the_tables_say_what_the_stored_events_say(tmp_path: Path, database: str) -> None:
    with new_place(tmp_path, database) as place, place.writer() as store, place.reader() as reader:
        for event in events_of(RUN):
            store.commit([event])
        store.commit(TABLES)
        stored = [
            an_event(
                row["id"],
                row["kind"],
                problem_id=(row["task"] or {}).get("problem_id", 0),
                iteration_id=(row["task"] or {}).get("iteration_id", 0),
                stage=row["stage"],
                body=f'{{"attempt": {row["body"].get("attempt", 0)}}}',
            )
            for row in reader.events()
        ]
        loaded = store.load_tasks(store.open_ids(tuple(TaskState)))
    stages = [stage for each in loaded for stage in each.stages]
    assert len(stages) == 5
    assert differences(project(stored), [each.task for each in loaded], stages) == []


@given(order=st.permutations(events_of(RUN)))
def test_the_order_in_which_events_are_read_does_not_matter(order: list[EventAdded]) -> None:
    assert project(order) == project(events_of(RUN))


@pytest.mark.parametrize(
    ("events", "state", "attempt"),
    [
        (RUN[:5], StageState.RUNNING, 1),
        (RUN[:7], StageState.TIMED_OUT, 1),
        (RUN[:8], StageState.WAITING, 1),
        (RUN[:9], StageState.RUNNING, 2),
        (RUN, StageState.SUCCEEDED, 2),
    ],
    ids=["running", "timed out", "to be tried again", "second attempt", "late event of the first"],
)
def test_a_stage_is_what_its_newest_attempt_is(
    events: list[tuple[str, int, str, int]], state: StageState, attempt: int
) -> None:
    assert project(events_of(events)).stages[1, 1, "a"] == (state, attempt)


def test_each_difference_is_told() -> None:
    tasks = [a_task(1, state=TaskState.RUNNING), a_task(3)]
    stages = [a_stage(1, 1, "a", state=StageState.SUCCEEDED, attempt=1), a_stage(1, 1, "b", state=StageState.FAILED)]
    assert differences(project(events_of(RUN)), tasks, stages) == [
        "task 1.1 is RUNNING, its events say FAILED",
        "task 3.1 is WAITING, its events say nothing",
        "stage a of task 1.1 is SUCCEEDED at attempt 1, its events say SUCCEEDED at 2",
        "task 2.1 has events, but no row",
        "stage a of task 2.1 has events, but no row",
        "stage b of task 2.1 has events, but no row",
    ]
