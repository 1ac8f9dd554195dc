"""The store in trouble under a running system: said clearly, nothing acknowledged is lost, all goes on afterwards."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from running import System, wait_for
from store_world import Watched, fill, holding_nodes, mounted, read_only, unchangeable
from up_system import trivial_launch_file

from hedgerow_nodes.core.environment import Environment
from hedgerow_orchestrator.states import TaskState
from hedgerow_orchestrator.store import migrate
from hedgerow_orchestrator.store.changes import Change
from hedgerow_orchestrator.store.testing import StorePlace, a_stage, a_task, an_attempt, an_event, an_output
from tests.debian_postgres import Postgres

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]


@pytest.fixture(autouse=True)
def any_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEROW_PORT", "0")


@pytest.fixture
def small_disk(hedgerow_environment: Environment) -> Iterator[Path]:
    """A home on a disk of its own."""
    with mounted(hedgerow_environment.home, "-t", "tmpfs", "-o", "size=16m", "tmpfs"):
        yield hedgerow_environment.home


def test_the_disk_is_full(small_disk: Path, system: System) -> None:
    watched = Watched(system)
    watched.start()
    assert watched.submit("before") == 202
    system.finish(watched.acknowledged["before"])
    assert watched.submit("just-before") == 202
    ballast = fill(small_disk)
    watched.refusal("during", "full")
    watched.until_trouble("cannot be written since", "full")
    assert watched.submit("also-during") == 503
    # One that starts now waits, and says so too.
    system.kill("orchestrator")
    system.start_orchestrator()
    watched.until_trouble("since")
    ballast.unlink()
    watched.until_ready()
    for name in ("during-1", "also-during", "after"):
        assert watched.submit(name) == 202
    watched.all_succeed()


def test_another_process_holds_the_lock(system: System) -> None:
    watched = Watched(system)
    watched.start()
    assert watched.submit("before") == 202
    with closing(sqlite3.connect(watched.file, isolation_level=None, timeout=30.0)) as other:
        other.execute("BEGIN IMMEDIATE")
        watched.refusal("during", "locked")
        watched.until_trouble("locked")
        other.execute("ROLLBACK")
    watched.until_ready()
    for name in ("during-1", "during", "after"):
        assert watched.submit(name) == 202
    watched.all_succeed()


def test_the_file_becomes_read_only(system: System) -> None:
    watched = Watched(system)
    watched.start()
    assert watched.submit("before") == 202
    system.finish(watched.acknowledged["before"])
    with unchangeable([watched.file, watched.file.with_name("hedgerow.sqlite-wal")]):
        watched.refusal("during", "hedgerow.sqlite")
        watched.until_trouble("cannot be written since", "hedgerow.sqlite")
    watched.until_ready()
    for name in ("during-1", "during", "after"):
        assert watched.submit(name) == 202
    watched.all_succeed()


def test_the_file_is_read_only_when_the_orchestrator_starts(hedgerow_environment: Environment, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    url = f"sqlite:///{store / 'hedgerow.sqlite'}"
    environment = Environment.read({**hedgerow_environment.variables(), "HEDGEROW_STORE": url})
    hold = tmp_path / "hold"
    hold.touch()
    system = System(environment)
    try:
        watched = Watched(system)
        holding_nodes(system, hold, "ml_model_provider")
        watched.start(kinds=())
        assert watched.submit("before") == 202
        key = watched.acknowledged["before"]
        wait_for(
            lambda: system.node_state("ml_model_provider") == "RUNNING",
            60.0,
            lambda: f"{system.task(key)}\n{system.reader.nodes()}\n{system.logs()}",
        )
        system.kill("orchestrator")
        with read_only(store):
            system.start_orchestrator()
            watched.until_trouble("since", "readonly")
            watched.refusal("during", "othing was taken in")
        hold.unlink()
        watched.until_ready()
        for name in ("during-1", "during", "after"):
            assert watched.submit(name) == 202
        watched.all_succeed()
        task = system.task(key)
        assert task["stages"]["ml_model_provider"]["attempt"] == 1
    finally:
        system.stop()


def test_the_file_is_deleted_and_copied_out(system: System, tmp_path: Path) -> None:
    watched = Watched(system)
    watched.start()
    copy = tmp_path / "copy.sqlite"
    code, said = watched.doctor("--rescue", str(copy))
    assert (code, copy.exists()) == (1, False)
    assert "nothing to rescue" in said
    assert watched.submit("before") == 202
    for file in system.environment.home.glob("hedgerow.sqlite*"):
        file.unlink()
    # Until it is seen, at most a second, work is taken in: it is in the open file, too.
    watched.submit("just-after")
    watched.until_trouble("deleted or moved", "doctor --rescue", timeout_s=5.0)
    watched.refusal("during", "deleted or moved")
    code, said = watched.doctor("--rescue", str(copy), "--json")
    assert code == 0, said
    rescued = json.loads(said)
    assert rescued["tasks"] == len(watched.acknowledged)
    assert [step.split()[0] for step in rescued["next"]] == ["hedgerow", "rm", "mv", "hedgerow"]
    code, said = watched.doctor("--rescue", str(copy))
    assert code == 1
    assert "exists and is not overwritten" in said
    assert list(system.environment.home.glob("hedgerow.sqlite*")) == []
    for name in ("orchestrator", "frontend"):
        process = system.processes.pop(name)
        process.terminate()
        assert process.wait(10.0) == 0
    copy.rename(watched.file)
    watched.start(kinds=())
    for name in ("during-1", "during", "after"):
        assert watched.submit(name) == 202
    watched.all_succeed()


def test_old_rows_are_pruned_while_tasks_run(system: System) -> None:
    migrate.upgrade(system.environment.store_url)
    with StorePlace(system.environment.store_url, system.environment.blob_url).writer() as store:
        for first in range(1, 3001, 500):
            rows: list[Change] = []
            for number in range(first, first + 500):
                rows.append(a_task(number, state=TaskState.SUCCEEDED, created_at_s=1.0, finished_at_s=2.0))
                rows += [a_stage(number), an_attempt(number), an_output(number), an_event(number)]
            store.commit(rows)
    watched = Watched(system)
    watched.start()
    with watched.running("db", "prune", "--older-than", "1d", "--keep", "100", "--json") as pruning:
        numbers = itertools.count(1)
        while pruning.poll() is None or len(watched.acknowledged) < 20:
            assert watched.submit(f"meanwhile-{next(numbers)}") == 202
        said, _ = pruning.communicate()
    assert pruning.returncode == 0
    removed = json.loads(said)["removed"]
    # A hundred problems of each table stay, the new ones among them.
    assert 2900 <= removed["task"] <= 3000
    assert min(removed["output"], removed["event"]) >= 2000
    for name, key in watched.acknowledged.items():
        assert (system.finish(key)["title"], system.task(key)["state"]) == (name, "SUCCEEDED")
    assert "cannot be written" not in system.log_of("orchestrator")


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """Debian's PostgreSQL, ended with the test."""
    server = Postgres()
    yield server
    server.close()


@pytest.mark.long
def test_postgresql_is_stopped_and_started_again(
    hedgerow_environment: Environment, postgres: Postgres, tmp_path: Path
) -> None:
    environment = Environment.read({**hedgerow_environment.variables(), "HEDGEROW_STORE": postgres.url})
    system = System(environment)
    try:
        watched = Watched(system)
        watched.start_supervised(trivial_launch_file(tmp_path))
        for number in range(10):
            assert watched.submit(f"before-{number}") == 202
        postgres.stop()
        watched.refusal("during", "unavailable")
        watched.until_trouble("since", "unavailable")
        postgres.start()
        watched.until_ready(60.0)
        for name in ("during-1", "after"):
            assert watched.submit(name) == 202
        watched.all_succeed()
    finally:
        system.stop()
