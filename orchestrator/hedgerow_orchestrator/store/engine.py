"""Opens the store's database: the URL checked, SQLite's pragmas set, the driver's errors sorted."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from hedgerow_orchestrator.store.errors import StoreError, StoreMissing, StoreUnavailable

BUSY_TIMEOUT_MS = 5_000
# Without it a server that is gone is waited for as long as the network sees fit. libpq takes no less than 2 s.
_CONNECT = {"connect_timeout": 2}
_PASSING = frozenset({"BUSY", "LOCKED", "FULL", "READONLY", "IOERR", "CANTOPEN", "NOMEM", "PROTOCOL", "PERM"})


def store_url(text: str) -> URL:
    """Read a store's URL and name the driver where it does not.

    Raises:
        StoreError: no URL, or a database that Hedgerow does not speak to.
    """
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise StoreError(f"store URL {text!r} is no URL; write sqlite:////path/hedgerow.sqlite") from error
    backend = url.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise StoreError(f"store URL {url!r}: database {backend!r} unknown; known: sqlite, postgresql")
    if not url.database or url.database == ":memory:" or url.query:
        raise StoreError(f"store URL {text!r}: SQLite needs a file and no options; write sqlite:////path/name.sqlite")
    return url.set(drivername="sqlite+pysqlite")


def sqlite_path(url: URL) -> Path | None:
    """Give the database's file, or None when the store is no SQLite file."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def open_for_writing(text: str, *, create: bool = False, busy_timeout_ms: int | None = None) -> Engine:
    """Open the store for the orchestrator; its folder is made when `create` is set.

    `busy_timeout_ms` is how long a statement waits for a lock, 5 s unless given.

    Raises:
        StoreError: the URL cannot be used.
        StoreMissing: there is no such file and `create` is not set.
    """
    url = store_url(text)
    path = sqlite_path(url)
    if path is None:
        # Positional parameters in both dialects: rows go to the driver as plain tuples.
        engine = create_engine(url, paramstyle="format", pool_pre_ping=True, connect_args=_CONNECT)
        timeout_ms = BUSY_TIMEOUT_MS if busy_timeout_ms is None else busy_timeout_ms
        event.listen(engine, "connect", partial(_limit_waits, timeout_ms))
        return engine
    if create:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"folder {path.parent} cannot be made: {error}") from error
    elif not path.exists():
        raise missing(path)
    engine = _sqlite_engine(url, "rwc" if create else "rw", busy_timeout_ms)
    event.listen(engine, "connect", _set_up_writer)
    return engine


def open_for_reading(text: str) -> Engine:
    """Open the store so that no statement can change it; nothing is touched before the first read.

    Raises:
        StoreError: the URL cannot be used.
    """
    url = store_url(text)
    path = sqlite_path(url)
    if path is not None:
        return _sqlite_engine(url, "ro")
    engine = create_engine(
        url, paramstyle="format", pool_pre_ping=True, pool_size=8, max_overflow=32, connect_args=_CONNECT
    )
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def missing(path: Path) -> StoreMissing:
    """Say that there is no store at this path, and what makes one."""
    return StoreMissing(f"store {path} does not exist yet; `hedgerow up` or `hedgerow db upgrade` makes it")


def sorted_error(error: BaseException, engine: Engine) -> StoreError:
    """Turn an error of SQLAlchemy or of the driver into the one that says what to do."""
    cause = getattr(error, "orig", None) or error
    text = str(cause).strip()
    place = engine.url.render_as_string()
    if isinstance(cause, sqlite3.Error):
        name = str(getattr(cause, "sqlite_errorname", "") or "").removeprefix("SQLITE_")
        path = sqlite_path(engine.url)
        if name.startswith("CANTOPEN") and path is not None and not path.exists():
            return missing(path)
        if "no such table" in text:
            return StoreMissing(f"store {place} has no tables ({text}); `hedgerow db upgrade` makes them")
        if name.split("_")[0] in _PASSING:
            return StoreUnavailable(f"store {place} unavailable: {text} ({name})")
        return StoreError(f"store {place} refused: {text} ({name or type(cause).__name__})")
    driver: Any = engine.dialect.loaded_dbapi
    if isinstance(cause, PoolTimeout):
        return StoreUnavailable(f"store {place} has all its connections in use; try again: {text}")
    if type(cause).__name__ == "UndefinedTable":
        return StoreMissing(f"store {place} has no tables; `hedgerow db upgrade` makes them")
    if isinstance(cause, (driver.OperationalError, driver.InterfaceError)):
        return StoreUnavailable(f"store {place} unavailable: {text}")
    return StoreError(f"store {place} refused: {text} ({type(cause).__name__})")


def _sqlite_engine(url: URL, mode: str, busy_timeout_ms: int | None = None) -> Engine:
    uri = f"file:{quote(str(Path(url.database or '').absolute()))}?mode={mode}"
    timeout_ms = BUSY_TIMEOUT_MS if busy_timeout_ms is None else busy_timeout_ms

    def connect() -> sqlite3.Connection:
        # Autocommit in the driver: every BEGIN is our own, so that it can be the right one.
        timeout_s = timeout_ms / 1000
        return sqlite3.connect(uri, timeout_s, uri=True, isolation_level=None, check_same_thread=False)

    engine = create_engine(url, creator=connect, poolclass=QueuePool, pool_size=8, max_overflow=32)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("hedgerow_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _limit_waits(timeout_ms: int, connection: Any, _record: object) -> None:
    """Have PostgreSQL give up a lock as SQLite does."""
    connection.execute(f"SET lock_timeout = {timeout_ms}")
    connection.commit()


def _set_up_writer(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")
    # Checkpoints inside a commit were the tail of the latency; the Checkpointer does them beside it.
    connection.execute("PRAGMA wal_autocheckpoint=0")
