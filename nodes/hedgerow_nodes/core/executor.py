"""Where an author's code runs: in the loop itself, or in one worker thread beside it."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

log = logging.getLogger("hedgerow.node")


@dataclass(slots=True)
class Done:
    """A finished call: `job` is what was submitted, and either a result or the exception that ended it."""

    job: Any
    result: Any
    error: BaseException | None


class Executor(Protocol):
    """Runs one call at a time, in order."""

    @property
    def busy(self) -> bool:
        """A call has begun or waits to."""
        ...

    def submit(self, job: Any, call: Callable[[], Any]) -> None:
        """Run the call; its end appears in `finished`."""

    def finished(self) -> list[Done]:
        """What has ended since the last time."""

    def close(self) -> None:
        """Take no more calls."""


def run_call(job: Any, call: Callable[[], Any]) -> Done:
    """Run an author's code; whatever it raises is caught here, the outermost place, and nowhere else."""
    try:
        return Done(job, call(), None)
    except Exception as error:  # noqa: BLE001 - an author's code may raise anything, and the node lives on
        return Done(job, None, error)


class InlineExecutor:
    """Runs calls at once, in the caller's thread."""

    busy = False

    def __init__(self) -> None:
        self._finished: list[Done] = []

    def submit(self, job: Any, call: Callable[[], Any]) -> None:
        self._finished.append(run_call(job, call))

    def finished(self) -> list[Done]:
        finished, self._finished = self._finished, []
        return finished

    def close(self) -> None:
        """Nothing to give back."""


class WorkerExecutor:
    """Runs calls in one daemon thread, so that the loop goes on, and so that a call that never ends dies with it.

    Args:
        on_done: called in the worker when a call has ended; wakes the loop.
    """

    def __init__(self, on_done: Callable[[], None]) -> None:
        self._on_done = on_done
        self._calls: queue.SimpleQueue[tuple[Any, Callable[[], Any]] | None] = queue.SimpleQueue()
        self._finished: deque[Done] = deque()
        self._begun = 0
        self._thread = threading.Thread(target=self._work, name="worker", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        return self._begun > 0

    def submit(self, job: Any, call: Callable[[], Any]) -> None:
        self._begun += 1
        self._calls.put((job, call))

    def finished(self) -> list[Done]:
        finished = []
        while self._finished:
            finished.append(self._finished.popleft())
        self._begun -= len(finished)
        return finished

    def close(self) -> None:
        self._calls.put(None)

    def _work(self) -> None:
        while (item := self._calls.get()) is not None:
            self._finished.append(run_call(*item))
            self._on_done()
