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

    @property
    def final(self) -> bool:
        """Nothing follows."""
        return self in (TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED)


class StageState(StrEnum):
    """One module node's turn within a task, and each attempt at it."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"

    @property
    def final(self) -> bool:
        """Nothing follows."""
        return self not in (StageState.WAITING, StageState.RUNNING)
