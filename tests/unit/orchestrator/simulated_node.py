"""A node as the engine's tests play it: it keeps what it was told, does one thing at a time when asked, and may die."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hedgerow_idl import AnswerCode, Command, CommandKind, NodeState, Outcome

Written = tuple[Command, Outcome, str]


@dataclass(repr=False)
class SimulatedNode:
    """One process after another under one name.

    Attributes:
        inbox: commands that were written to it and have not reached it.
        queue: the RUNs that it has accepted and not ended, the one in work first.
        unwanted: those of them that were cancelled.
        answers: what it has answered and nobody has read yet.
    """

    name: str
    kind: str
    capabilities: tuple[str, ...]
    incarnation: int = 0
    alive: bool = False
    silent: bool = False
    state: NodeState = NodeState.IDLE
    progress_s: float = 0.0
    inbox: list[Command] = field(default_factory=list)
    queue: list[Command] = field(default_factory=list)
    unwanted: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    answers: list[tuple[Command, AnswerCode]] = field(default_factory=list)

    def __repr__(self) -> str:
        return self.name

    def begin(self, incarnation: int) -> None:
        """A new process: it knows nothing of what the one before was told."""
        self.incarnation, self.alive, self.silent, self.state = incarnation, True, False, NodeState.IDLE
        self.forget()

    def forget(self) -> None:
        """The process is gone, and with it all that had reached it."""
        for held in (self.inbox, self.queue, self.unwanted, self.known):
            held.clear()

    def read(self) -> None:
        """Take what was written to it, and answer what it does not take."""
        for command in self.inbox:
            if command.incarnation != self.incarnation:
                continue
            if command.kind is CommandKind.CANCEL:
                same = [c for c in self.queue if c.task == command.task and c.stage == command.stage]
                self.unwanted.update(c.command_id for c in same)
            elif self.state is not NodeState.IDLE:
                self.answers.append((command, AnswerCode.REFUSED))
            elif command.command_id in self.known:
                self.answers.append((command, AnswerCode.DUPLICATE))
            else:
                self.known.add(command.command_id)
                self.queue.append(command)
        self.inbox.clear()

    def finish(self, command: Command, outcome: Outcome, code: str) -> Written:
        """End an attempt; one that was cancelled can only end as that."""
        self.queue.remove(command)
        if command.command_id in self.unwanted:
            return command, Outcome.CANCELLED, "CANCELLED"
        return command, outcome, code

    def give_up(self, state: NodeState) -> Sequence[Written]:
        """It was stopped, or does not start: it ends all that it has as CANCELLED."""
        self.state = state
        ended = [(command, Outcome.CANCELLED, "STOPPED") for command in self.queue]
        self.queue.clear()
        return ended
