"""Migrations: an empty store is made, a current one left alone, a newer one refused; up and down, the same tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from sqlalchemy import Connection, Engine, inspect, text

from hedgerow_orchestrator.states import StageState, TaskState
from hedgerow_orchestrator.store import migrate
from hedgerow_orchestrator.store.changes import Change
from hedgerow_orchestrator.store.engine import open_for_writing
from hedgerow_orchestrator.store.errors import StoreError, StoreUnavailable
from hedgerow_orchestrator.store.schema import metadata
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

HEAD = "0004"


@pytest.fixture(params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorePlace]:
    with new_place(tmp_path, request.param, upgraded=False) as place:
        yield place


@pytest.fixture
def sqlite_place(tmp_path: Path) -> Iterator[StorePlace]:
    with new_place(tmp_path, upgraded=False) as place:
        yield place


@pytest.fixture
def engine(place: StorePlace) -> Iterator[Engine]:
    """The store's database, opened beside the code under test."""
    engine = open_for_writing(place.store_url, create=True)
    yield engine
    engine.dispose()


def test_an_empty_store_is_made(place: StorePlace) -> None:
    assert migrate.upgrade(place.store_url) == migrate.StoreCheck("current", HEAD, HEAD)
    assert migrate.check(place.store_url).good


def test_the_tables_are_those_of_the_schema(place: StorePlace) -> None:
    migrate.upgrade(place.store_url)
    assert migrate.check(place.store_url).differences == ()


def test_a_current_store_is_left_alone(place: StorePlace) -> None:
    migrate.upgrade(place.store_url)
    with place.writer() as store:
        store.commit([a_task(), an_event(3)])
    assert migrate.upgrade(place.store_url).state == "current"
    with place.writer() as store:
        assert store.task_row(1, 1) == a_task()


def test_down_and_up_again_gives_the_same_tables(place: StorePlace, engine: Engine) -> None:
    migrate.upgrade(place.store_url)
    with place.writer() as store:
        store.commit([a_task(), a_stage()])
    migrate.downgrade(place.store_url)
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    assert migrate.check(place.store_url).state == "empty"
    assert migrate.upgrade(place.store_url).good
    with place.writer() as store:
        assert store.open_ids() == []


def everything() -> list[Change]:
    """At least one record of every table."""
    large = an_output(2, cdr=b"x" * 70_000, plain='"' + "y" * 70_000 + '"')
    second = [a_task(2, state=TaskState.FAILED), a_stage(2), an_attempt(2), large, an_event(2)]
    serving = [a_service(), an_epoch(), an_instance(), a_policy(), a_worker(), an_intent()]
    first = [a_task(), a_stage(), an_attempt(), an_output(), an_event(1), a_node(), a_request()]
    return [*first, *second, *serving, *all_telemetry()]


def contents(engine: Engine, without: str = "") -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, without a column of `task`."""
    found = {}
    with engine.connect() as connection:
        for name in metadata.tables:
            columns = [each["name"] for each in inspect(connection).get_columns(name) if each["name"] != without]
            rows = connection.execute(text(f"SELECT {', '.join(columns)} FROM {name}")).all()
            found[name] = sorted((tuple(row) for row in rows), key=repr)
    return found


def test_a_full_store_goes_down_and_comes_up_and_leaves_the_rest_of_the_database_alone(
    place: StorePlace, engine: Engine
) -> None:
    migrate.upgrade(place.store_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE diary (line TEXT)"))
        connection.execute(text("INSERT INTO diary VALUES ('mine')"))
    with place.writer() as store:
        store.commit(everything())
    before = contents(engine)
    assert all(before.values())
    migrate.downgrade(place.store_url)
    assert set(inspect(engine).get_table_names()) == {"alembic_version", "diary"}
    assert migrate.upgrade(place.store_url).good
    assert not any(contents(engine).values())
    with place.writer() as store:
        store.commit(everything())
    assert contents(engine) == before
    with engine.connect() as connection:
        assert connection.execute(text("SELECT line FROM diary")).scalars().all() == ["mine"]


def test_what_only_attempts_tell_of_stages_goes_into_their_rows_on_the_way_down(
    place: StorePlace, engine: Engine
) -> None:
    migrate.upgrade(place.store_url)
    behind, told = a_stage(stage="b", attempt=0, state=StageState.WAITING, position=1), an_attempt(stage="b", attempt=1)
    with place.writer() as store:
        store.commit([a_task(), a_stage(attempt=1), an_attempt(attempt=1), behind, told])
        shown = store.open_tasks()[0].stages
    columns = "stage, position, state, attempt, node_id, started_at_s, finished_at_s, error_code, reason"
    with engine.connect() as connection:
        now = connection.execute(text(f"SELECT {columns} FROM stage_now ORDER BY position")).all()
    migrate.downgrade(place.store_url, "0001")
    with engine.connect() as connection:
        rows = connection.execute(text(f"SELECT {columns} FROM stage ORDER BY position")).all()
    assert rows == now
    assert [row.state for row in rows] == [each.state for each in shown]
    assert rows[1].state == told.state != behind.state
    assert migrate.upgrade(place.store_url).good


REVISION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "next", "{head}", None, None


def upgrade():
    with op.batch_alter_table("task", recreate="{recreate}") as task:
        task.add_column(sa.Column("colour", sa.Text(), nullable=False, server_default="green"))


def downgrade():
    with op.batch_alter_table("task", recreate="{recreate}") as task:
        task.drop_column("colour")
"""


