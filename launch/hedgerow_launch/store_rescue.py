"""Copies the store out of the orchestrator that still has it open, after its file was deleted, moved or replaced."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import stat
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from hedgerow_launch.failures import CommandFailure

QUIET_S = 2.5
"""The orchestrator looks at its file once a second; what has not changed for so long will not change any more."""

GIVE_UP_S = 30.0
_POLL_S = 0.1
_MAGIC = b"SQLite format 3\0"
_GONE = " (deleted)"


class CannotRescue(CommandFailure):
    """Nothing was copied, or what was copied is not whole; the message says why."""


@dataclass(frozen=True)
class Rescued:
    """What the copy holds: a database that SQLite found whole."""

    target: str
    size_bytes: int
    tasks: int
    unfinished_tasks: int


@dataclass(frozen=True)
class _OpenFile:
    """A file as a process has it open: `source` reads it, `name` is what it was called last."""

    source: Path
    name: str
    identity: tuple[int, int]
    gone: bool


def orchestrator_pid(home: Path) -> int:
    """The orchestrator that runs in a home.

    Raises:
        CannotRescue: none does, or the home does not say so any more.
    """
    lock = home / "orchestrator.lock"
    try:
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read())
    except FileNotFoundError:
        way_out = "if an orchestrator runs, name its process with --pid (pgrep -f hedgerow_orchestrator)"
        raise CannotRescue(f"{lock} is not there; {way_out}") from None
    raise CannotRescue(
        f"no orchestrator runs in {home}: what was deleted is gone with the last process that had it open; "
        "restore a copy, or name another process that has it open with --pid"
    )


def rescue(pid: int, store: Path, target: Path) -> Rescued:
    """Copy the database that a process has open, with its log, and check the copy.

    Args:
        pid: the process.
        store: where the file should be.
        target: the copy, which must not exist.

    Raises:
        CannotRescue: the target exists, nothing is to be rescued, or the copy is not whole.
    """
    for path in (target, *(target.with_name(target.name + end) for end in ("-wal", "-shm", "-journal"))):
        if path.exists():
            raise CannotRescue(f"{path} exists and is not overwritten; name another file")
    files = _open_files(pid)
    database = _database(pid, files, store)
    log = next((file for file in files if file.name == f"{database.name}-wal"), None)
    if not database.gone and not (log and log.gone) and database.identity == _identity(store):
        raise CannotRescue(f"nothing to rescue: {store} is the file that process {pid} has open")
    sources = {database.source: target}
    if log is not None:
        sources[log.source] = target.with_name(f"{target.name}-wal")
    _wait_until_quiet(list(sources))
    try:
        for source, copy in sources.items():
            with source.open("rb") as reads, copy.open("xb") as writes:
                shutil.copyfileobj(reads, writes, 1 << 20)
                writes.flush()
                os.fsync(writes.fileno())
    except OSError as error:
        for copy in sources.values():
            copy.unlink(missing_ok=True)
        raise CannotRescue(f"{target} cannot be written: {error}") from error
    return _checked(target)


def _open_files(pid: int) -> list[_OpenFile]:
    folder = Path(f"/proc/{pid}/fd")
    found = []
    try:
        for link in folder.iterdir():
            try:
                status, text = link.stat(), os.readlink(link)
            except FileNotFoundError:
                continue  # closed meanwhile
            if stat.S_ISREG(status.st_mode):
                name = text.removesuffix(_GONE)
                found.append(_OpenFile(link, name, (status.st_dev, status.st_ino), name != text))
    except (FileNotFoundError, ProcessLookupError) as error:
        raise CannotRescue(f"process {pid} does not exist") from error
    except PermissionError as error:
        raise CannotRescue(f"process {pid} is another user's; run this as that user or as root") from error
    return found


def _database(pid: int, files: list[_OpenFile], store: Path) -> _OpenFile:
    databases = {file.identity: file for file in files if _is_database(file.source)}
    by_path = [file for file in databases.values() if file.name == str(store)]
    # Libraries may have databases of their own open, ONNX Runtime for one.
    by_name = [file for file in databases.values() if Path(file.name).name == store.name]
    candidates = by_path or by_name or list(databases.values())
    if not candidates:
        raise CannotRescue(f"process {pid} has no SQLite database open")
    # Of two under one name the one that is gone is wanted.
    return max(candidates, key=lambda file: file.gone)


def _is_database(source: Path) -> bool:
    with source.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _wait_until_quiet(sources: list[Path]) -> None:
    gives_up_at_s = time.monotonic() + GIVE_UP_S
    seen, since_s = _state(sources), time.monotonic()
    while time.monotonic() - since_s < QUIET_S:
        if time.monotonic() > gives_up_at_s:
            raise CannotRescue(f"the file is still being written after {GIVE_UP_S:g} s; is it the right process?")
        time.sleep(_POLL_S)
        now = _state(sources)
        if now != seen:
            seen, since_s = now, time.monotonic()


def _state(sources: list[Path]) -> list[tuple[int, int]]:
    return [(status.st_size, status.st_mtime_ns) for status in (source.stat() for source in sources)]


def _checked(target: Path) -> Rescued:
    try:
        # Opening the copy takes in its log; closing it removes the log.
        with closing(sqlite3.connect(target)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
            states = dict(connection.execute("SELECT state, count(*) FROM task GROUP BY state"))
    except sqlite3.Error as error:
        raise CannotRescue(f"{target} was copied, but cannot be read: {error}") from error
    if found != ["ok"]:
        raise CannotRescue(f"{target} was copied, but is not whole: {'; '.join(found)}")
    unfinished = sum(states.get(state, 0) for state in ("WAITING", "RUNNING"))
    return Rescued(str(target), target.stat().st_size, sum(states.values()), unfinished)
