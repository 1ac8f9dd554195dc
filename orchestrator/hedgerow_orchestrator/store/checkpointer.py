"""Moves SQLite's write-ahead log into the database beside the orchestrator's loop, and keeps the log short."""

from __future__ import annotations

import logging
import sqlite3
import threading
from pathlib import Path
from urllib.parse import quote

from hedgerow_orchestrator.store.errors import StoreUnavailable
from hedgerow_orchestrator.store.store_file import StoreFile

log = logging.getLogger(__name__)

PERIOD_S = 0.5
# Above this many pages (of 4 KiB) the log is emptied even under load; a passive checkpoint alone never resets it then.
LOG_LIMIT_PAGES = 16_384
_EMPTYING_TIMEOUT_MS = 100


class Checkpointer:
    """A thread with its own connection: a passive checkpoint every half second, the log truncated when it rests."""

    def __init__(self, path: Path, period_s: float = PERIOD_S) -> None:
        self._path = path
        self._file = StoreFile(path)
        self._period_s = period_s
        self._stopping = threading.Event()
        self._resting = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-checkpointer", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, after a checkpoint that is under way."""
        self._stopping.set()
        self._thread.join()

    def rest(self) -> None:
        """Close the file before the next round, and leave it alone until `resume`."""
        self._resting.set()

    def resume(self) -> None:
        """Go on after `rest`."""
        self._resting.clear()

    def _run(self) -> None:
        version = 0
        failing = False
        connection: sqlite3.Connection | None = None
        while not self._stopping.wait(self._period_s):
            if self._resting.is_set():
                if connection is not None:
                    connection.close()
                connection = None
                continue
            try:
                # What has lost its name is left as it is, for whoever copies it out.
                self._file.check()
                connection = connection or _connect(self._path)
                version = checkpoint(connection, version)
                failing = False
            except (sqlite3.Error, StoreUnavailable) as error:
                if not failing:
                    log.warning("store: checkpoint of %s failed, trying on: %s", self._path, error)
                failing = True
        if connection is not None:
            connection.close()


def checkpoint(connection: sqlite3.Connection, previous_version: int) -> int:
    """Do one round and give the version of the data that it saw, the next round's `previous_version`.

    When nobody has committed since the previous round the log is truncated, unless a reader still needs it.
    """
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    pages = _pages_left(connection, "PASSIVE")
    if pages > LOG_LIMIT_PAGES or (pages > 0 and version == previous_version):
        _pages_left(connection, "TRUNCATE")
    return version


def _pages_left(connection: sqlite3.Connection, mode: str) -> int:
    _busy, pages, _moved = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
    return int(pages)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=rw", uri=True, isolation_level=None)
    # Short: emptying the log holds the write lock while it waits for readers.
    connection.execute(f"PRAGMA busy_timeout={_EMPTYING_TIMEOUT_MS}")
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection
