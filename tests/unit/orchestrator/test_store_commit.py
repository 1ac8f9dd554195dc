"""What a commit promises: all or nothing, the last record of a key, on disk when it says so, and the right error."""

from __future__ import annotations

import math
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from hedgerow_orchestrator.states import StageState, TaskState
from hedgerow_orchestrator.store.blobs import BlobStore
from hedgerow_orchestrator.store.changes import Change
from hedgerow_orchestrator.store.errors import CommitUncertain, StoreError, StoreMissing, StoreUnavailable
from hedgerow_orchestrator.store.recovery import LastIds
from hedgerow_orchestrator.store.serving_testing import (
    a_policy,
    a_service,
    a_worker,
    an_epoch,
    an_instance,
    an_intent,
)
from hedgerow_orchestrator.store.telemetry_testing import all_telemetry
from hedgerow_orchestrator.store.testing import (
    DATABASES,
    StorePlace,
    a_node,
    a_request,
    a_stage,
    a_task,
    an_attempt,
    an_event,
    an_output,
    new_place,
)
from hedgerow_orchestrator.store.writer import Store

WRITERS = "BEGIN IMMEDIATE"


@pytest.fixture(params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorePlace]:
    with new_place(tmp_path, request.param) as place:
        yield place


@pytest.fixture
def sqlite_place(tmp_path: Path) -> Iterator[StorePlace]:
    with new_place(tmp_path) as place:
        yield place


class Connections:
    """Every SQLite connection that SQLAlchemy opens, with the statements it ran: the seam below the store."""

    def __init__(self) -> None:
        self.opened: list[tuple[sqlite3.Connection, list[str]]] = []
        self.on_statement: dict[str, Any] = {}

    def add(self, connection: sqlite3.Connection, _record: object) -> None:
        statements: list[str] = []

        def trace(statement: str) -> None:
            statements.append(statement)
            if statement in self.on_statement:
                self.on_statement[statement]()

        connection.set_trace_callback(trace)
        self.opened.append((connection, statements))

    @property
    def writer(self) -> tuple[sqlite3.Connection, list[str]]:
        return next(each for each in reversed(self.opened) if WRITERS in each[1])


@pytest.fixture
def connections() -> Iterator[Connections]:
    connections = Connections()
    event.listen(Engine, "connect", connections.add)
    yield connections
    event.remove(Engine, "connect", connections.add)


def test_every_record_comes_back_as_it_was_written(place: StorePlace) -> None:
    task, stage, attempt = a_task(state=TaskState.RUNNING), a_stage(), an_attempt()
    with place.writer() as store:
        changes = [an_output(), an_event(7), a_node(), a_request(), attempt, stage, task]
        store.commit(changes)
        loaded = store.load_task(1, 1)
        assert loaded is not None
        assert (loaded.task, loaded.stages, loaded.attempts) == (task, [stage], [attempt])
        assert store.task_row(1, 1) == task
        assert store.nodes() == [a_node()]
        assert store.request_of("key-1") == a_request()
        assert store.accepted_output(1, 1, "hw_constraints") == an_output().cdr
        assert store.last_ids() == LastIds(problem_id=1, event_id=7)


def test_states_come_back_as_their_types(place: StorePlace) -> None:
    with place.writer() as store:
        store.commit([a_task(), a_stage(state=StageState.TIMED_OUT), an_attempt()])
        loaded = store.load_task(1, 1)
        assert loaded is not None
        assert isinstance(loaded.task.state, TaskState)
        assert loaded.stages[0].state is StageState.TIMED_OUT
        assert isinstance(loaded.attempts[0].state, StageState)


def test_no_deadline_comes_back_as_nan(place: StorePlace) -> None:
    with place.writer() as store:
        store.commit([a_task(), a_stage(), an_attempt(deadline_at_s=math.nan), an_output(at_s=math.nan)])
        loaded = store.load_task(1, 1)
        assert loaded is not None
        assert math.isnan(loaded.attempts[0].deadline_at_s)


def test_nothing_changed_writes_nothing(sqlite_place: StorePlace, connections: Connections) -> None:
    with sqlite_place.writer() as store:
        store.commit([])
        assert connections.opened == []


@pytest.fixture(scope="module")
def long_lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with new_place(tmp_path_factory.mktemp("long")) as place, place.writer() as store:
        yield store


