"""What the supervisor is told by processes, by the bus, by the front end and by people; one queue carries all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hedgerow_idl import NodeState


@dataclass(frozen=True)
class Exited:
    """A child process has ended; a negative code is the signal that killed it."""

    name: str
    pid: int
    code: int


@dataclass(frozen=True)
class NodeSeen:
    """A node's announcement and state, as last read from the bus; INACTIVE is gone."""

    name: str
    pid: int
    host: str
    state: NodeState
    error: str = ""


@dataclass(frozen=True)
class OrchestratorSeen:
    """The orchestrator has said that it runs."""


@dataclass(frozen=True)
class FrontendReady:
    """The front end listens at `url`, and answers that the system is ready."""

    url: str
    pid: int


@dataclass(frozen=True)
class RestartWanted:
    """The orchestrator asks to have a process killed and started afresh, since its work stands still."""

    name: str
    pid: int
    host: str
    reason: str


@dataclass(frozen=True)
class StopWanted:
    """Everything shall end, and the supervisor leave with this exit code."""

    reason: str
    exit_code: int


Observation = Exited | NodeSeen | OrchestratorSeen | FrontendReady | RestartWanted | StopWanted
Post = Callable[[Observation], None]


class SystemView(Protocol):
    """Somebody who looks at the running system and posts what he sees, in a thread of his own."""

    def start(self, post: Post) -> None:
        """Begin to look."""

    def close(self) -> None:
        """Stop looking; return when nothing more will be posted."""
