"""The write-ahead log: moved while the store is used, emptied when it rests, bounded when it never does."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hedgerow_orchestrator.store import checkpointer
from hedgerow_orchestrator.store.checkpointer import Checkpointer, checkpoint
from hedgerow_orchestrator.store.testing import an_event, new_place


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.sqlite"


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("CREATE TABLE t (payload BLOB)")
    yield connection
    connection.close()


@pytest.fixture
def other(path: Path, writer: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None, timeout=0.005)
    yield connection
    connection.close()


def log_bytes(path: Path) -> int:
    return path.with_name(f"{path.name}-wal").stat().st_size


def test_a_busy_log_is_moved_but_not_emptied(path: Path, writer: sqlite3.Connection, other: sqlite3.Connection) -> None:
    version = 0
    for _ in range(3):
        writer.execute("INSERT INTO t VALUES (zeroblob(20000))")
        version = checkpoint(other, version)
        assert log_bytes(path) > 0
    assert path.stat().st_size > 60_000


def test_a_log_at_rest_is_emptied(path: Path, writer: sqlite3.Connection, other: sqlite3.Connection) -> None:
    writer.execute("INSERT INTO t VALUES (zeroblob(20000))")
    version = checkpoint(other, 0)
    assert log_bytes(path) > 0
    version = checkpoint(other, version)
    assert log_bytes(path) == 0
    assert checkpoint(other, version) == version


def test_a_long_log_is_emptied_even_under_load(
    path: Path, writer: sqlite3.Connection, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpointer, "LOG_LIMIT_PAGES", 10)
    version = 0
    for _ in range(3):
        writer.execute("INSERT INTO t VALUES (zeroblob(20000))")
        version = checkpoint(other, version)
        assert 0 < log_bytes(path) < 10 * 4_096
        writer.execute("INSERT INTO t VALUES (zeroblob(60000))")
        version = checkpoint(other, version)
        assert log_bytes(path) == 0


def test_a_reader_keeps_the_log_and_nobody_fails(
    path: Path, writer: sqlite3.Connection, other: sqlite3.Connection
) -> None:
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM t").fetchone() == (0,)
    writer.execute("INSERT INTO t VALUES (1)")
    checkpoint(other, checkpoint(other, 0))
    assert log_bytes(path) > 0
    writer.execute("INSERT INTO t VALUES (2)")
    assert reader.execute("SELECT count(*) FROM t").fetchone() == (0,)
    reader.close()
    checkpoint(other, checkpoint(other, 0))
    assert log_bytes(path) == 0


def test_an_open_store_checkpoints_until_it_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(threading.enumerate())
    rounds = threading.Semaphore(0)

    def count(connection: sqlite3.Connection, version: int) -> int:
        version = checkpoint(connection, version)
        rounds.release()
        return version

    monkeypatch.setattr(checkpointer, "checkpoint", count)
    monkeypatch.setattr(Checkpointer.__init__, "__defaults__", (0.001,))
    with new_place(tmp_path) as place:
        with place.writer() as store:
            store.commit([an_event(1)])
            while log_bytes(tmp_path / "hedgerow.sqlite") > 0:
                assert rounds.acquire(timeout=20)
        assert set(threading.enumerate()) <= before


def test_a_checkpoint_that_fails_is_told_once_and_tried_again(
    path: Path, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rounds = threading.Semaphore(0)

    def fails(_connection: sqlite3.Connection, _version: int) -> int:
        rounds.release()
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(checkpointer, "checkpoint", fails)
    with caplog.at_level(logging.WARNING):
        thread = Checkpointer(path, period_s=0.001)
        thread.start()
        for _ in range(5):
            assert rounds.acquire(timeout=20)
        thread.stop()
    assert [record.getMessage() for record in caplog.records] == [
        f"store: checkpoint of {path} failed, trying on: disk I/O error"
    ]


def test_a_file_that_was_taken_away_is_not_made_again(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = threading.Event()

    class Told(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.set()

    handler = Told()
    checkpointer.log.addHandler(handler)
    thread = Checkpointer(path, period_s=0.001)
    thread.start()
    assert told.wait(20)
    thread.stop()
    checkpointer.log.removeHandler(handler)
    assert not path.exists()
