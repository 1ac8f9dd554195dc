"""Retention: what is old and finished goes, what is needed to go on stays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow_orchestrator.states import TaskState
from hedgerow_orchestrator.store import prune as pruning
from hedgerow_orchestrator.store import telemetry_prune
from hedgerow_orchestrator.store.changes import Change
from hedgerow_orchestrator.store.errors import StoreError, StoreMissing
from hedgerow_orchestrator.store.prune import prune
from hedgerow_orchestrator.store.telemetry_testing import (
    a_packet_row,
    a_process_row,
    a_source,
    a_system_row,
    telemetry_names,
)
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

NOW_S = 1_000_000.0
DAY_S = 86_400.0
NO_TELEMETRY = {"telemetry_system": 0, "telemetry_process": 0, "telemetry_packet": 0}
OLD_S, YOUNG_S = NOW_S - 2 * DAY_S, NOW_S - 10.0


@pytest.fixture(params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorePlace]:
    with new_place(tmp_path, request.param) as place:
        yield place


def closed(problem_id: int, iteration_id: int = 1, at_s: float = OLD_S) -> list[Change]:
    key = (problem_id, iteration_id)
    task = a_task(*key, state=TaskState.SUCCEEDED, created_at_s=at_s - 1, finished_at_s=at_s)
    return [task, a_stage(*key), an_attempt(*key), an_output(*key, at_s=at_s)]


def opened(problem_id: int, iteration_id: int = 1) -> list[Change]:
    key = (problem_id, iteration_id)
    return [a_task(*key, created_at_s=OLD_S), a_stage(*key), an_attempt(*key), an_output(*key, at_s=OLD_S)]


def fill(place: StorePlace, *groups: list[Change]) -> None:
    with place.writer() as store:
        store.commit([change for group in groups for change in group])


def remaining(place: StorePlace) -> dict[str, int]:
    with place.reader() as reader, reader._engine.connect() as connection:
        tables = ("task", "stage", "attempt", "output", "event", "request", *NO_TELEMETRY)
        return {name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in tables}


def test_old_problems_go_with_all_that_hangs_on_them(place: StorePlace) -> None:
    fill(place, closed(1), closed(2, at_s=YOUNG_S), opened(3), closed(4))
    assert prune(place.store_url, DAY_S, ["task"], now_s=NOW_S) == {"task": 1}
    assert remaining(place) == {
        "task": 3,
        "stage": 3,
        "attempt": 3,
        "output": 3,
        "event": 0,
        "request": 0,
        **NO_TELEMETRY,
    }
    with place.reader() as reader:
        assert reader.problem(1) is None


def test_a_problem_goes_as_a_whole(place: StorePlace) -> None:
    fill(place, closed(1, 1), closed(1, 2, at_s=YOUNG_S), closed(2, 1), opened(2, 2), closed(3, 1), closed(3, 2))
    fill(place, opened(9))
    assert prune(place.store_url, DAY_S, ["task"], now_s=NOW_S) == {"task": 2}
    with place.writer() as store:
        assert [store.last_iteration(problem_id) for problem_id in (1, 2, 3)] == [2, 2, 0]


def test_ids_are_never_given_twice(place: StorePlace) -> None:
    fill(place, closed(1), closed(7), [an_event(1, at_s=OLD_S), an_event(8, at_s=OLD_S)])
    with place.writer() as store:
        before = store.last_ids()
        prune(place.store_url, DAY_S, now_s=NOW_S)
        assert store.last_ids() == before
    assert remaining(place)["event"] == 1


def test_outputs_of_old_tasks_go_alone(place: StorePlace) -> None:
    orphan = an_output(77, at_s=OLD_S)
    fill(place, closed(1), closed(2, at_s=YOUNG_S), opened(3), [orphan])
    assert prune(place.store_url, DAY_S, ["output"], now_s=NOW_S) == {"output": 2}
    assert remaining(place) == {
        "task": 3,
        "stage": 3,
        "attempt": 3,
        "output": 2,
        "event": 0,
        "request": 0,
        **NO_TELEMETRY,
    }
    with place.reader() as reader:
        view = reader.task(1, 1)
        assert view is not None
        assert view["stages"]["hw_constraints"]["output"] is None


def test_old_events_go_up_to_the_first_young_one(place: StorePlace) -> None:
    times_s = [OLD_S, OLD_S + 1, YOUNG_S, OLD_S, YOUNG_S]
    fill(place, [an_event(n, at_s=at_s) for n, at_s in enumerate(times_s, start=1)])
    assert prune(place.store_url, DAY_S, ["event"], now_s=NOW_S) == {"event": 2}
    with place.reader() as reader:
        assert [each["id"] for each in reader.events()] == [3, 4, 5]


def test_old_keys_go(place: StorePlace) -> None:
    fill(place, [a_request("old", at_s=OLD_S), a_request("young", at_s=YOUNG_S)])
    assert prune(place.store_url, DAY_S, ["request"], now_s=NOW_S) == {"request": 1}
    with place.writer() as store:
        assert (store.request_of("old"), store.request_of("young")) == (None, a_request("young", at_s=YOUNG_S))


def test_large_numbers_go_in_batches(place: StorePlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "_PROBLEM_BATCH", 3)
    monkeypatch.setattr(pruning, "_BATCH", 3)
    fill(place, *(closed(n) for n in range(1, 12)), [an_event(n, at_s=OLD_S) for n in range(1, 12)])
    removed = prune(place.store_url, DAY_S, now_s=NOW_S)
    assert removed == {"output": 11, "task": 10, "event": 10, "request": 0, **NO_TELEMETRY}
    assert remaining(place) == {
        "task": 1,
        "stage": 1,
        "attempt": 1,
        "output": 0,
        "event": 1,
        "request": 0,
        **NO_TELEMETRY,
    }


def test_the_newest_problems_are_kept_by_number(place: StorePlace) -> None:
    fill(place, *(closed(n) for n in range(1, 7)), closed(6, 2), opened(2, 2))
    assert prune(place.store_url, tables=["task"], keep=3, now_s=NOW_S) == {"task": 2}
    with place.reader() as reader:
        assert [each["problem_id"] for each in reader.problems().items] == [6, 5, 4, 2]
    assert prune(place.store_url, tables=["task"], keep=0, now_s=NOW_S) == {"task": 2}
    assert remaining(place)["task"] == 4
    assert prune(place.store_url, tables=["task"], keep=100, now_s=NOW_S) == {"task": 0}


def test_the_newest_events_outputs_and_keys_are_kept_by_number(place: StorePlace) -> None:
    fill(place, *(closed(n) for n in range(1, 6)), opened(6))
    fill(place, [an_event(n) for n in range(1, 6)], [a_request(f"key-{n}", at_s=OLD_S + n) for n in range(1, 6)])
    assert prune(place.store_url, tables=["output", "event", "request"], keep=2, now_s=NOW_S) == {
        "output": 4,
        "event": 3,
        "request": 3,
    }
    with place.reader() as reader, place.writer() as store:
        assert [each["id"] for each in reader.events()] == [4, 5]
        assert [store.request_of(f"key-{n}") is not None for n in (3, 4, 5)] == [False, True, True]
        assert store.accepted_output(6, 1, "hw_constraints") is not None
    assert prune(place.store_url, keep=0, now_s=NOW_S) == {
        "output": 1,
        "task": 5,
        "event": 1,
        "request": 2,
        **NO_TELEMETRY,
    }
    assert remaining(place) == {
        "task": 1,
        "stage": 1,
        "attempt": 1,
        "output": 1,
        "event": 1,
        "request": 0,
        **NO_TELEMETRY,
    }


def test_with_both_limits_only_what_is_beyond_both_goes(place: StorePlace) -> None:
    fill(place, closed(1), closed(2, at_s=YOUNG_S), closed(3), closed(4))
    fill(place, [an_event(n, at_s=OLD_S if n < 4 else YOUNG_S) for n in range(1, 7)])
    limits = {"older_than_s": DAY_S, "tables": ["task", "event"], "now_s": NOW_S}
    assert prune(place.store_url, keep=2, **limits) == {"task": 1, "event": 3}  # type: ignore[arg-type]
    with place.reader() as reader:
        assert [each["problem_id"] for each in reader.problems().items] == [4, 3, 2]
        assert [each["id"] for each in reader.events()] == [4, 5, 6]


ages = st.sampled_from([OLD_S, YOUNG_S])
tasks = st.dictionaries(
    st.tuples(st.integers(1, 5), st.integers(1, 3)), st.tuples(st.sampled_from(TaskState), ages), max_size=9
)


@pytest.fixture(scope="module")
def emptied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorePlace]:
    with new_place(tmp_path_factory.mktemp("prune")) as place:
        yield place


@settings(deadline=None, max_examples=30)
@given(tasks=tasks, keep=st.sampled_from([None, 0, 1, 2, 5]))
def test_a_dry_run_counts_what_a_real_one_removes(
    emptied: StorePlace, tasks: dict[tuple[int, int], tuple[TaskState, float]], keep: int | None
) -> None:
    rows: list[Change] = [an_event(1, at_s=OLD_S), an_event(2, at_s=YOUNG_S), a_request(at_s=OLD_S)]
    for key, (state, at_s) in tasks.items():
        finished_at_s = at_s if state.final else None
        rows += [a_task(*key, state=state, created_at_s=OLD_S, finished_at_s=finished_at_s), an_output(*key)]
    with emptied.writer() as store:
        with store._engine.connect() as connection:
            for table in ("task", "output", "event", "request", *NO_TELEMETRY):
                connection.exec_driver_sql(f"DELETE FROM {table}")
            connection.commit()
        store.commit(rows)
        for table in pruning.RULES:
            before = remaining(emptied)
            counted = prune(emptied.store_url, DAY_S, [table], keep=keep, now_s=NOW_S, dry_run=True)
            assert remaining(emptied) == before
            assert prune(emptied.store_url, DAY_S, [table], keep=keep, now_s=NOW_S) == counted
            assert before[table] - remaining(emptied)[table] == counted[table]
        lost = set(tasks) - set(store.open_ids(tuple(TaskState)))
    assert all(tasks[key][0].final and tasks[key][1] == OLD_S for key in lost)
    assert all(key[0] != max(p for p, _ in tasks) for key in lost)


def test_payloads_that_no_row_names_go_after_an_hour(place: StorePlace, tmp_path: Path) -> None:
    old, kept = closed(1), opened(2)
    old.append(an_output(1, stage="large", cdr=b"1" * 70_000))
    kept.append(an_output(2, stage="large", cdr=b"2" * 70_000, plain='"' + "x" * 70_000 + '"'))
    fill(place, old, kept)
    files = list(tmp_path.glob("blobs/*/*"))
    assert len(files) == 3
    removed = prune(place.store_url, DAY_S, ["output"], blob_url=place.blob_url, now_s=NOW_S)
    assert removed == {"output": 2, "blob": 0}
    for file in files:
        os.utime(file, (1, 1))
    assert prune(place.store_url, DAY_S, [], blob_url=place.blob_url, dry_run=True) == {"blob": 1}
    assert prune(place.store_url, DAY_S, [], blob_url=place.blob_url) == {"blob": 1}
    with place.writer() as store:
        assert store.accepted_output(2, 1, "large") == b"2" * 70_000


def test_the_orchestrator_goes_on_meanwhile(place: StorePlace) -> None:
    fill(place, *(closed(n) for n in range(1, 6)))
    with place.writer() as store, place.reader() as reader:
        store.commit(opened(6))
        prune(place.store_url, DAY_S, now_s=NOW_S)
        store.commit(opened(7))
        assert [each["problem_id"] for each in reader.problems().items] == [7, 6]


def test_an_unknown_table_is_named(place: StorePlace) -> None:
    with pytest.raises(StoreError, match="table 'node' has no retention; known: output, task, event, request"):
        prune(place.store_url, DAY_S, ["task", "node"])


def test_a_negative_age_is_refused(place: StorePlace) -> None:
    with pytest.raises(StoreError, match=r"age -1.0 s is negative"):
        prune(place.store_url, -1.0)
    with pytest.raises(StoreError, match="-1 rows cannot be kept"):
        prune(place.store_url, keep=-1)
    with pytest.raises(StoreError, match="no limit"):
        prune(place.store_url)


def test_a_missing_store_is_not_made(tmp_path: Path) -> None:
    with new_place(tmp_path, upgraded=False) as place, pytest.raises(StoreMissing):
        prune(place.store_url, DAY_S)
    assert list(tmp_path.iterdir()) == []


def test_rows_of_telemetry_go_by_their_own_times_and_their_sources_stay(place: StorePlace) -> None:
    rows: list[Change] = [*telemetry_names(), a_source()]
    for number in range(1, 11):
        at_s = OLD_S + number if number < 7 else YOUNG_S
        rows += [make(number, at_s=at_s) for make in (a_system_row, a_process_row, a_packet_row)]
    fill(place, rows)
    names = list(NO_TELEMETRY)
    assert prune(place.store_url, DAY_S, names, keep=5, now_s=NOW_S) == dict.fromkeys(names, 5)
    assert prune(place.store_url, DAY_S, names, now_s=NOW_S) == dict.fromkeys(names, 1)
    assert prune(place.store_url, tables=names[:1], keep=1, now_s=NOW_S) == {names[0]: 0}  # all of one moment
    assert prune(place.store_url, tables=names[2:], keep=9, now_s=NOW_S) == {names[2]: 0}
    assert prune(place.store_url, 0.0, names[:1], now_s=NOW_S) == {names[0]: 4}
    with place.reader() as reader:
        assert [each["stored_rows"] for each in reader.telemetry_sources()] == [3]
        assert len(reader.telemetry("packet_info").items) == 4


def test_large_numbers_of_telemetry_go_in_batches(place: StorePlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry_prune, "_BATCH", 3)
    fill(place, [a_packet_row(number, at_s=OLD_S) for number in range(1, 11)])
    counted = prune(place.store_url, DAY_S, ["telemetry_packet"], now_s=NOW_S, dry_run=True)
    assert prune(place.store_url, DAY_S, ["telemetry_packet"], now_s=NOW_S) == counted == {"telemetry_packet": 10}
