"""The loop on the whole orchestrator: further iterations by themselves, exactly one after another, over any crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field, replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedds.idl import IdlStruct
from garden import Garden, Requirements, spec

from hedgerow_idl import AppRequirements, Baselines, Header, ReplyStatus, UserInput, sequence, wire_type
from hedgerow_nodes.core import ModuleNode, Refusal
from hedgerow_orchestrator import engine
from hedgerow_orchestrator.pipeline import Pipeline
from hedgerow_orchestrator.store.changes import Change, TaskRow
from hedgerow_orchestrator.store.errors import StoreUnavailable
from hedgerow_orchestrator.store.writer import Store


@wire_type
class Verdict(IdlStruct, typename="garden.Verdict"):
    """An author's own type with the two fields of the contract."""

    header: Header = field(default_factory=Header)
    seen: str = ""
    decision: str = ""
    next_input: sequence[UserInput] = field(default_factory=list)


class Chooser(ModuleNode):
    """Count a text such as `again 3` down, and look at what the iteration before said.

    `ask 3` waits for the user instead. Of a text with `fail` the next iteration is one that fails, with `again` in
    reserve.
    """

    kind = "chooser"
    inputs = (UserInput, AppRequirements, Baselines)
    output = Verdict
    execution = "inline"

    def process(self, task: Any, user_input: UserInput, requirements: AppRequirements, baselines: Baselines) -> Any:
        word, _, number = user_input.text.partition(" ")
        before = baselines.app_requirements[0].explanation if baselines.app_requirements else ""
        left = int(number or 0)
        if word == "break":
            raise Refusal("BROKEN", "the text says so")
        if left == 0:
            return Verdict(seen=before, decision="target_met")
        again = replace(user_input, header=Header(), text=f"again {left - 1}")
        if word == "fail":
            return Verdict(seen=before, decision="continue", next_input=[replace(again, text="break"), again])
        if word == "empty":
            return Verdict(seen=before, decision="continue", next_input=[replace(again, text="  ")])
        return Verdict(seen=before, decision="waits_for_user" if word == "ask" else "continue", next_input=[again])


LOOPING = Pipeline(
    "looping",
    {
        "app_requirements": spec("app_requirements", "user_input"),
        "chooser": spec("chooser", "user_input", "app_requirements", "baselines"),
    },
    loop_stage="chooser",
)


class Dying(Store):
    """A store that dies at the commit that `dies_at` picks, before or after it is written."""

    dies_at: Callable[[TaskRow], bool] | None = None
    after = False

    def commit(self, changes: Any) -> None:
        fatal = self.dies_at is not None and any(isinstance(c, TaskRow) and self.dies_at(c) for c in changes)
        if fatal and not self.after:
            raise Killed
        super().commit(changes)
        if fatal:
            raise Killed


class Killed(BaseException):
    """The orchestrator was killed here."""


@pytest.fixture
def looping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Garden]:
    monkeypatch.setattr("garden.PLAN", LOOPING)
    garden = Garden(tmp_path / "home", Dying)
    garden.start(Requirements)
    garden.start(Chooser)
    yield garden
    garden.orchestrator.close()


def whole(garden: Garden, count: int) -> list[dict[str, Any]]:
    """Problem 1 once it has so many iterations and all have ended; a few more turns bring no further one."""

    def ended() -> bool:
        found = (garden.reader.problem(1) or {"iterations": []})["iterations"]
        return len(found) >= count and all(one["state"] in ("SUCCEEDED", "FAILED", "CANCELLED") for one in found)

    garden.until(ended)
    garden.turn(20)
    found: list[dict[str, Any]] = (garden.reader.problem(1) or {})["iterations"]
    assert len(found) == count
    return found


def test_iterations_follow_by_themselves_each_with_the_one_before_as_its_baseline(looping: Garden) -> None:
    looping.submit("again 3")
    found = whole(looping, 4)
    assert [one["request"]["text"] for one in found] == ["again 3", "again 2", "again 1", "again 0"]
    assert [one["previous_iteration_id"] for one in found] == [None, 1, 2, 3]
    seen = [one["stages"]["chooser"]["output"]["seen"] for one in found]
    assert seen == ["", "again 3", "again 2", "again 1"]