@settings(deadline=None, max_examples=60)
@given(passes=st.lists(st.lists(st.tuples(st.integers(1, 2), st.sampled_from(TaskState)), max_size=5), max_size=4))
def test_the_last_record_of_a_key_wins(long_lived: Store, passes: list[list[tuple[int, TaskState]]]) -> None:
    problem_id = long_lived.last_ids().problem_id + 1
    expected: dict[int, TaskState] = {}
    for states in passes:
        rows = [a_task(problem_id, iteration_id, state=state) for iteration_id, state in states]
        long_lived.commit(rows)
        expected.update(states)
    for iteration_id in (1, 2):
        row = long_lived.task_row(problem_id, iteration_id)
        assert (row and row.state) == expected.get(iteration_id)


def test_an_upsert_replaces_every_column(place: StorePlace) -> None:
    other_task = a_task(
        pipeline="other",
        state=TaskState.FAILED,
        created_at_s=2.0,
        finished_at_s=3.0,
        previous_iteration_id=1,
        title="t",
        request="{}",
        user_input=b"u",
        baselines=b"b",
        error_code="NO_MODEL",
        reason="because",
    )
    other_node = a_node(name="n", kind="k", incarnation=2, state="INACTIVE", last_seen_at_s=9.0, info="{}", status="[]")
    with place.writer() as store:
        store.commit([a_task(), a_node()])
        store.commit([other_task, other_node])
        assert store.task_row(1, 1) == other_task
        assert store.nodes() == [other_node]


def test_records_are_written_whatever_their_order(place: StorePlace) -> None:
    # A stage before its task would break the foreign key if it went down first.
    with place.writer() as store:
        store.commit([an_attempt(), a_stage(), a_task()])
        assert store.load_task(1, 1) is not None


@pytest.mark.parametrize(
    "bad",
    [
        [a_stage(problem_id=9)],
        [an_event(1), an_event(1)],
        [a_task(state="ASLEEP")],
        [a_stage(state="ASLEEP"), a_task()],
        [a_node(incarnation=2**64)],
        [a_node(name=None)],
    ],
    ids=["no task", "event twice", "task state", "stage state", "too large", "null"],
)
def test_a_refused_commit_leaves_nothing_and_is_no_reason_to_retry(place: StorePlace, bad: list[Change]) -> None:
    good: list[Change] = [a_task(2), a_stage(2), an_output(2), an_event(2), a_node("other"), a_request()]
    with place.writer() as store:
        with pytest.raises(StoreError) as refused:
            store.commit([*good, *bad])
        assert not isinstance(refused.value, StoreUnavailable)
        assert _is_empty(store)
        store.commit(good)
        assert store.last_ids() == LastIds(2, 2)


def test_an_unknown_record_is_refused(place: StorePlace) -> None:
    with place.writer() as store:
        with pytest.raises(StoreError, match="int is no change; known: TaskRow"):
            store.commit([a_task(), 7])  # type: ignore[list-item]
        assert _is_empty(store)


