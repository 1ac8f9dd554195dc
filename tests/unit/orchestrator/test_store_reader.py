"""The reader's dictionaries, its pages, its snapshots while the writer writes, and what it says when it cannot read."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow_orchestrator.states import StageState, TaskState
from hedgerow_orchestrator.store.changes import EventAdded, OutputAdded, TaskRow
from hedgerow_orchestrator.store.errors import BadCursor, BlobCorrupt, StoreError, StoreMissing, StoreUnavailable
from hedgerow_orchestrator.store.pages import decode_cursor, encode_cursor
from hedgerow_orchestrator.store.reader import StoreReader
from hedgerow_orchestrator.store.testing import (
    DATABASES,
    NODE_ID,
    StorePlace,
    a_node,
    a_stage,
    a_task,
    an_attempt,
    an_event,
    an_output,
    new_place,
)
from hedgerow_orchestrator.store.views import iso_time
from hedgerow_orchestrator.store.writer import Store


@pytest.fixture(params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorePlace]:
    with new_place(tmp_path, request.param) as place:
        yield place


@pytest.fixture
def store(place: StorePlace) -> Iterator[Store]:
    with place.writer() as store:
        yield store


@pytest.fixture
def reader(place: StorePlace) -> Iterator[StoreReader]:
    with place.reader() as reader:
        yield reader


def test_a_task_is_told_whole(store: Store, reader: StoreReader) -> None:
    ended = {"state": StageState.SUCCEEDED, "finished_at_s": 1_002.5}
    failed = a_stage(1, 2, "b", position=1, state=StageState.FAILED, node_id="gone", error_code="X", reason="y")
    task = a_task(1, 2, state=TaskState.FAILED, finished_at_s=1_003.0, previous_iteration_id=1, error_code="X")
    stages = [failed, a_stage(1, 2, "a", position=0, **ended), a_stage(1, 2, "c", position=2, started_at_s=None)]
    outputs = [
        an_output(1, 2, "a"),
        an_output(1, 2, "a", attempt=1, accepted=False, plain='{"late": true}'),
        an_output(1, 2, "b"),
    ]
    store.commit([task, *stages, *outputs, a_node()])
    stage = {"attempt": 1, "node_id": NODE_ID, "node": "hw_constraints", "started_at": "1970-01-01T00:16:41.000Z"}
    assert reader.task(1, 2) == {
        "task": {"problem_id": 1, "iteration_id": 2},
        "state": "FAILED",
        "stages": {
            "a": {
                **stage,
                "state": "SUCCEEDED",
                "finished_at": "1970-01-01T00:16:42.500Z",
                "output": {"max_memory_bytes": 4},
                "error": None,
            },
            "b": {
                **stage,
                "state": "FAILED",
                "node_id": "gone",
                "node": None,
                "finished_at": None,
                "output": None,
                "error": {"code": "X", "reason": "y"},
            },
            "c": {
                **stage,
                "state": "RUNNING",
                "started_at": None,
                "finished_at": None,
                "output": None,
                "error": None,
            },
        },
        "request": {"text": "Count bicycles"},
        "title": "Count bicycles",
        "pipeline": "advice",
        "previous_iteration_id": 1,
        "created_at": "1970-01-01T00:16:40.125Z",
        "finished_at": "1970-01-01T00:16:43.000Z",
        "error": {"code": "X", "reason": ""},
    }
    task_view = reader.task(1, 2)
    assert task_view is not None
    assert list(task_view["stages"]) == ["a", "b", "c"]


def test_the_newest_attempts_output_is_shown(store: Store, reader: StoreReader) -> None:
    stage = a_stage(attempt=2, state=StageState.SUCCEEDED)
    outputs = [an_output(attempt=attempt, plain=f'{{"n": {n}}}') for attempt, n in ((2, 2), (2, 3), (1, 1))]
    store.commit([a_task(), stage, *outputs])
    view = reader.task(1, 1)
    assert view is not None
    assert view["stages"]["hw_constraints"]["output"] == {"n": 2}


def test_a_large_output_is_read_from_its_blob(store: Store, reader: StoreReader, tmp_path: Path) -> None:
    text = "é" * 50_000
    plain = '{"header": {}, "text": "' + text + '"}'
    store.commit([a_task(), a_stage(state=StageState.SUCCEEDED), an_output(plain=plain)])
    view = reader.task(1, 1)
    assert view is not None
    assert view["stages"]["hw_constraints"]["output"] == {"text": text}
    next(tmp_path.glob("blobs/*/*")).unlink()
    with pytest.raises(BlobCorrupt, match="is gone"):
        reader.task(1, 1)


def test_a_problem_has_all_its_iterations(store: Store, reader: StoreReader) -> None:
    later = a_task(1, 2, title="changed", created_at_s=2_000.0)
    stages = [a_stage(1, 1), a_stage(1, 2, state=StageState.SUCCEEDED), a_stage(2, 1)]
    store.commit([later, a_task(1, 1), a_task(2, 1), *stages, an_output(1, 2)])
    problem = reader.problem(1)
    assert problem is not None
    assert (problem["problem_id"], problem["title"]) == (1, "Count bicycles")
    assert problem["created_at"] == "1970-01-01T00:16:40.125Z"
    assert problem["iterations"] == [reader.task(1, 1), reader.task(1, 2)]
    assert problem["iterations"][1]["stages"]["hw_constraints"]["output"] == {"max_memory_bytes": 4}


def test_problems_are_listed_with_their_newest_iteration(store: Store, reader: StoreReader) -> None:
    newest = a_task(1, 3, state=TaskState.RUNNING, title="changed", created_at_s=5_000.0)
    store.commit([a_task(1, 1, state=TaskState.FAILED), newest, a_task(2, 1)])
    assert [each["problem_id"] for each in reader.problems().items] == [2, 1]
    assert reader.problems().items[1] == {
        "problem_id": 1,
        "title": "Count bicycles",
        "created_at": "1970-01-01T00:16:40.125Z",
        "iterations": 2,
        "latest": {"iteration_id": 3, "state": "RUNNING"},
    }


def test_what_is_not_there_is_none_or_empty(store: Store, reader: StoreReader) -> None:
    store.commit([a_task()])
    for problem_id in (0, 2, -1, 2**63, 2**70):
        assert reader.problem(problem_id) is None
        assert reader.task(problem_id, 1) is None
        assert reader.task(1, problem_id) is None
        assert reader.attempts(problem_id, 1) == []
        assert reader.events(problem_id=problem_id) == []
    assert reader.events(after_id=2**70) == []
    assert reader.node("nobody") is None
    assert reader.tasks("ASLEEP").items == []


def test_attempts_are_told_in_order(store: Store, reader: StoreReader) -> None:
    stages = [a_stage(1, 1, "z", position=0), a_stage(1, 1, "a", position=1)]
    attempts = [an_attempt(1, 1, name, attempt=number) for name in ("a", "z") for number in (2, 1)]
    lost = an_attempt(1, 1, "z", attempt=3, deadline_at_s=math.nan, state=StageState.TIMED_OUT, error_code="STALL")
    store.commit([a_task(), *stages, *attempts, lost, a_node()])
    views = reader.attempts(1, 1)
    assert [(each["stage"], each["attempt"]) for each in views] == [("z", 1), ("z", 2), ("z", 3), ("a", 1), ("a", 2)]
    assert views[2] == {
        "stage": "z",
        "attempt": 3,
        "state": "TIMED_OUT",
        "node_id": NODE_ID,
        "node": "hw_constraints",
        "incarnation": 1,
        "command_id": "run-1",
        "started_at": "1970-01-01T00:16:41.000Z",
        "deadline_at": None,
        "finished_at": None,
        "error": {"code": "STALL", "reason": ""},
    }


def test_nodes_are_found_by_id_and_by_name_the_living_first(store: Store, reader: StoreReader) -> None:
    gone = a_node("gone", "same", state="INACTIVE", last_seen_at_s=9.0)
    here = a_node("here", "same", state="IDLE", last_seen_at_s=5.0)
    old = a_node("old", "same", state="IDLE", last_seen_at_s=4.0)
    store.commit([gone, here, old, a_node("same", "other")])
    assert [each["node_id"] for each in reader.nodes()] == ["same", "gone", "here", "old"]
    by_id, by_name = reader.node("gone"), reader.node("other")
    assert by_id is not None
    assert by_name is not None
    assert (by_id["state"], by_name["node_id"]) == ("INACTIVE", "same")
    store.commit([a_node("same", "renamed")])
    assert (reader.node("same") or {})["name"] == "renamed"
    assert reader.node("renamed") == {
        "node_id": "same",
        "name": "renamed",
        "kind": "hw_constraints",
        "state": "IDLE",
        "incarnation": 1,
        "last_seen_at": "1970-01-01T00:16:40.000Z",
        "info": {"host": "here"},
        "status": {},
    }


def test_of_one_name_the_node_that_is_there_is_meant(store: Store, reader: StoreReader) -> None:
    gone = a_node("gone", "same", state="INACTIVE", last_seen_at_s=9.0)
    old, here = a_node("old", "same", last_seen_at_s=4.0), a_node("here", "same", last_seen_at_s=5.0)
    store.commit([gone, old, here])
    assert (reader.node("same") or {})["node_id"] == "here"


def test_events_are_replayed_from_a_cursor(store: Store, reader: StoreReader) -> None:
    assert reader.last_event_id() == 0
    about_stage = {"stage": "a", "node_id": NODE_ID, "body": '{"attempt": 2}', "iteration_id": 2}
    events = [
        an_event(1, "orchestrator.started", problem_id=0, iteration_id=0),
        an_event(2),
        an_event(3, "stage.running", **about_stage),
        an_event(4, problem_id=2),
    ]
    store.commit(events)
    assert reader.last_event_id() == 4
    assert [each["id"] for each in reader.events()] == [1, 2, 3, 4]
    assert [each["id"] for each in reader.events(after_id=-5, limit=2)] == [1, 2]
    assert [each["id"] for each in reader.events(after_id=2)] == [3, 4]
    assert [each["id"] for each in reader.events(problem_id=1)] == [2, 3]
    assert [each["id"] for each in reader.events(problem_id=1, iteration_id=2)] == [3]
    assert reader.events(limit=1)[0]["task"] is None
    assert reader.events(after_id=2, limit=1) == [
        {
            "id": 3,
            "at": "1970-01-01T00:16:43.000Z",
            "kind": "stage.running",
            "task": {"problem_id": 1, "iteration_id": 2},
            "stage": "a",
            "node_id": NODE_ID,
            "body": {"attempt": 2},
        }
    ]


def test_limits_are_capped(store: Store, reader: StoreReader) -> None:
    store.commit([a_task(n) for n in range(1, 252)] + [an_event(n) for n in range(1, 252)])
    assert len(reader.problems(limit=10_000).items) == 200
    assert len(reader.tasks(limit=10_000).items) == 200
    assert len(reader.events(limit=10_000)) == 200
    assert len(reader.tasks(limit=-3).items) == 1


KEYS = [(p, i) for p in range(1, 14) for i in range(1, 1 + (p * 7) % 5)]


@pytest.fixture(scope="module", params=DATABASES)
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreReader]:
    states = list(TaskState)
    tasks = [a_task(p, i, state=states[(p + i) % len(states)]) for p, i in KEYS]
    with new_place(tmp_path_factory.mktemp("full"), request.param) as place, place.writer() as store:
        store.commit(tasks)
        with place.reader() as reader:
            yield reader


@settings(deadline=None, max_examples=60)
@given(limit=st.integers(1, 12), state=st.none() | st.sampled_from(TaskState))
def test_following_the_cursor_gives_every_task_once(full: StoreReader, limit: int, state: TaskState | None) -> None:
    states = list(TaskState)
    expected = [key for key in sorted(KEYS, reverse=True) if state is None or states[sum(key) % len(states)] == state]
    seen: list[tuple[int, int]] = []
    cursor: str | None = None
    while True:
        page = full.tasks(state, limit, cursor)
        assert len(page.items) == min(limit, len(expected) - len(seen))
        seen += [(each["task"]["problem_id"], each["task"]["iteration_id"]) for each in page.items]
        if page.next is None:
            break
        cursor = page.next
    assert seen == expected


@settings(deadline=None, max_examples=20)
@given(limit=st.integers(1, 15))
def test_following_the_cursor_gives_every_problem_once(full: StoreReader, limit: int) -> None:
    seen: list[int] = []
    page = full.problems(limit)
    while page.next is not None:
        seen += [each["problem_id"] for each in page.items]
        assert len(seen) < len(KEYS)
        page = full.problems(limit, page.next)
    seen += [each["problem_id"] for each in page.items]
    assert seen == sorted({p for p, _ in KEYS}, reverse=True)


def test_what_comes_between_two_pages_disturbs_neither(store: Store, reader: StoreReader) -> None:
    store.commit([a_task(n) for n in (1, 2, 3, 4)])
    first = reader.problems(2)
    store.commit([a_task(5), a_task(6), a_task(3, 2)])
    assert [each["problem_id"] for each in reader.problems(2, first.next).items] == [2, 1]


@settings(deadline=None)
@given(cursor=st.text() | st.binary().map(lambda raw: raw.hex()))
def test_a_made_up_cursor_is_refused(full: StoreReader, cursor: str) -> None:
    with pytest.raises(BadCursor, match="leave it out"):
        full.problems(cursor=cursor)


def test_a_cursor_of_another_list_is_refused(full: StoreReader) -> None:
    of_tasks, of_problems = full.tasks(limit=1).next, full.problems(limit=1).next
    with pytest.raises(BadCursor, match="not one of problems"):
        full.problems(cursor=of_tasks)
    with pytest.raises(BadCursor, match="not one of tasks"):
        full.tasks(cursor=of_problems)


def test_a_cursor_of_another_list_with_as_many_keys_is_refused() -> None:
    cursor = encode_cursor("problems", (7,))
    assert decode_cursor("problems", cursor, 1) == (7,)
    with pytest.raises(BadCursor):
        decode_cursor("nodes", cursor, 1)


def test_threads_read_whole_commits_while_the_writer_writes(place: StorePlace, reader: StoreReader) -> None:
    """Each commit adds one iteration with three outputs and one event: no reader may ever see a part of it."""
    rounds = 60
    torn: list[object] = []
    done = threading.Event()

    def read() -> None:
        newest = 0
        while not done.is_set() or newest < rounds:
            problem = reader.problem(1)
            count = 0 if problem is None else len(problem["iterations"])
            if problem is not None and any(len(each["stages"]) != 3 for each in problem["iterations"]):
                torn.append(problem)
            if count < newest or reader.last_event_id() < count:
                torn.append((newest, count))
            newest = count
            if torn:
                return

    threads = [threading.Thread(target=read) for _ in range(4)]
    with place.writer() as store:
        for thread in threads:
            thread.start()
        for n in range(1, rounds + 1):
            stages = [a_stage(1, n, name, state=StageState.SUCCEEDED) for name in "abc"]
            outputs: list[OutputAdded] = [an_output(1, n, name) for name in "abc"]
            rows: list[TaskRow | EventAdded] = [a_task(1, n), an_event(n)]
            store.commit([*rows, *stages, *outputs])
        done.set()
        for thread in threads:
            thread.join()
    assert torn == []


def test_the_reader_cannot_write(place: StorePlace, reader: StoreReader) -> None:
    with reader._engine.connect() as connection, pytest.raises(Exception, match=r"readonly|read-only"):
        connection.exec_driver_sql("DELETE FROM event")


def test_a_store_that_comes_later_is_missing_until_then(tmp_path: Path) -> None:
    with new_place(tmp_path, upgraded=False) as place, place.reader() as reader:
        for ask in (reader.problems, reader.nodes, reader.last_event_id, lambda: reader.task(1, 1)):
            with pytest.raises(StoreMissing, match="does not exist yet"):
                ask()
        assert list(tmp_path.iterdir()) == []
        with new_place(tmp_path) as place:
            assert reader.problems().items == []


def test_a_file_without_tables_is_missing_too(tmp_path: Path) -> None:
    (tmp_path / "hedgerow.sqlite").touch()
    with new_place(tmp_path, upgraded=False) as place, place.reader() as reader:
        with pytest.raises(StoreMissing, match="no tables"):
            reader.problems()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "hedgerow.sqlite").write_bytes(b"not a database" * 100)
    with new_place(tmp_path, upgraded=False) as place, place.reader() as reader:
        with pytest.raises(StoreError, match="not a database") as refused:
            reader.problems()
        assert not isinstance(refused.value, StoreUnavailable | StoreMissing)


def test_a_store_in_a_folder_with_odd_characters(tmp_path: Path) -> None:
    folder = tmp_path / "a b%20&#ü"
    folder.mkdir()
    with new_place(folder) as place, place.writer() as store, place.reader() as reader:
        store.commit([a_task(), a_stage(state=StageState.SUCCEEDED), an_output(cdr=b"1" * 70_000)])
        assert reader.task(1, 1) is not None
        assert store.accepted_output(1, 1, "hw_constraints") == b"1" * 70_000
    assert (folder / "hedgerow.sqlite").exists()


@pytest.mark.parametrize("at_s", [math.nan, math.inf, 1e300, -1e300])
def test_a_nodes_impossible_time_is_unknown(store: Store, reader: StoreReader, at_s: float) -> None:
    store.commit([a_task(), a_stage(started_at_s=at_s)])
    view = reader.task(1, 1)
    assert view is not None
    assert view["stages"]["hw_constraints"]["started_at"] is None


@given(milliseconds=st.integers(0, 4_102_444_800_000))
def test_times_keep_their_milliseconds(milliseconds: int) -> None:
    written = iso_time(milliseconds / 1000)
    assert written is not None
    assert written.endswith("Z")
    assert round(datetime.fromisoformat(written).astimezone(UTC).timestamp() * 1000) == milliseconds