def test_a_later_revision_keeps_every_row_on_its_way_up_and_down(
    place: StorePlace, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above all that of the table on which others hang: to alter it SQLite copies it and drops the old one."""
    recreate = "always" if engine.dialect.name == "sqlite" else "never"
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "next.py").write_text(REVISION.format(head=HEAD, recreate=recreate))
    config = migrate._config

    def with_the_next(connection: Connection | None = None) -> Config:
        made = config(connection)
        made.set_main_option("path_separator", "newline")
        shipped = files("hedgerow_orchestrator.store") / "migrations" / "versions"
        made.set_main_option("version_locations", f"{shipped}\n{tmp_path / 'versions'}")
        return made

    migrate.upgrade(place.store_url)
    with place.writer() as store:
        store.commit(everything())
    before = contents(engine)
    monkeypatch.setattr(migrate, "_config", with_the_next)
    assert migrate.upgrade(place.store_url).revision == "next"
    assert contents(engine, without="colour") == before
    with engine.connect() as connection:
        assert connection.execute(text("SELECT colour FROM task")).scalars().all() == ["green", "green"]
    migrate.downgrade(place.store_url, HEAD)
    monkeypatch.undo()
    assert migrate.check(place.store_url).good
    assert contents(engine) == before
    with engine.begin() as connection:
        assert _constraints(connection)["stage"][1] == [("fk_stage_task", "task", {"ondelete": "CASCADE"})]


def test_a_migration_that_leaves_rows_behind_changes_nothing(
    sqlite_place: StorePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate.upgrade(sqlite_place.store_url)
    with sqlite_place.writer() as store:
        store.commit(everything())

    def loses(config: Config, revision: str) -> None:
        config.attributes["connection"].execute(text("DELETE FROM task WHERE problem_id = 1"))

    monkeypatch.setattr("alembic.command.downgrade", loses)
    with pytest.raises(StoreError, match="left 2 rows without the row they belong to"):
        migrate.downgrade(sqlite_place.store_url)
    with sqlite_place.writer() as store:
        assert store.task_row(1, 1) == a_task()


def test_a_newer_store_is_refused_and_left_alone(place: StorePlace, engine: Engine) -> None:
    migrate.upgrade(place.store_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert migrate.check(place.store_url) == migrate.StoreCheck("newer", "9999", HEAD)
    with pytest.raises(StoreError, match=r"revision '9999'.*up to '0004'; install the newer version"):
        migrate.upgrade(place.store_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"


def test_the_checks_and_keys_of_the_migration_are_those_of_the_schema(engine: Engine, place: StorePlace) -> None:
    """Alembic compares columns and indexes, but neither CHECKs nor SQLite's table options."""
    migrate.upgrade(place.store_url)
    with engine.connect() as connection:
        migrated = _constraints(connection)
    migrate.downgrade(place.store_url)
    with engine.begin() as connection:
        metadata.create_all(connection)
        assert _constraints(connection) == migrated


def test_a_difference_is_named(place: StorePlace, engine: Engine) -> None:
    migrate.upgrade(place.store_url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE node ADD COLUMN colour TEXT"))
        connection.execute(text("DROP INDEX ix_task_state_problem_id_iteration_id"))
    found = migrate.check(place.store_url)
    assert (found.state, found.good) == ("current", False)
    assert sorted(found.differences) == [
        "add_index ix_task_state_problem_id_iteration_id",
        "remove_column node colour",
    ]


def test_tables_of_others_are_not_touched(place: StorePlace, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE task (mine INTEGER)"))
    with pytest.raises(StoreError, match="holds tables of others: task"):
        migrate.upgrade(place.store_url)
    assert [each["name"] for each in inspect(engine).get_columns("task")] == ["mine"]


def test_a_migration_that_fails_leaves_nothing(
    place: StorePlace, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("power cut")

    # The tables are made by now; what Alembic does last is to note the revision.
    monkeypatch.setattr("alembic.runtime.migration.HeadMaintainer._insert_version", fails)
    with pytest.raises(StoreUnavailable, match="power cut"):
        migrate.upgrade(place.store_url)
    assert "task" not in inspect(engine).get_table_names()


def test_checking_makes_no_store(tmp_path: Path) -> None:
    with new_place(tmp_path, upgraded=False) as place:
        assert migrate.check(place.store_url) == migrate.StoreCheck("missing", None, HEAD)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "deep"
    with new_place(folder) as place:
        assert migrate.check(place.store_url).good
    assert (folder / "hedgerow.sqlite").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot be made"):
        migrate.upgrade(f"sqlite:///{tmp_path / 'file' / 'hedgerow.sqlite'}")


def test_the_migrations_are_part_of_the_package() -> None:
    migrations = files("hedgerow_orchestrator.store") / "migrations"
    assert (migrations / "env.py").is_file()
    revisions = [each.name for each in (migrations / "versions").iterdir() if each.name.endswith(".py")]
    assert sorted(revisions)[-1].startswith(HEAD)


def _constraints(connection: Connection) -> dict[str, Any]:
    inspector = inspect(connection)
    found: dict[str, Any] = {}
    for table in metadata.tables:
        checks = {each["name"]: re.sub(r"\s+", " ", each["sqltext"]) for each in inspector.get_check_constraints(table)}
        foreign = [
            (each["name"], each["referred_table"], each["options"]) for each in inspector.get_foreign_keys(table)
        ]
        columns = [(each["name"], str(each["type"]), each["nullable"]) for each in inspector.get_columns(table)]
        primary = inspector.get_pk_constraint(table)
        found[table] = (checks, foreign, columns, primary["name"], primary["constrained_columns"])
        if connection.dialect.name == "sqlite":
            found[table] += (connection.execute(text(f"SELECT wr FROM pragma_table_list('{table}')")).scalar(),)
    return found
