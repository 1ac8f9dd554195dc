"""What one pass of the loop wants done: rows to commit first, then messages to send. Pure data."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hedgerow_idl import Command, TaskId
from hedgerow_orchestrator.store.changes import Change, EventAdded


@dataclass(slots=True)
class EventLog:
    """Numbers events without gaps, continuing after the last one stored."""

    last_event_id: int


@dataclass(slots=True)
class Step:
    """One pass: its time, and what it has collected so far.

    Attributes:
        now_s: the time of the pass, seconds since the Unix epoch.
        log: the event numbering.
        changes: what the store commits before anything below happens.
        durable: a person is told something that must survive a power cut.
        begin: tasks whose user input and baselines go out now.
        commands: orders to nodes.
        resend: (task, topic) of inputs that a node has asked for again.
    """

    now_s: float
    log: EventLog
    changes: list[Change] = field(default_factory=list)
    durable: bool = False
    begin: list[TaskId] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    resend: list[tuple[TaskId, str]] = field(default_factory=list)

    def save(self, *rows: Change) -> None:
        """Have rows stored as they are now; the engine goes on changing its own."""
        self.changes.extend(copy.copy(row) for row in rows)

    def event(
        self,
        kind: str,
        *,
        task: TaskId | None = None,
        stage: str = "",
        node_id: str = "",
        body: Mapping[str, Any] | None = None,
    ) -> None:
        """Have an event stored and published."""
        self.log.last_event_id += 1
        self.changes.append(
            EventAdded(
                event_id=self.log.last_event_id,
                at_s=self.now_s,
                kind=kind,
                problem_id=task.problem_id if task else 0,
                iteration_id=task.iteration_id if task else 0,
                stage=stage,
                node_id=node_id,
                body=json.dumps(body or {}),
            )
        )

    @property
    def events(self) -> list[EventAdded]:
        """The events among the changes, in order."""
        return [change for change in self.changes if isinstance(change, EventAdded)]
