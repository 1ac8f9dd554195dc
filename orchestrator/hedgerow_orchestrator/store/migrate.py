"""Brings a store's tables to the revision that this version of Hedgerow uses, and tells where they differ."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import SQLAlchemyError

from hedgerow_orchestrator.store.engine import open_for_writing, sorted_error
from hedgerow_orchestrator.store.errors import StoreError, StoreMissing
from hedgerow_orchestrator.store.telemetry_schema import metadata


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """Where a store stands.

    Attributes:
        state: `missing` (no file), `empty` (no tables), `older`, `current` or `newer` than this version.
        revision: the store's revision, None when it has none.
        head: the revision that this version uses.
        differences: how the tables differ from what this version expects, one sentence each; looked for in
            `current` stores only.
    """

    state: str
    revision: str | None
    head: str
    differences: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """The store can be used as it is."""
        return self.state == "current" and not self.differences


def upgrade(url: str, *, busy_timeout_ms: int | None = None) -> StoreCheck:
    """Make the store or bring an older one up to date; do nothing to a current one.

    `busy_timeout_ms` is how long to wait for a lock that others hold, 5 s unless given.

    Raises:
        StoreError: it was made by a newer version of Hedgerow, or holds other tables.
        StoreUnavailable: it cannot be opened or changed now.
    """
    with _connection(url, create=True, busy_timeout_ms=busy_timeout_ms) as connection:
        found = _look(connection)
        if found.state == "newer":
            raise StoreError(
                f"store {connection.engine.url!r} has revision {found.revision!r}, this version of Hedgerow knows up "
                f"to {found.head!r}; install the newer version again or name another store in HEDGEROW_STORE"
            )
        if found.state == "empty":
            strangers = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
            if strangers:
                raise StoreError(f"store {connection.engine.url!r} holds tables of others: {', '.join(strangers)}")
        if found.state != "current":
            command.upgrade(_config(connection), "head")
            _check_references(connection)
        return _look(connection)


def downgrade(url: str, revision: str = "base") -> None:
    """Take migrations back to a revision; what only the newer tables can hold is lost."""
    with _connection(url) as connection:
        command.downgrade(_config(connection), revision)
        _check_references(connection)


def check(url: str) -> StoreCheck:
    """Compare the store with what this version expects, and change nothing.

    Raises:
        StoreUnavailable: it cannot be read now.
    """
    try:
        with _connection(url) as connection:
            found = _look(connection)
            if found.state != "current":
                return found
            differences = compare_metadata(MigrationContext.configure(connection), metadata)
            return StoreCheck(found.state, found.revision, found.head, tuple(map(_sentence, differences)))
    except StoreMissing:
        return StoreCheck("missing", None, _head())


def _look(connection: Connection) -> StoreCheck:
    revision = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(_config(connection))
    known = {script.revision for script in scripts.walk_revisions()}
    state = "older"
    if revision is None:
        state = "empty"
    elif revision == scripts.get_current_head():
        state = "current"
    elif revision not in known:
        state = "newer"
    return StoreCheck(state, revision, _head())


def _head() -> str:
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    # By package, not by path: the migrations are found in a wheel as well as in a checkout.
    config.set_main_option("script_location", "hedgerow_orchestrator.store:migrations")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _connection(url: str, *, create: bool = False, busy_timeout_ms: int | None = None) -> Iterator[Connection]:
    engine = open_for_writing(url, create=create, busy_timeout_ms=busy_timeout_ms)
    try:
        with engine.connect() as connection:
            _let_tables_be_replaced(connection)
            # One transaction around all migrations: one that fails leaves the store as it was, in both databases.
            with connection.execution_options(hedgerow_writes=create).begin():
                yield connection
    except SQLAlchemyError as error:
        raise sorted_error(error, engine) from error
    finally:
        engine.dispose()


def _let_tables_be_replaced(connection: Connection) -> None:
    """Stop SQLite from deleting what hangs on a table that a migration copies, drops and makes anew."""
    if connection.dialect.name == "sqlite":
        # To the driver: SQLAlchemy would begin a transaction, and inside one SQLite ignores it.
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys=OFF")


def _check_references(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            raise StoreError(f"a migration left {len(broken)} rows without the row they belong to; nothing was changed")


def _sentence(difference: object) -> str:
    if isinstance(difference, list):
        return "; ".join(map(_sentence, difference))
    if isinstance(difference, tuple) and difference:
        return " ".join(str(getattr(part, "name", None) or part) for part in difference if part is not None)
    return str(difference)
