"""What a launch file may hold, table by table."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec

_Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
_Cpus = tuple[Annotated[int, msgspec.Meta(ge=0)], ...]
_Bytes = Annotated[int, msgspec.Meta(gt=0)]
_Grace = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class Restart(StrEnum):
    """When a process that has ended is started again; an order to stop the system always wins.

    ALWAYS is after any exit, even one that somebody asked for; ON_FAILURE is after a crash, a kill or an exit code
    other than 0, so that a node that was told to TERMINATE stays away.
    """

    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class OrchestratorTable:
    """`[orchestrator]`: `pipeline` is the name of a packaged pipeline or the path of a file; `cpus` as for a node."""

    pipeline: str = "advice"
    cpus: _Cpus = ()


@dataclass(frozen=True, kw_only=True)
class FrontendTable:
    """`[frontend]`: where the web page listens; port 0 is any free one, `HEDGEROW_PORT` wins."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 5001


@dataclass(frozen=True, kw_only=True)
class NodeTable:
    """`[nodes.NAME]`: exactly one of `module`, `script` and `command` says what runs.

    `memory_limit_bytes` is how much memory of its own each process of the node may have, shared libraries and files not
    counted; beyond it Python raises MemoryError, which ends the attempt as FAILED. `cpus` are the numbers of the
    processors that it may run on, all by default.
    """

    module: str = ""
    script: str = ""
    command: tuple[str, ...] = ()
    restart: Restart = Restart.ON_FAILURE
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    configuration: dict[str, Any] = field(default_factory=dict)
    working_directory: str = ""
    memory_limit_bytes: _Bytes | None = None
    cpus: _Cpus = ()


@dataclass(frozen=True, kw_only=True)
class SupervisorTable:
    """`[supervisor]`: patience with starting, stopping and crashing processes.

    The system is given up, and the process named, when one is not up `start_timeout_s` after the start, or has ended
    `start_attempts` times before all were up.
    """

    start_timeout_s: _Seconds = 60.0
    start_attempts: Annotated[int, msgspec.Meta(ge=1)] = 6
    interrupt_grace_s: _Grace = 5.0
    terminate_grace_s: _Grace = 5.0
    backoff_first_s: _Seconds = 0.1
    backoff_max_s: _Seconds = 10.0
    quick_exit_s: _Grace = 2.0


@dataclass(frozen=True)
class LaunchFile:
    """A launch file with everything it includes, paths made absolute."""

    path: Path
    orchestrator: OrchestratorTable | None
    frontend: FrontendTable | None
    nodes: dict[str, NodeTable]
    supervisor: SupervisorTable
