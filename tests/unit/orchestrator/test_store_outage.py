"""The loop while its store cannot be written: nothing is told before it is stored, and all goes on afterwards."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from garden import Garden, Painter, Requirements

from hedgerow_idl import AppRequirements, ReplyStatus, UserInput
from hedgerow_orchestrator import store_guard
from hedgerow_orchestrator.store.changes import Change
from hedgerow_orchestrator.store.errors import StoreMissing, StoreUnavailable
from hedgerow_orchestrator.store.testing import a_node
from hedgerow_orchestrator.store.writer import Store
from hedgerow_orchestrator.store_guard import StoreGuard

UNAVAILABLE, OK = ReplyStatus.UNAVAILABLE, ReplyStatus.OK
FULL = StoreUnavailable("database or disk is full")


class TroubledStore(Store):
    """A store whose commits fail while a test wants it."""

    trouble: Exception | None = None

    def commit(self, changes: Sequence[Change]) -> None:
        if self.trouble is not None and changes:
            raise self.trouble
        super().commit(changes)


@pytest.fixture
def garden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Garden]:
    for name in ("GRACE_S", "LOOK_S", "SHORT_PAUSE_S", "PAUSE_S"):
        monkeypatch.setattr(store_guard, name, 0.0)
    garden = Garden(tmp_path / "home", TroubledStore)
    yield garden
    garden.orchestrator.close()


def trouble(garden: Garden, error: Exception | None) -> None:
    assert isinstance(garden.store, TroubledStore)
    garden.store.trouble = error


def problem(text: str) -> dict[str, Any]:
    return {"problem": {"text": text}}


def health(garden: Garden) -> dict[str, Any]:
    status, body = garden.ask("health", {})
    assert status is OK
    component: dict[str, Any] = next(each for each in body["components"] if each["name"] == "store")
    assert body["ready"] is False
    return component


@pytest.mark.parametrize("error", [FULL, StoreMissing("no tables")])
def test_a_submission_is_answered_when_it_is_stored_and_not_before(garden: Garden, error: Exception) -> None:
    garden.start(Requirements)
    garden.start(Painter)
    garden.turn(5)
    garden.events.take()
    trouble(garden, error)
    request_id = garden.send("problem.submit", problem("leaf"))
    assert [garden.reply(request_id) for _ in range(20)] == [None] * 20
    assert garden.events.take() == []
    assert garden.reader.problems().items == []
    status, body = garden.ask("problem.submit", problem("leaf"), request_id)
    assert status is UNAVAILABLE
    assert "taken in, but is not stored yet" in body["message"]
    trouble(garden, None)
    status, body = garden.ask("problem.submit", problem("leaf"), request_id)
    assert (status, body["task"]) == (OK, {"problem_id": 1, "iteration_id": 1})
    assert garden.finish((1, 1))["state"] == "SUCCEEDED"
    assert len(garden.reader.problems().items) == 1


def test_new_work_is_refused_and_the_same_request_is_taken_later(garden: Garden) -> None:
    garden.submit("before")
    trouble(garden, FULL)
    garden.send("problem.submit", problem("during"))
    garden.turn(3)
    for verb, body in (("problem.submit", problem("x")), ("task.cancel", {"problem_id": 1, "iteration_id": 1})):
        status, answer = garden.ask(verb, body, request_id=f"{verb} again")
        assert status is UNAVAILABLE
        assert "disk is full" in answer["message"]
        assert "nothing was taken in" in answer["message"].lower()
    trouble(garden, None)
    assert garden.ask("problem.submit", problem("x"), "problem.submit again")[1]["task"]["problem_id"] == 3
    assert garden.ask("task.cancel", {"problem_id": 1, "iteration_id": 1}, "task.cancel again")[0] is OK


def test_what_was_answered_before_is_answered_again(garden: Garden) -> None:
    answer = garden.ask("problem.submit", problem("before"), "before")
    trouble(garden, FULL)
    garden.send("problem.submit", problem("during"))
    garden.turn(3)
    assert garden.ask("problem.submit", problem("before"), "before") == answer


def test_health_names_the_trouble_since_when_and_its_end(garden: Garden, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        trouble(garden, FULL)
        garden.send("problem.submit", problem("leaf"))
        garden.turn(3)
        component = health(garden)
        assert component["ok"] is False
        assert component["detail"].startswith("cannot be written since 20")
        assert component["detail"].endswith("Z: database or disk is full")
        assert garden.ask("pipeline", {})[1]["name"] == "garden"
        trouble(garden, None)
        garden.turn(3)
        assert health(garden) == {"name": "store", "ok": True, "detail": "writable"}
    said = [record.getMessage() for record in caplog.records if "the store" in record.getMessage()]
    assert said[0] == "orchestrator: the store cannot be written, work waits: database or disk is full"
    assert said[1].startswith("orchestrator: the store can be written again after ")
    assert len(said) == 2


def test_a_short_lock_refuses_nobody(garden: Garden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_guard, "GRACE_S", 60.0)
    trouble(garden, StoreUnavailable("database is locked"))
    first = garden.send("problem.submit", problem("first"))
    garden.turn(3)
    assert health(garden)["ok"] is True
    garden.send("problem.submit", problem("second"), "second")
    assert [garden.reply("second") for _ in range(20)] == [None] * 20
    trouble(garden, None)
    # The client repeats what is not answered.
    assert garden.ask("problem.submit", problem("first"), first)[1]["task"]["problem_id"] == 1
    assert garden.ask("problem.submit", problem("second"), "second")[1]["task"]["problem_id"] == 2


def test_a_stage_waits_until_the_output_that_it_needs_is_stored(garden: Garden) -> None:
    calls: list[str] = []

    class Noted(Requirements):
        def process(self, task: Any, user_input: UserInput) -> Any:
            calls.append("requirements")
            trouble(garden, FULL)
            return super().process(task, user_input)

    class AlsoNoted(Painter):
        def process(self, task: Any, requirements: AppRequirements) -> Any:
            calls.append("colour")
            return super().process(task, requirements)

    garden.start(Noted)
    garden.start(AlsoNoted)
    garden.until(lambda: [node["state"] for node in garden.reader.nodes()] == ["IDLE", "IDLE"])
    garden.send("problem.submit", problem("leaf"))
    garden.until(lambda: bool(calls))
    garden.turn(30)
    assert calls == ["requirements"]
    trouble(garden, None)
    task = garden.finish((1, 1))
    assert [stage["attempt"] for stage in task["stages"].values()] == [1, 1]
    assert calls == ["requirements", "colour"]


def test_no_attempt_is_blamed_for_the_time_in_which_nothing_could_be_stored(garden: Garden) -> None:
    now_s = 0.0
    garden.clock = lambda: now_s
    garden.orchestrator.close()
    garden.orchestrator = garden.new_orchestrator()
    garden.start(Requirements)
    garden.until(lambda: [node["state"] for node in garden.reader.nodes()] == ["IDLE"])
    key = garden.submit("leaf")
    trouble(garden, FULL)
    garden.send("problem.submit", problem("during"), "during")
    garden.turn(5)
    now_s += 10_000.0
    garden.start(Painter)
    garden.turn(5)
    trouble(garden, None)
    task = garden.finish(key)
    assert task["state"] == "SUCCEEDED"
    assert [stage["attempt"] for stage in task["stages"].values()] == [1, 1]
    assert "node.restart_wanted" not in [event["kind"] for event in garden.reader.events()]


def test_a_deleted_file_is_seen_without_any_work_and_nothing_more_is_written(garden: Garden, tmp_path: Path) -> None:
    file = tmp_path / "home" / "hedgerow.sqlite"
    garden.submit("before")
    log = file.with_name("hedgerow.sqlite-wal")
    with closing(sqlite3.connect(file)) as other:
        events = other.execute("SELECT max(event_id) FROM event").fetchone()
    aside = file.rename(tmp_path / "aside.sqlite")
    garden.turn(3)
    component = health(garden)
    assert component["ok"] is False
    assert f"{file} was deleted or moved while it was open" in component["detail"]
    assert "doctor --rescue" in component["detail"]
    size = log.stat().st_size
    status, body = garden.ask("problem.submit", problem("during"), "during")
    assert status is UNAVAILABLE
    assert "deleted or moved" in body["message"]
    file.touch()
    garden.turn(3)
    assert f"{file} was replaced while it was open" in health(garden)["detail"]
    assert (file.stat().st_size, log.stat().st_size) == (0, size)
    aside.replace(file)
    assert garden.ask("problem.submit", problem("during"), "during")[1]["task"]["problem_id"] == 2
    with closing(sqlite3.connect(file)) as other:
        assert other.execute("SELECT max(event_id) FROM event").fetchone() > events


def test_a_failed_commit_keeps_a_file_without_a_name_open(garden: Garden, tmp_path: Path) -> None:
    file = tmp_path / "home" / "hedgerow.sqlite"
    garden.submit("before")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    aside = file.rename(tmp_path / "aside.sqlite")
    with pytest.raises(StoreUnavailable, match="locked"):
        Store.commit(garden.store, [a_node()])
    other.execute("ROLLBACK")
    other.close()
    Store.commit(garden.store, [a_node()])
    aside.replace(file)
    assert garden.store.nodes() == [a_node()]


def test_the_guard_counts_from_the_first_failure(tmp_path: Path) -> None:
    now_s = 100.0
    garden = Garden(tmp_path / "home", TroubledStore)
    guard = StoreGuard(garden.store, clock=lambda: now_s)
    assert (guard.lasted_s, guard.trouble, guard.pause_s) == (0.0, "", store_guard.SHORT_PAUSE_S)
    trouble(garden, FULL)
    assert guard.commit([a_node()]) is False
    now_s += 0.9
    assert guard.commit([a_node()]) is False
    assert (guard.trouble, guard.pause_s) == ("", store_guard.SHORT_PAUSE_S)
    now_s += 0.2
    assert guard.lasted_s == pytest.approx(1.1)
    assert "disk is full" in guard.trouble
    assert guard.pause_s == store_guard.PAUSE_S
    trouble(garden, None)
    assert guard.commit([a_node()]) is True
    assert (guard.lasted_s, guard.trouble) == (0.0, "")
    garden.orchestrator.close()
