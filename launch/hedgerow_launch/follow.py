"""Waits for a task to end: listens to its events, and looks at the task itself whenever there may be news."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from hedgerow_launch.rest_client import Refused, RestClient, TimedOut, Unreachable

FINAL_STATES = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})
_LOOK_S = 5.0
_PATIENCE_S = 20.0
_RETRY_S = 0.25

Task = dict[str, Any]


@dataclass(frozen=True)
class ServerEvent:
    """One server-sent event: its kind and its JSON, empty where the line was none."""

    kind: str
    data: dict[str, Any]


def read_events(lines: Iterable[bytes]) -> Iterator[ServerEvent]:
    """Parse an event stream; comments and fields other than `event` and `data` are passed over."""
    kind, data = "", []
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)
        elif not line:
            if data:
                yield ServerEvent(kind, _json("\n".join(data)))
            kind, data = "", []


class Follower:
    """Waits for tasks to end.

    Args:
        client: the front end.
        on_event: gets every event of the task while waiting, to show progress.
        clock, sleep: time in seconds.
    """

    def __init__(
        self,
        client: RestClient,
        on_event: Callable[[ServerEvent], None] = lambda event: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._on_event = on_event
        self._clock = clock
        self._sleep = sleep

    def wait(self, problem_id: int, iteration_id: int, timeout_s: float | None = None) -> Task:
        """Return the task once its state is final.

        Raises:
            TimedOut: the time is over.
            Unreachable: the front end stays away.
        """
        gives_up_at = None if timeout_s is None else self._clock() + timeout_s
        answered_at = self._clock()
        while True:
            try:
                task = self._listen(problem_id, iteration_id, gives_up_at)
                answered_at = self._clock()
            except Unreachable:
                # A front end or an orchestrator that is being restarted comes back; the task goes on meanwhile.
                if self._clock() - answered_at > _PATIENCE_S:
                    raise
                self._sleep(_RETRY_S)
                task = None
            if task is not None:
                return task
            if gives_up_at is not None and self._clock() >= gives_up_at:
                raise TimedOut(
                    f"task {problem_id}.{iteration_id} has not ended within {timeout_s:g} s; it goes on: "
                    f"`hedgerow problem show {problem_id} {iteration_id}`"
                )

    def _listen(self, problem_id: int, iteration_id: int, gives_up_at: float | None) -> Task | None:
        """Follow one event stream for a while; the task if it is final, None if it is time to look again."""
        listens_s = _LOOK_S if gives_up_at is None else max(0.05, min(_LOOK_S, gives_up_at - self._clock()))
        until = self._clock() + listens_s
        try:
            with self._client.stream(
                "events", timeout_s=listens_s, problem_id=problem_id, iteration_id=iteration_id
            ) as lines:
                # Only now that the stream is open can nothing be missed between looking and listening.
                if final := self._look(problem_id, iteration_id):
                    return final
                for event in read_events(lines):
                    self._on_event(event)
                    if event.kind in ("resync", "") or event.kind.startswith("task."):
                        if final := self._look(problem_id, iteration_id):
                            return final
                    if self._clock() >= until:
                        return None
        except TimeoutError:
            return None
        except (Refused, Unreachable, TimedOut):
            # No stream to be had (too many listeners, a restart): looking now and then does as well.
            self._sleep(_RETRY_S)
        return self._look(problem_id, iteration_id)

    def _look(self, problem_id: int, iteration_id: int) -> Task | None:
        task: Task = self._client.get("problems", problem_id, "iterations", iteration_id)
        return task if task["state"] in FINAL_STATES else None


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