def test_a_commit_whose_blob_cannot_be_written_leaves_no_row(
    place: StorePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = [a_task(), an_output(cdr=b"1" * 70_000), an_output(cdr=b"2" * 70_000), an_event(1)]
    put = BlobStore.put

    def second_fails(self: BlobStore, payload: bytes) -> Any:
        if payload.startswith(b"2"):
            raise StoreUnavailable("disk full")
        return put(self, payload)

    with place.writer() as store:
        with monkeypatch.context() as patched:
            patched.setattr(BlobStore, "put", second_fails)
            with pytest.raises(StoreUnavailable, match="disk full"):
                store.commit(large)
        assert _is_empty(store)
        store.commit(large)
        assert store.accepted_output(1, 1, "hw_constraints") == b"1" * 70_000


def test_a_blob_is_on_disk_before_the_transaction_begins(
    sqlite_place: StorePlace, connections: Connections, tmp_path: Path
) -> None:
    blobs: list[int] = []
    connections.on_statement[WRITERS] = lambda: blobs.append(len(list(tmp_path.rglob("blobs/*/*"))))
    with sqlite_place.writer() as store:
        store.commit([a_task(), an_output(cdr=b"1" * 70_000, plain='"' + "é" * 40_000 + '"')])
    assert blobs == [2]


def test_a_power_cut_before_commit_loses_all_and_after_it_nothing(
    sqlite_place: StorePlace, connections: Connections, tmp_path: Path
) -> None:
    """Copy the files as they stand at the moment that the machine would stop."""
    before, after = tmp_path / "before", tmp_path / "after"
    changes: list[Change] = [a_task(), a_stage(), an_attempt(), an_output(), an_event(1)]

    def stop_at(folder: Path) -> None:
        folder.mkdir()
        for file in tmp_path.glob("hedgerow.sqlite*"):
            shutil.copy(file, folder / file.name)

    connections.on_statement["COMMIT"] = lambda: stop_at(before)
    with sqlite_place.writer() as store:
        store.commit(changes)
        stop_at(after)
    assert (before / "hedgerow.sqlite-wal").exists()
    with StorePlace(f"sqlite:///{before / 'hedgerow.sqlite'}", sqlite_place.blob_url).writer() as store:
        assert _is_empty(store)
    with StorePlace(f"sqlite:///{after / 'hedgerow.sqlite'}", sqlite_place.blob_url).writer() as store:
        assert store.last_ids() == LastIds(1, 1)
        assert len(store.open_tasks()[0].attempts) == 1


def test_sqlite_is_set_up_as_designed(sqlite_place: StorePlace, connections: Connections) -> None:
    with sqlite_place.writer() as store:
        store.commit([an_event(1)])
        writer = connections.writer[0]
        settings = ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint", "busy_timeout")
        values = [writer.execute(f"PRAGMA {name}").fetchone()[0] for name in settings]
    assert values == ["wal", 1, 1, 0, 100], "NORMAL is 1"


def test_a_locked_store_is_unavailable_and_the_same_commit_succeeds_later(
    sqlite_place: StorePlace, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "hedgerow.sqlite", isolation_level=None)
    other.execute(WRITERS)
    with sqlite_place.writer() as store:
        with pytest.raises(StoreUnavailable, match="locked"):
            store.commit([an_event(1)])
        other.execute("ROLLBACK")
        store.commit([an_event(1)])
        assert store.last_ids().event_id == 1
    other.close()


@pytest.mark.parametrize(("pragma", "said"), [("query_only=ON", "readonly"), ("max_page_count=1", "full")])
def test_a_read_only_or_full_store_is_unavailable_and_recovers(
    sqlite_place: StorePlace, pragma: str, said: str
) -> None:
    """The pragmas make SQLite itself raise READONLY and FULL, also for root, whom file modes do not stop."""
    changes: list[Change] = [a_task(user_input=b"x" * 50_000), an_event(1)]

    def spoil(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA {pragma}")

    with sqlite_place.writer() as store:
        event.listen(store._engine, "connect", spoil)
        with pytest.raises(StoreUnavailable, match=said) as refused:
            store.commit(changes)
        assert isinstance(refused.value.__cause__, sqlite3.OperationalError)
        event.remove(store._engine, "connect", spoil)
        store.commit(changes)
        assert store.last_ids() == LastIds(1, 1)


def test_a_store_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing, match="hedgerow db upgrade"):
        Store(f"sqlite:///{tmp_path / 'none.sqlite'}", f"file://{tmp_path}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["", "mysql://host/name", "sqlite://", "sqlite:///:memory:", "sqlite:///x.db?mode=ro"])
def test_a_url_that_cannot_be_used_is_named(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="store URL"):
        Store(url, f"file://{tmp_path}")


def test_a_password_is_not_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as refused:
        Store("mysql://me:secret@host/name", f"file://{tmp_path}")
    assert "secret" not in str(refused.value)


def _is_empty(store: Store) -> bool:
    tables = [store.open_ids(tuple(TaskState)), store.nodes(), store.request_of("key-1")]
    return store.last_ids() == LastIds(0, 0) and not any(tables)


def test_the_records_under_test_are_all_there_are() -> None:
    of_tasks = (a_task, a_stage, an_attempt, an_output, an_event, a_node, a_request)
    of_serving = (a_service, an_epoch, an_instance, a_policy, a_worker, an_intent)
    kinds = {type(make()) for make in (*of_tasks, *of_serving)} | {type(each) for each in all_telemetry()}
    assert kinds == set(Change.__args__)


@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize("during_commit", [False, True])
def test_a_lost_connection_is_unavailable_before_commit_and_uncertain_during_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str, during_commit: bool
) -> None:
    class Breaking:
        """The store's connection, cut by the server before its first statement or before its COMMIT."""

        def __init__(self, connection: Any) -> None:
            self.connection = connection

        def __getattr__(self, name: str) -> Any:
            if name == ("commit" if during_commit else "cursor"):
                backend = self.connection.driver_connection.info.backend_pid
                with store._engine.connect() as other:
                    other.exec_driver_sql(f"SELECT pg_terminate_backend({backend}, 5000)")
            return getattr(self.connection, name)

    with new_place(tmp_path, database) as place, place.writer() as store:
        store.commit([an_event(1)])
        opened = store._open
        with monkeypatch.context() as patched:
            patched.setattr(store, "_open", lambda: Breaking(opened()))
            with pytest.raises(CommitUncertain if during_commit else StoreUnavailable):
                store.commit([an_event(2)])
        store.commit([an_event(2)])
        assert store.last_ids().event_id == 2
