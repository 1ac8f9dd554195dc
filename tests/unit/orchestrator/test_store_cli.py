"""`hedgerow db`: what it prints, what it does, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from hedgerow_orchestrator.states import TaskState
from hedgerow_orchestrator.store.cli import app, seconds
from hedgerow_orchestrator.store.testing import StorePlace, a_task, an_event

Db = Callable[..., Any]


@pytest.fixture
def db(tmp_path: Path) -> Db:
    def invoke(*arguments: str, **variables: str) -> Any:
        return CliRunner().invoke(app, arguments, env={"HEDGEROW_HOME": str(tmp_path / "home"), **variables})

    return invoke


@pytest.fixture
def place(tmp_path: Path, db: Db) -> StorePlace:
    assert db("upgrade").exit_code == 0
    return StorePlace(f"sqlite:///{tmp_path}/home/hedgerow.sqlite", f"file://{tmp_path}/home/blobs")


def test_upgrade_makes_the_store_and_check_finds_it_good(db: Db, tmp_path: Path) -> None:
    missing = db("check", "--json")
    assert missing.exit_code == 1
    assert json.loads(missing.stdout)["state"] == "missing"
    made = db("upgrade", "--json")
    assert made.exit_code == 0
    assert json.loads(made.stdout) == {
        "store": f"sqlite+pysqlite:///{tmp_path}/home/hedgerow.sqlite",
        "good": True,
        "state": "current",
        "revision": "0004",
        "head": "0004",
        "differences": [],
    }
    checked = db("check")
    assert checked.exit_code == 0
    assert "current, revision 0004, this version uses 0004" in checked.stdout


def test_check_lists_the_differences(db: Db, place: StorePlace) -> None:
    with place.writer() as store, store._engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE node ADD COLUMN colour TEXT")
        connection.commit()
    checked = db("check")
    assert checked.exit_code == 1
    assert "remove_column node colour" in checked.stdout


def test_prune_removes_what_is_old(db: Db, place: StorePlace) -> None:
    old = [a_task(n, state=TaskState.FAILED, finished_at_s=1.0) for n in (1, 2, 3)]
    with place.writer() as store:
        store.commit([*old, *(an_event(n) for n in (1, 2, 3, 4))])
    dry = db("prune", "--older-than", "30d", "--dry-run", "--json")
    assert dry.exit_code == 0
    expected = {"output": 0, "task": 2, "event": 3, "request": 0, "blob": 0}
    expected |= dict.fromkeys(("telemetry_system", "telemetry_process", "telemetry_packet"), 0)
    assert json.loads(dry.stdout) == {"removed": expected, "dry_run": True, "older_than_s": 30 * 86_400, "keep": None}
    with place.reader() as reader:
        assert len(reader.events()) == 4
    only = db("prune", "--older-than", "30d", "--table", "event")
    assert (only.exit_code, only.stdout) == (0, "removed 3 from event\nremoved 0 from blob\n")
    both = db("prune", "--older-than", "1s", "--table", "event", "--table", "task", "--json")
    assert json.loads(both.stdout)["removed"] == {"task": 2, "event": 0, "blob": 0}
    with place.reader() as reader:
        assert [each["problem_id"] for each in reader.problems().items] == [3]


def test_prune_keeps_the_newest(db: Db, place: StorePlace) -> None:
    with place.writer() as store:
        done = [a_task(n, state=TaskState.SUCCEEDED, finished_at_s=1.0) for n in range(1, 6)]
        store.commit([*done, *(an_event(n) for n in range(1, 9))])
    both = db("prune", "--keep", "3", "--older-than", "30d", "--table", "event", "--table", "task", "--json")
    answer = json.loads(both.stdout)
    assert (answer["removed"], answer["keep"]) == ({"task": 2, "event": 5, "blob": 0}, 3)
    assert db("prune", "--keep", "1", "--table", "event").stdout == "removed 2 from event\nremoved 0 from blob\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["prune"], "--older-than"),
        (["prune", "--keep", "-1"], "--keep"),
        (["prune", "--older-than", "soon"], "'soon' is no age"),
        (["prune", "--older-than", "1d", "--table", "node"], "'node' has no"),
        (["defrost"], "defrost"),
    ],
)
def test_wrong_usage_is_exit_code_2(db: Db, arguments: list[str], said: str) -> None:
    result = db(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_wrong_setting_is_exit_code_2(db: Db) -> None:
    result = db("check", HEDGEROW_DOMAIN="500")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "HEDGEROW_DOMAIN='500'" in result.stderr


@pytest.mark.parametrize("arguments", [["upgrade"], ["check"], ["prune", "--older-than", "1d"]])
def test_a_store_that_cannot_be_used_is_exit_code_1(db: Db, arguments: list[str]) -> None:
    result = db(*arguments, HEDGEROW_STORE="mysql://me:secret@host/name")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "known: sqlite, postgresql" in result.stderr
    assert "secret" not in result.stderr


def test_pruning_a_missing_store_is_exit_code_1(db: Db) -> None:
    result = db("prune", "--older-than", "1d")
    assert result.exit_code == 1
    assert "does not exist yet" in result.stderr


@given(number=st.integers(0, 10_000), unit=st.sampled_from("smhdw"))
def test_ages_are_read(number: int, unit: str) -> None:
    in_seconds = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}[unit]
    assert seconds(f"{number}{unit}") == number * in_seconds


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1y", "1d2h", "1e3s", "nan"])
def test_other_texts_are_no_ages(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no age"):
        seconds(text)