def test_the_end_of_a_task_and_the_next_iteration_are_one_commit(
    looping: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[list[Change]] = []
    real = looping.store.commit
    monkeypatch.setattr(looping.store, "commit", lambda changes: (commits.append(list(changes)), real(changes))[1])
    looping.submit("again 1")
    whole(looping, 2)
    [ended] = [c for c in commits if any(isinstance(x, TaskRow) and x.state == "SUCCEEDED" for x in c)][:1]
    assert [x.iteration_id for x in ended if isinstance(x, TaskRow) and x.state == "WAITING"] == [2]


@pytest.mark.parametrize("after", [False, True])
def test_a_kill_at_that_commit_neither_loses_nor_doubles_an_iteration(looping: Garden, after: bool) -> None:
    store = looping.store
    assert isinstance(store, Dying)
    store.after, store.dies_at = after, lambda row: row.state == "SUCCEEDED"
    key = looping.submit("again 2")
    with pytest.raises(Killed):
        looping.turn(100)
    assert (looping.reader.task(*key) or {})["state"] == ("SUCCEEDED" if after else "RUNNING")
    assert len((looping.reader.problem(1) or {})["iterations"]) == (2 if after else 1)
    # What a killed process leaves: its endpoints vanish, its store is closed by the system.
    looping.orchestrator._bus.close()
    store.dies_at = None
    store.close()
    looping.orchestrator = looping.new_orchestrator()
    found = whole(looping, 3)
    assert [one["request"]["text"] for one in found] == ["again 2", "again 1", "again 0"]


def test_a_store_that_cannot_be_read_just_then_delays_the_loop_and_loses_nothing(
    looping: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    troubles = iter(range(3))
    real = looping.store.last_iteration

    def troubled(problem_id: int) -> int:
        if next(troubles, None) is not None:
            raise StoreUnavailable("locked, says this test")
        return real(problem_id)

    looping.submit("again 1")
    monkeypatch.setattr(looping.store, "last_iteration", troubled)
    whole(looping, 2)


def test_where_an_iteration_of_the_loop_fails_the_one_in_reserve_takes_its_place(looping: Garden) -> None:
    looping.submit("fail 2")
    found = whole(looping, 4)
    assert [one["request"]["text"] for one in found] == ["fail 2", "break", "again 1", "again 0"]
    assert [one["previous_iteration_id"] for one in found] == [None, 1, 1, 3]


def test_an_iteration_of_a_person_that_fails_has_nothing_in_reserve(looping: Garden) -> None:
    looping.submit("ask 2")
    whole(looping, 1)
    looping.ask("problem.iterate", {"problem_id": 1, "changes": {"text": "break"}})
    assert whole(looping, 2)[1]["state"] == "FAILED"


def test_a_proposal_that_is_no_problem_ends_the_loop_and_is_told(looping: Garden) -> None:
    looping.submit("empty 2")
    whole(looping, 1)
    [event] = [row for row in looping.reader.events(limit=200) if row["kind"] == "loop.refused"]
    assert "text is empty" in event["body"]["reason"]


def test_what_is_proposed_can_be_accepted(looping: Garden) -> None:
    looping.submit("ask 2")
    whole(looping, 1)
    body = {"problem_id": 1, "accept": True, "idempotency_key": "k"}
    status, answer = looping.ask("problem.iterate", body)
    assert status is ReplyStatus.OK
    assert looping.ask("problem.iterate", body) == (status, answer)
    assert [one["request"]["text"] for one in whole(looping, 3)] == ["ask 2", "again 1", "again 0"]


def test_what_cannot_be_accepted_is_told(looping: Garden) -> None:
    looping.submit("again 0")
    whole(looping, 1)
    status, body = looping.ask("problem.iterate", {"problem_id": 1, "accept": True})
    assert (status, "its loop says 'target_met'" in body["message"]) == (ReplyStatus.CONFLICT, True)
    both = {"problem_id": 1, "accept": True, "changes": {"text": "y"}}
    assert looping.ask("problem.iterate", both)[1]["field"] == "accept"


def test_cancelling_the_problem_ends_its_loop(looping: Garden) -> None:
    looping.submit("again 1000")
    looping.until(lambda: len((looping.reader.problem(1) or {"iterations": []})["iterations"]) >= 3)
    status, body = looping.ask("problem.cancel", {"problem_id": 1})
    assert (status, len(body["cancelled"])) == (ReplyStatus.OK, 1)
    found = whole(looping, body["cancelled"][0])
    assert [one["state"] for one in found][-2:] == ["SUCCEEDED", "CANCELLED"]
    assert looping.ask("problem.cancel", {"problem_id": 1})[1]["cancelled"] == []
    assert looping.ask("problem.cancel", {"problem_id": 9})[0] is ReplyStatus.NOT_FOUND


def test_its_iterations_wait_for_admission_like_all_others(looping: Garden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "ADMITTED", 1)
    looping.submit("again 2")
    others = [looping.submit("again 0") for _ in range(3)]
    most = 0
    for _ in range(60):
        looping.turn()
        most = max(most, looping.orchestrator._engine.active)
    assert most == 1
    whole(looping, 3)
    assert all((looping.reader.task(*key) or {})["state"] == "SUCCEEDED" for key in others)
