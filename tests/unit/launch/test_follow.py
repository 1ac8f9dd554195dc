"""Waiting for a task: event streams, lost streams, restarts, time-outs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from hedgerow_launch.follow import Follower, ServerEvent, read_events
from hedgerow_launch.rest_client import RestClient, TimedOut, Unreachable

TASK = "GET /api/v1/problems/3/iterations/1"
EVENTS = "GET /api/v1/events"

MakeTask = Callable[..., dict[str, Any]]


def lines(text: str) -> list[bytes]:
    return [line.encode() for line in text.splitlines(keepends=True)]


def test_events_are_read_as_the_standard_says() -> None:
    text = (
        "retry: 2000\n\n"
        ": still here\n\n"
        'id: 7\nevent: task.running\ndata: {"id": 7}\n\n'
        'event:stage.failed\r\ndata:{"a":\ndata: 1}\r\n\r\n'
        "data: no json\n\n"
        "event: nothing\n\n"
        'event: cut off\ndata: {"id": 8}\n'
    )
    assert list(read_events(lines(text))) == [
        ServerEvent("task.running", {"id": 7}),
        ServerEvent("stage.failed", {"a": 1}),
        ServerEvent("", {}),
    ]


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class States:
    """A task that goes on by one state each time it is looked at."""

    def __init__(self, task: MakeTask, *states: str) -> None:
        self._task = task
        self._states = list(states)
        self.looks = 0

    def __call__(self, asked: object) -> tuple[int, Any]:
        self.looks += 1
        state = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        return (
            (503, {"detail": "the orchestrator does not answer"}) if state == "503" else (200, self._task(state=state))
        )


def stream(*kinds: str) -> str:
    return "retry: 2000\n\n" + "".join(f"event: {kind}\ndata: {json.dumps({'id': 1})}\n\n" for kind in kinds)


def follower(frontend: Any, events: list[str] | None = None) -> tuple[Follower, FakeTime]:
    time = FakeTime()
    heard = events if events is not None else []
    client = RestClient(frontend.url)
    return Follower(client, lambda event: heard.append(event.kind), clock=time, sleep=time.sleep), time


def test_a_task_that_has_ended_is_returned_at_once(frontend: Any, task: MakeTask) -> None:
    frontend.answers = {TASK: (200, task()), EVENTS: stream()}
    assert follower(frontend)[0].wait(3, 1)["state"] == "SUCCEEDED"


def test_an_event_of_the_task_makes_it_look(frontend: Any, task: MakeTask) -> None:
    states = States(task, "WAITING", "RUNNING", "SUCCEEDED")
    kinds = ["task.running", "stage.running", "stage.progress", "stage.succeeded", "task.succeeded", "never.read"]
    frontend.answers = {TASK: states, EVENTS: stream(*kinds)}
    heard: list[str] = []
    assert follower(frontend, heard)[0].wait(3, 1)["state"] == "SUCCEEDED"
    assert heard == kinds[:5]
    assert states.looks == 3
    asked = next(asked for asked in frontend.asked if asked.path.startswith("/api/v1/events"))
    assert asked.path == "/api/v1/events?problem_id=3&iteration_id=1"
    assert asked.headers["Accept"] == "text/event-stream"


def test_it_looks_only_after_the_stream_is_open(frontend: Any, task: MakeTask) -> None:
    frontend.answers = {TASK: (200, task()), EVENTS: stream()}
    follower(frontend)[0].wait(3, 1)
    assert [line.partition("?")[0] for line in frontend.lines()] == [EVENTS, TASK]


def test_a_resync_makes_it_look(frontend: Any, task: MakeTask) -> None:
    frontend.answers = {TASK: States(task, "RUNNING", "FAILED"), EVENTS: stream("resync")}
    assert follower(frontend)[0].wait(3, 1)["state"] == "FAILED"


def test_a_stream_that_ends_is_opened_again(frontend: Any, task: MakeTask) -> None:
    frontend.answers = {TASK: States(task, "WAITING", "RUNNING", "RUNNING", "CANCELLED"), EVENTS: stream()}
    assert follower(frontend)[0].wait(3, 1)["state"] == "CANCELLED"
    assert sum(line.startswith(EVENTS) for line in frontend.lines()) >= 2


@pytest.mark.parametrize("status", [404, 503])
def test_without_a_stream_it_looks_now_and_then(frontend: Any, task: MakeTask, status: int) -> None:
    frontend.answers = {TASK: States(task, *["RUNNING"] * 200, "SUCCEEDED"), EVENTS: (status, {"detail": "full"})}
    waiting, time = follower(frontend)
    assert waiting.wait(3, 1)["state"] == "SUCCEEDED"
    assert time.now > 20


def test_a_restart_of_the_orchestrator_is_waited_out(frontend: Any, task: MakeTask) -> None:
    frontend.answers = {TASK: States(task, *["503"] * 10, "SUCCEEDED"), EVENTS: (503, {"detail": "restarting"})}
    assert follower(frontend)[0].wait(3, 1)["state"] == "SUCCEEDED"


def test_a_front_end_that_stays_away_is_not_waited_for(frontend: Any) -> None:
    frontend.answers = {TASK: (503, {"detail": "gone"}), EVENTS: (503, {"detail": "gone"})}
    waiting, time = follower(frontend)
    with pytest.raises(Unreachable, match="gone"):
        waiting.wait(3, 1)
    assert 20 < time.now < 25


def test_the_time_out_says_that_the_task_goes_on(frontend: Any, task: MakeTask) -> None:
    frontend.answers = {TASK: (200, task(state="RUNNING")), EVENTS: (503, {"detail": "full"})}
    waiting, time = follower(frontend)
    with pytest.raises(TimedOut, match=r"task 3\.1 has not ended within 2 s; it goes on"):
        waiting.wait(3, 1, timeout_s=2.0)
    assert 2.0 <= time.now < 3.0
