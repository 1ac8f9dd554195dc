"""The store as the orchestrator's loop uses it: everything that a pass changed goes down in one transaction."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, PoolProxiedConnection, Select
from sqlalchemy.exc import SQLAlchemyError

from hedgerow_orchestrator.states import TaskState
from hedgerow_orchestrator.store import recovery, serving_recovery
from hedgerow_orchestrator.store.blobs import BlobStore
from hedgerow_orchestrator.store.changes import Change, NodeRow, RequestAdded, TaskRow
from hedgerow_orchestrator.store.checkpointer import Checkpointer
from hedgerow_orchestrator.store.engine import open_for_writing, sorted_error, sqlite_path
from hedgerow_orchestrator.store.errors import CommitUncertain, StoreError, StoreUnavailable
from hedgerow_orchestrator.store.log_sync import LogSync
from hedgerow_orchestrator.store.recovery import OPEN, LastIds, OpenTask, TaskKey
from hedgerow_orchestrator.store.statements import Row, statements
from hedgerow_orchestrator.store.store_file import StoreFile

BUSY_TIMEOUT_MS = 100
"""The loop tries again by itself, and answers requests in between: it must not sleep in here."""


class Store:
    """The one writer of a store whose tables are there (`migrate.upgrade`); for one thread.

    Every method may raise StoreUnavailable (the same call may succeed later) or StoreError (it will not).

    Raises:
        StoreMissing: there is no such file.
        StoreError: a URL cannot be used.
    """

    def __init__(self, store_url: str, blob_url: str) -> None:
        self._engine = open_for_writing(store_url, busy_timeout_ms=BUSY_TIMEOUT_MS)
        self._blobs = BlobStore(blob_url)
        self._statements = statements(self._engine.dialect, self._blobs)
        self._request_sql = str(recovery.request_query().compile(dialect=self._engine.dialect))
        self._connection: PoolProxiedConnection | None = None
        self._driver: Any = self._engine.dialect.loaded_dbapi
        path = sqlite_path(self._engine.url)
        self._sqlite = path is not None
        # PostgreSQL has done so when COMMIT returns.
        self._log_sync = None if path is None else LogSync(path)
        self._file = None if path is None else StoreFile(path)
        self._checkpointer = None if path is None else Checkpointer(path)
        if self._checkpointer is not None:
            self._checkpointer.start()

    def commit(self, changes: Sequence[Change]) -> None:
        """Write all changes or none. They survive the end of the process; see `sync` for a power cut.

        Raises:
            StoreUnavailable: locked, full, read-only or not reachable; nothing was written.
            CommitUncertain: the database went away during COMMIT; recover from the store.
            StoreError: the changes themselves were refused; nothing was written.
        """
        if not changes:
            return
        # Payloads first: a row never names a blob that is not there.
        batches = self._batches(changes)
        committing = False
        try:
            connection = self._open()
            cursor = connection.cursor()
            if self._sqlite:
                cursor.execute("BEGIN IMMEDIATE")
            for sql, rows in batches:
                cursor.executemany(sql, rows)
            committing = True
            connection.commit()
            if self._checkpointer is not None:
                self._checkpointer.resume()
        except (SQLAlchemyError, self._driver.Error) as error:
            self._discard(error)
            if committing and not self._sqlite and isinstance(sorted_error(error, self._engine), StoreUnavailable):
                raise CommitUncertain(f"store {self._engine.url!r} went away during COMMIT: {error}") from error
            raise sorted_error(error, self._engine) from error
        except (OverflowError, TypeError, UnicodeError) as error:
            self._discard()
            raise StoreError(f"a value in {len(changes)} changes fits no column: {error}") from error

    def sync(self) -> None:
        """Have all that is committed survive a power cut.

        Raises:
            CommitUncertain: the disk refused to take it; recover from the store.
        """
        if self._log_sync is not None:
            self._log_sync.sync()

    def check_file(self) -> None:
        """Compare the open file with the one under its name; does nothing for a database server.

        Raises:
            StoreUnavailable: it was deleted, moved or replaced; nothing that is written from now on would be found.
        """
        if self._file is not None:
            self._file.check()

    def open_tasks(self, states: Sequence[TaskState] = OPEN) -> list[OpenTask]:
        """Load the tasks in these states with stages and attempts, in id order.

        Waiting tasks may be many: `open_tasks([RUNNING])`, `open_ids([WAITING])` and `load_tasks` take them in parts.
        """
        with self._reading() as connection:
            return recovery.load_tasks(connection, recovery.task_ids(connection, states))

    def open_ids(self, states: Sequence[TaskState] = OPEN) -> list[TaskKey]:
        """List (problem_id, iteration_id) of the tasks in these states, in id order."""
        with self._reading() as connection:
            return recovery.task_ids(connection, states)

    def load_tasks(self, keys: Sequence[TaskKey]) -> list[OpenTask]:
        """Load these tasks, in id order; those that do not exist are left out."""
        with self._reading() as connection:
            return recovery.load_tasks(connection, keys)

    def load_task(self, problem_id: int, iteration_id: int) -> OpenTask | None:
        """Load one task, whatever its state."""
        return next(iter(self.load_tasks([(problem_id, iteration_id)])), None)

    def task_row(self, problem_id: int, iteration_id: int) -> TaskRow | None:
        """Read one task without its stages: title, request, user input, baselines, state."""
        with self._reading() as connection:
            return recovery.task_row(connection, (problem_id, iteration_id))

    def accepted_output(self, problem_id: int, iteration_id: int, stage: str) -> bytes | None:
        """Read the CDR of a stage's accepted output; BlobCorrupt if its payload is gone or changed."""
        with self._reading() as connection:
            return recovery.accepted_output(connection, self._blobs, (problem_id, iteration_id), stage)

    def accepted_plain(self, problem_id: int, iteration_id: int, stage: str) -> str | None:
        """Read the JSON of a stage's accepted output; BlobCorrupt as `accepted_output`."""
        with self._reading() as connection:
            return recovery.accepted_plain(connection, self._blobs, (problem_id, iteration_id), stage)

    def accepted_topics(self, problem_id: int, iteration_id: int) -> dict[str, str]:
        """Read on which topic the accepted output of each stage of a task travelled."""
        with self._reading() as connection:
            return recovery.accepted_topics(connection, (problem_id, iteration_id))

    def last_ids(self) -> LastIds:
        """Read the highest problem id and event id given out."""
        with self._reading() as connection:
            return recovery.last_ids(connection)

    def last_iteration(self, problem_id: int) -> int:
        """Read a problem's newest iteration, 0 when there is no such problem."""
        with self._reading() as connection:
            return recovery.last_iteration(connection, problem_id)

    def request_of(self, idempotency_key: str) -> RequestAdded | None:
        """Read the submission that carried this key."""
        try:
            connection = self._open()
            row = connection.cursor().execute(self._request_sql, (idempotency_key,)).fetchone()
            if not self._sqlite:
                connection.rollback()  # the driver began a transaction for it
        except (SQLAlchemyError, self._driver.Error) as error:
            self._discard(error)
            raise sorted_error(error, self._engine) from error
        return None if row is None else RequestAdded(*row)

    def nodes(self) -> list[NodeRow]:
        """List every node ever seen, by name."""
        with self._reading() as connection:
            return recovery.nodes(connection)

    def serving(self) -> serving_recovery.StoredServing:
        """Read what serving goes on with: services that are not deleted, policies of workers, open intents."""
        with self._reading() as connection:
            return serving_recovery.load(connection)

    def read(self, query: Select[Any]) -> list[dict[str, Any]]:
        """Read the rows of any query, each by the names of its columns."""
        with self._reading() as connection:
            return [{str(name): value for name, value in row.items()} for row in connection.execute(query).mappings()]

    def close(self) -> None:
        """Stop the checkpoints and close every connection."""
        if self._checkpointer is not None:
            self._checkpointer.stop()
        self._discard()
        self._engine.dispose()

    def _batches(self, changes: Sequence[Change]) -> list[tuple[str, list[Row]]]:
        records: dict[type[Change], list[Change]] = defaultdict(list)
        for change in changes:
            records[type(change)].append(change)
        for kind in records.keys() - self._statements.keys():
            raise StoreError(f"{kind.__name__} is no change; known: {', '.join(k.__name__ for k in self._statements)}")
        return [
            batch
            for kind, statement in self._statements.items()
            if kind in records
            for batch in statement.batches(records[kind])
        ]

    def _open(self) -> PoolProxiedConnection:
        if self._connection is None:
            self._connection = self._engine.raw_connection()
        return self._connection

    def _discard(self, error: BaseException | None = None) -> None:
        """Take back what was not committed and close every connection; the next commit opens a new one.

        SQLite keeps what it found when a process first opened the file, read-only say, until the process has closed it.
        """
        if self._connection is not None:
            # Closing alone would leave the lock held for as long as a traceback holds the cursor.
            with suppress(self._driver.Error):
                self._connection.rollback()
        if _is_locked(error):
            return  # nothing is wrong with the connection
        if self._file is not None and self._file.lost:
            return  # a file without a name is there only as long as somebody has it open
        if self._connection is not None:
            self._connection.invalidate()
            self._connection = None
        self._engine.dispose()
        if self._checkpointer is not None:
            self._checkpointer.rest()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise sorted_error(error, self._engine) from error


def _is_locked(error: BaseException | None) -> bool:
    name = str(getattr(getattr(error, "orig", None) or error, "sqlite_errorname", ""))
    return name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
