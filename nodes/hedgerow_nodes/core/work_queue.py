"""What a node has been told to run: in order, each command once, parked until its inputs are there. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hedgerow_idl import Command, TaskId
from hedgerow_nodes.core.join import Join

REMEMBERED = 4096
"""So many finished commands are known again when they are sent twice."""


@dataclass(slots=True)
class Waiting:
    """A RUN that was accepted and has not begun; `ask_at_s` is when to ask for inputs that have not come."""

    command: Command
    ask_at_s: float


class WorkQueue:
    """Accepts each command id once and hands out the first whose inputs are complete.

    Args:
        join: where the inputs arrive.
        grace_s: how long to wait for an input before asking, and between asking again.
    """

    def __init__(self, join: Join, grace_s: float = 0.25) -> None:
        self._join = join
        self._grace_s = grace_s
        self._waiting: OrderedDict[str, Waiting] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def accept(self, command: Command, now_s: float) -> bool:
        """Take a RUN in; False means that it was taken in before."""
        if command.command_id in self._known:
            return False
        self._known[command.command_id] = None
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        self._waiting[command.command_id] = Waiting(command, now_s + self._grace_s)
        return True

    def next_ready(self) -> Command | None:
        """Remove and return the oldest command whose inputs are all there."""
        for command_id, waiting in self._waiting.items():
            command = waiting.command
            if not self._join.missing(command.task, command.input_attempts):
                del self._waiting[command_id]
                return command
        return None

    def overdue(self, now_s: float) -> Iterator[tuple[Command, list[str]]]:
        """The commands whose inputs are late, with the topics that are missing; each again after another grace."""
        for waiting in self._waiting.values():
            if waiting.ask_at_s <= now_s:
                missing = self._join.missing(waiting.command.task, waiting.command.input_attempts)
                if missing:
                    waiting.ask_at_s = now_s + self._grace_s
                    yield waiting.command, missing

    def next_ask_at_s(self) -> float | None:
        """When `overdue` is worth a call."""
        return min((waiting.ask_at_s for waiting in self._waiting.values()), default=None)

    def cancel(self, task: TaskId, stage: str) -> list[Command]:
        """Remove and return what waits for this task and stage."""
        return self._remove(lambda command: command.task == task and command.stage == stage)

    def clear(self) -> list[Command]:
        """Remove and return all that waits."""
        return self._remove(lambda command: True)

    def _remove(self, matches: Callable[[Command], bool]) -> list[Command]:
        gone = [w.command for w in self._waiting.values() if matches(w.command)]
        for command in gone:
            del self._waiting[command.command_id]
        return gone
