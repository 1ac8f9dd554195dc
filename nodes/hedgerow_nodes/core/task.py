"""What an author's `process` gets to know about the task in hand, and how it reports back."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, MutableMapping
from typing import Any

from hedgerow_idl import Command, TaskId


class Refusal(Exception):
    """A task that cannot be answered, whoever tries: outcome FAILED with this code, and no further attempt.

    Args:
        code: a short word in capitals, such as `NO_MODEL`.
        reason: a sentence with the bad value and the way out.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class Cancelled(Exception):
    """Raised by `Task.raise_if_cancelled`; the framework turns it into outcome CANCELLED."""


class Task:
    """One attempt at one stage of one task, as seen by the code that works on it.

    Attributes:
        id: which task.
        stage: whose turn it is.
        attempt: the how-manieth try, from 1.
        deadline_at_s: when the attempt counts as timed out, in seconds since the Unix epoch; NaN for never.
        log: a logger whose lines begin with the node and the task.
    """

    def __init__(self, command: Command, node_name: str, on_progress: Callable[[], None] | None = None) -> None:
        self.command = command
        self.id: TaskId = command.task
        self.stage = command.stage
        self.attempt = command.attempt
        self.deadline_at_s = command.deadline_at_s
        self.log = _TaskLog(logging.getLogger(f"hedgerow.node.{node_name}"), {"node": node_name, "task": str(self.id)})
        self.fraction = math.nan
        self.doing = ""
        self.began_clock_s = time.monotonic()
        self.last_progress_at_s = time.time()
        self._on_progress = on_progress
        self._cancelled = threading.Event()

    @property
    def cancelled(self) -> bool:
        """The result is no longer wanted; return or raise soon."""
        return self._cancelled.is_set()

    def raise_if_cancelled(self) -> None:
        """Stop here if the result is no longer wanted.

        Raises:
            Cancelled: it is not.
        """
        if self.cancelled:
            raise Cancelled(f"task {self.id} cancelled")

    def wait_cancelled(self, timeout_s: float) -> bool:
        """Sleep, but no longer than until the task is cancelled; True if it is."""
        return self._cancelled.wait(timeout_s)

    def progress(self, fraction: float, doing: str = "") -> None:
        """Say how far the work is, 0 to 1, and what is being done; this also shows that the work is alive."""
        self.fraction = min(1.0, max(0.0, float(fraction)))
        self.doing = doing
        self.last_progress_at_s = time.time()
        if self._on_progress is not None:
            self._on_progress()

    def cancel(self) -> None:
        """Mark the task as no longer wanted (called by the framework, from its own thread)."""
        self._cancelled.set()


class _TaskLog(logging.LoggerAdapter[logging.Logger]):
    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        extra = self.extra or {}
        return f"{extra['node']}: task {extra['task']}: {msg}", kwargs
