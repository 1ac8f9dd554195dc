"""What one pass of the loop wants done: rows to commit first, then messages to send. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import methodcaller
from typing import Any

import msgspec

from hedgerow_idl import Command, TaskId
from hedgerow_idl.serve import ServiceOrder
from hedgerow_orchestrator.store.changes import Change, EventAdded
from hedgerow_orchestrator.task_run import TaskRun

NO_TASK = TaskId()
_copy = methodcaller("__copy__")  # `copy.copy` looks for the same, in Python


def as_json(body: Mapping[str, Any]) -> str:
    """The text of a JSON object, as events carry it."""
    return msgspec.json.encode(body).decode()


@dataclass(slots=True)
class EventLog:
    """Numbers events without gaps, continuing after the last one stored."""

    last_event_id: int


@dataclass(slots=True)
class Step:
    """One pass: its time, and what it has collected so far.

    Attributes:
        now_s: the time of the pass, seconds since the Unix epoch; for stamps that people read, and for nothing else.
        clock_s: the monotonic clock at the same moment; every duration is measured with it.
        log: the event numbering.
        changes: what the store commits before anything below happens.
        events: the events among the changes, in order.
        durable: a person is told something that must survive a power cut: replies wait until it would.
        begin: tasks whose user input and baselines go out now.
        commands: orders to nodes. `orders` are those to workers about services.
        resend: (task, topic) of inputs that a node has asked for again.
        ended: tasks that succeeded or failed and whose pipeline has a loop; what follows of them is not decided yet.
    """

    now_s: float
    clock_s: float
    log: EventLog
    changes: list[Change] = field(default_factory=list)
    events: list[EventAdded] = field(default_factory=list)
    durable: bool = False
    begin: list[TaskId] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    orders: list[ServiceOrder] = field(default_factory=list)
    resend: list[tuple[TaskId, str]] = field(default_factory=list)
    ended: list[TaskRun] = field(default_factory=list)

    def save(self, *rows: Change) -> None:
        """Have rows stored as they are now; the engine goes on changing its own."""
        self.changes += map(_copy, rows)

    def event(
        self,
        kind: str,
        *,
        task: TaskId = NO_TASK,
        stage: str = "",
        node_id: str = "",
        body: Mapping[str, Any] | str = "{}",
    ) -> None:
        """Have an event stored and published; `body` is a JSON object, or its text."""
        self.log.last_event_id += 1
        event = EventAdded(
            event_id=self.log.last_event_id,
            at_s=self.now_s,
            kind=kind,
            task=task,
            stage=stage,
            node_id=node_id,
            body=body if isinstance(body, str) else as_json(body),
        )
        self.changes.append(event)
        self.events.append(event)
