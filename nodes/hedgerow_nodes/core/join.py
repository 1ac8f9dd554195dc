"""Inputs waiting for their work: samples by task, input and attempt, until a RUN asks for exactly these."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from hedgerow_idl import TaskId
from hedgerow_idl.topics import RING_DEPTH

TaskKey = tuple[int, int]


def task_key(task: TaskId) -> TaskKey:
    """A task id that can be a dictionary's key."""
    return task.problem_id, task.iteration_id


class Join:
    """Holds what arrived on `inputs` (topic names, in order) for at most `capacity` tasks, the oldest going first.

    The capacity is the depth of the rings: what has fallen out here has fallen out of the rings too, and the
    orchestrator sends it again when it is asked.
    """

    def __init__(self, inputs: Sequence[str], capacity: int = RING_DEPTH) -> None:
        self.inputs = tuple(inputs)
        self._capacity = capacity
        self._tasks: OrderedDict[TaskKey, dict[tuple[int, int], Any]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tasks)

    def put(self, index: int, sample: Any) -> None:
        """Keep a sample of input number `index`; its header says for which task and attempt."""
        header = sample.header
        key = task_key(header.task)
        held = self._tasks.get(key)
        if held is None:
            held = self._tasks[key] = {}
            if len(self._tasks) > self._capacity:
                self._tasks.popitem(last=False)
        held[index, header.attempt] = sample

    def missing(self, task: TaskId, attempts: Sequence[int]) -> list[str]:
        """The topics of which the sample of the attempt asked for is not here."""
        held = self._tasks.get(task_key(task), {})
        return [topic for i, topic in enumerate(self.inputs) if (i, attempts[i]) not in held]

    def take(self, task: TaskId, attempts: Sequence[int]) -> tuple[Any, ...]:
        """The inputs, in order; they stay until `drop`.

        Raises:
            KeyError: one is missing.
        """
        held = self._tasks[task_key(task)]
        return tuple(held[i, attempts[i]] for i in range(len(self.inputs)))

    def drop(self, task: TaskId) -> None:
        """Forget a task's inputs."""
        self._tasks.pop(task_key(task), None)
