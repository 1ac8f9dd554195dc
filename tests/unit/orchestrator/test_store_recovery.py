"""What the orchestrator reads back after a start: unfinished tasks, accepted outputs, the ids it gave out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from hedgerow_orchestrator.states import StageState, TaskState
from hedgerow_orchestrator.store import recovery
from hedgerow_orchestrator.store.errors import BlobCorrupt
from hedgerow_orchestrator.store.recovery import LastIds
from hedgerow_orchestrator.store.testing import (
    DATABASES,
    StorePlace,
    a_request,
    a_stage,
    a_task,
    an_attempt,
    an_event,
    an_output,
    new_place,
)
from hedgerow_orchestrator.store.writer import Store


@pytest.fixture(params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorePlace]:
    with new_place(tmp_path, request.param) as place:
        yield place


@pytest.fixture
def store(place: StorePlace) -> Iterator[Store]:
    with place.writer() as store:
        yield store


def test_an_attempt_that_is_newer_than_the_row_of_its_stage_counts_more(store: Store) -> None:
    waits = a_stage(attempt=1, state=StageState.WAITING, error_code="NODE_LOST", reason="node a was lost")
    runs = an_attempt(attempt=2, state=StageState.RUNNING, node_id="b", started_at_s=7.0)
    store.commit([a_task(), waits, an_attempt(attempt=1, state=StageState.CANCELLED)])
    assert store.open_tasks()[0].stages == [waits]
    store.commit([runs])
    (stage,) = store.open_tasks()[0].stages
    told = (stage.state, stage.attempt, stage.node_id, stage.started_at_s, stage.error_code, stage.reason)
    assert told == (StageState.RUNNING, 2, "b", 7.0, "", "")
    ended = a_stage(attempt=2, state=StageState.FAILED, error_code="EXCEPTION", reason="ValueError")
    store.commit([ended, an_attempt(attempt=2, state=StageState.FAILED)])
    assert store.open_tasks()[0].stages == [ended]


def test_open_tasks_are_those_that_wait_or_run_in_id_order(store: Store) -> None:
    states = [*TaskState, *reversed(TaskState)]
    tasks = [a_task(problem_id=2 - n // 5, iteration_id=n + 1, state=state) for n, state in enumerate(states)]
    store.commit(tasks)
    expected = sorted((t.problem_id, t.iteration_id) for t in tasks if not t.state.final)
    assert [(each.task.problem_id, each.task.iteration_id) for each in store.open_tasks()] == expected
    assert store.open_ids() == expected
    waiting = sorted((t.problem_id, t.iteration_id) for t in tasks if t.state is TaskState.WAITING)
    assert store.open_ids([TaskState.WAITING]) == waiting
    assert {each.task.state for each in store.open_tasks([TaskState.RUNNING])} == {TaskState.RUNNING}


def test_an_open_task_has_its_stages_in_pipeline_order_and_their_attempts_in_order(store: Store) -> None:
    names = ["zeta", "alpha", "mid"]
    stages = [a_stage(1, 1, name, position=position, attempt=10) for position, name in enumerate(names)]
    attempts = [an_attempt(1, 1, name, attempt=number) for number in (2, 10, 1) for name in reversed(names)]
    others = [a_task(2), a_stage(2, 1, "alpha"), an_attempt(2, 1, "alpha")]
    store.commit([a_task(), *reversed(stages), *attempts, *others])
    first, second = store.open_tasks()
    assert first.stages == stages
    assert [(row.stage, row.attempt) for row in first.attempts] == [(n, k) for n in names for k in (1, 2, 10)]
    assert (second.stages, second.attempts) == ([others[1]], [others[2]])


def test_many_waiting_tasks_are_loaded_in_parts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "_BATCH", 7)
    store.commit([a_task(n) for n in range(1, 51)] + [a_stage(n) for n in range(1, 51)])
    keys = store.open_ids([TaskState.WAITING])
    loaded = store.load_tasks([*keys, (99, 1)])
    assert [each.task.problem_id for each in loaded] == list(range(1, 51))
    assert all(len(each.stages) == 1 for each in loaded)


def test_loading_no_tasks_gives_none(store: Store) -> None:
    assert store.load_tasks([]) == []
    assert store.load_task(1, 1) is None
    assert store.task_row(1, 1) is None
    assert store.open_tasks() == []


def test_the_accepted_output_is_the_newest_attempts(store: Store) -> None:
    store.commit([a_task(), an_output(attempt=2, cdr=b"second")])
    outputs = [
        an_output(attempt=1, cdr=b"first"),
        an_output(attempt=3, cdr=b"late", accepted=False),
        an_output(stage="other", cdr=b"other"),
        an_output(2, cdr=b"other task"),
    ]
    store.commit(outputs)
    assert store.accepted_output(1, 1, "hw_constraints") == b"second"
    assert store.accepted_output(1, 1, "other") == b"other"
    assert store.accepted_output(1, 1, "none") is None
    assert store.accepted_output(1, 2, "hw_constraints") is None


LIMIT_BYTES = 64 * 1024


@pytest.mark.parametrize("plain_bytes", [2, LIMIT_BYTES // 4 + 2, LIMIT_BYTES, LIMIT_BYTES + 2])
@pytest.mark.parametrize("cdr_bytes", [0, LIMIT_BYTES, LIMIT_BYTES + 1, 300_000])
def test_an_output_of_any_size_comes_back(store: Store, tmp_path: Path, cdr_bytes: int, plain_bytes: int) -> None:
    plain = '"' + "é" * (plain_bytes // 2 - 1) + '"'
    assert len(plain.encode()) == plain_bytes
    store.commit([a_task(), an_output(cdr=b"\xff" * cdr_bytes, plain=plain)])
    assert store.accepted_output(1, 1, "hw_constraints") == b"\xff" * cdr_bytes
    outside = sorted(file.stat().st_size for file in tmp_path.glob("blobs/*/*"))
    assert outside == sorted(size for size in (cdr_bytes, plain_bytes) if size > LIMIT_BYTES)


def test_a_large_output_that_was_changed_is_not_handed_out(store: Store, tmp_path: Path) -> None:
    store.commit([a_task(), an_output(cdr=b"1" * 70_000)])
    blob = next(tmp_path.glob("blobs/*/*"))
    blob.write_bytes(b"2" + b"1" * 69_999)
    with pytest.raises(BlobCorrupt, match=blob.name):
        store.accepted_output(1, 1, "hw_constraints")


def test_ids_are_counted_on_from_the_highest(store: Store) -> None:
    assert store.last_ids() == LastIds(0, 0)
    assert store.last_iteration(3) == 0
    closed = a_task(12, 1, state=TaskState.SUCCEEDED)
    store.commit([a_task(3, 1), a_task(3, 2), closed, an_event(41), an_event(40)])
    assert store.last_ids() == LastIds(12, 41)
    assert store.last_iteration(3) == 2


def test_a_submission_is_remembered_by_its_key(store: Store) -> None:
    store.commit([a_request("a"), a_request("b", reply="{}")])
    assert store.request_of("b") == a_request("b", reply="{}")
    assert store.request_of("c") is None


def test_a_task_whose_stages_finished_is_loaded_with_their_ends(store: Store) -> None:
    ended = {"state": StageState.FAILED, "finished_at_s": 5.5, "error_code": "EXCEPTION", "reason": "ValueError: 3"}
    store.commit([a_task(state=TaskState.FAILED), a_stage(**ended), an_attempt(**ended)])
    loaded = store.load_task(1, 1)
    assert loaded is not None
    assert (loaded.stages, loaded.attempts) == ([a_stage(**ended)], [an_attempt(**ended)])


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_listing_what_is_open_reads_only_the_index(place: StorePlace) -> None:
    statements: list[str] = []

    def seen(*arguments: Any) -> None:
        statements.append(arguments[2])

    with place.writer() as store:
        event.listen(store._engine, "before_cursor_execute", seen)
        assert store.open_ids() == []
        query = next(each for each in statements if each.startswith("SELECT"))
        with store._engine.connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", ("WAITING", "RUNNING")).all()
    assert "USING COVERING INDEX ix_task_state" in plan[0].detail


def test_the_topic_of_each_accepted_output_is_known(store: Store) -> None:
    outputs = [
        an_output(stage="a", attempt=2, topic="second"),
        an_output(stage="a", attempt=1, topic="first"),
        an_output(stage="a", attempt=3, topic="late", accepted=False),
        an_output(stage="b", topic="other"),
        an_output(2, stage="a", topic="other task"),
    ]
    store.commit([a_task(), *outputs])
    assert store.accepted_topics(1, 1) == {"a": "second", "b": "other"}
    assert store.accepted_topics(3, 1) == {}
