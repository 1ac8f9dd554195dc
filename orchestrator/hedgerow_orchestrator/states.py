"""The states of a task and of a stage, as the store, the REST interface and the command name them."""

from __future__ import annotations

from enum import StrEnum


class TaskState(StrEnum):
    """One answer to one problem."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    final: bool
    """Nothing follows."""


class StageState(StrEnum):
    """One module node's turn within a task, and each attempt at it."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"

    final: bool
    """Nothing follows."""


# Attributes, since a property is a call, and the engine asks dozens of times a task.
for _state in (*TaskState, *StageState):
    _state.final = _state not in ("WAITING", "RUNNING")
