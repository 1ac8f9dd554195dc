"""The doctor on the store: what it sees of the file, and how it copies out one that has lost its name."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hedgerow_launch import store_checks, store_rescue
from hedgerow_launch.checks import Verdict
from hedgerow_launch.store_checks import sqlite_file, store_check
from hedgerow_launch.store_rescue import CannotRescue, orchestrator_pid, rescue

OK, FAIL = Verdict.OK, Verdict.FAIL


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a store" / "hedgerow.sqlite"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{str(path).replace(' ', '%20')}"


@pytest.fixture
def store(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """A store that this process has open, as the orchestrator would: what is new stands in the log."""
    monkeypatch.setattr(store_rescue, "QUIET_S", 0.05)
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("CREATE TABLE task (state TEXT)")
        connection.execute("INSERT INTO task VALUES ('SUCCEEDED'), ('RUNNING'), ('WAITING')")
        yield connection


def test_the_file_is_found_in_the_url(path: Path, url: str) -> None:
    assert sqlite_file(url) == path
    assert sqlite_file(url.replace("sqlite:", "sqlite+pysqlite:")) == path
    assert sqlite_file("postgresql://me@db/hedgerow") is None


def test_a_store_at_rest_is_whole_and_no_files_are_left_behind(store: sqlite3.Connection, path: Path, url: str) -> None:
    store.close()
    check = store_check(url, running=False)
    assert (check.verdict, check.detail.endswith("whole")) == (OK, True)
    assert list(path.parent.iterdir()) == [path]


def test_a_store_with_a_log_is_whole(store: sqlite3.Connection, url: str) -> None:
    assert store_check(url, running=False).detail.endswith("whole")


def test_a_damaged_store_fails(store: sqlite3.Connection, path: Path, url: str) -> None:
    store.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    check = store_check(url, running=False)
    assert check.verdict is FAIL
    assert ".recover" in check.way_out


def test_what_is_no_database_fails(path: Path, url: str) -> None:
    path.parent.mkdir()
    path.write_text("no database at all")
    check = store_check(url, running=False)
    assert (check.verdict, "not a database" in check.detail) == (FAIL, True)


def test_a_large_store_is_not_read_to_the_end(
    store: sqlite3.Connection, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_checks, "CHECK_S", 0.0)
    monkeypatch.setattr(store_checks, "_STEPS_BETWEEN_LOOKS", 1)
    check = store_check(url, running=False)
    assert (check.verdict, check.detail.endswith("whole as far as read in 0 s")) == (OK, True)


def test_a_store_that_cannot_be_written_or_has_no_room_fails(
    store: sqlite3.Connection, path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("psutil.disk_usage", lambda folder: type("Usage", (), {"free": 1_000_000}))
    check = store_check(url, running=True)
    assert (check.verdict, "make room" in check.way_out) == (FAIL, True)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    check = store_check(url, running=True)
    assert (check.verdict, check.detail) == (FAIL, f"{path} cannot be written")


def test_a_missing_store_is_a_fault_only_while_the_system_runs(url: str) -> None:
    assert store_check(url, running=False).verdict is OK
    check = store_check(url, running=True)
    assert (check.verdict, "--rescue" in check.way_out) == (FAIL, True)
    assert store_check("postgresql://me@db/hedgerow", running=False).verdict is OK


@pytest.mark.parametrize("replaced", [False, True])
def test_a_deleted_store_is_copied_out_with_what_stands_in_its_log(
    store: sqlite3.Connection, path: Path, tmp_path: Path, replaced: bool
) -> None:
    target = tmp_path / "copy.sqlite"
    for file in path.parent.iterdir():
        file.unlink()
    if replaced:
        path.touch()
    rescued = rescue(os.getpid(), path, target)
    assert (rescued.target, rescued.tasks, rescued.unfinished_tasks) == (str(target), 3, 2)
    assert sorted(tmp_path.glob("copy*")) == [target]
    with pytest.raises(CannotRescue, match="exists and is not overwritten"):
        rescue(os.getpid(), path, target)


def test_a_store_that_was_moved_is_copied_out(store: sqlite3.Connection, path: Path, tmp_path: Path) -> None:
    path.parent.rename(tmp_path / "elsewhere")
    assert rescue(os.getpid(), path, tmp_path / "copy.sqlite").tasks == 3


def test_a_store_in_its_place_needs_no_rescue(store: sqlite3.Connection, path: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotRescue, match="nothing to rescue"):
        rescue(os.getpid(), path, tmp_path / "copy.sqlite")
    with pytest.raises(CannotRescue, match="no SQLite database open"):
        rescue(os.getppid(), path, tmp_path / "copy.sqlite")
    with pytest.raises(CannotRescue, match="does not exist"):
        rescue(2**22 + 1, path, tmp_path / "copy.sqlite")
    assert list(tmp_path.glob("copy*")) == []


def test_a_copy_that_finds_no_place_leaves_nothing(store: sqlite3.Connection, path: Path, tmp_path: Path) -> None:
    path.unlink()
    with pytest.raises(CannotRescue, match="cannot be written"):
        rescue(os.getpid(), path, tmp_path / "none" / "copy.sqlite")


def test_a_copy_that_is_not_whole_is_said_to_be_so(store: sqlite3.Connection, path: Path, tmp_path: Path) -> None:
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    path.unlink()
    with pytest.raises(CannotRescue, match=r"copy.sqlite was copied, but"):
        rescue(os.getpid(), path, tmp_path / "copy.sqlite")


def test_the_process_is_found_by_its_lock(tmp_path: Path) -> None:
    with pytest.raises(CannotRescue, match="--pid"):
        orchestrator_pid(tmp_path)
    lock = tmp_path / "orchestrator.lock"
    lock.write_text("4711")
    with pytest.raises(CannotRescue, match="no orchestrator runs"):
        orchestrator_pid(tmp_path)
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert orchestrator_pid(tmp_path) == 4711
