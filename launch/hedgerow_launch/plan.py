"""Turns a launch file into the list of processes to run: command line, variables, restart policy."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from hedgerow_launch.launch_schema import LaunchFile, NodeTable, Restart


class Role(StrEnum):
    """What a process is to the system, which decides how it is known to be up."""

    ORCHESTRATOR = "orchestrator"
    FRONTEND = "frontend"
    NODE = "node"


@dataclass(frozen=True)
class ProcessPlan:
    """One process.

    Attributes:
        name: the node's name, `orchestrator` or `frontend`.
        command: program and arguments.
        environment: all variables it gets.
        own_process: the process started is itself the node, so that the pid it announces is the child's.
        memory_limit_bytes: how much memory of its own it may have; None is as much as there is.
        cpus: the processors that it may run on; none named is all.
    """

    name: str
    role: Role
    command: tuple[str, ...]
    environment: Mapping[str, str]
    restart: Restart = Restart.ALWAYS
    working_directory: Path | None = None
    own_process: bool = True
    memory_limit_bytes: int | None = None
    cpus: tuple[int, ...] = ()


def plan_processes(launch: LaunchFile, environment: Mapping[str, str], port: int | None = None) -> list[ProcessPlan]:
    """List the processes of a launch file, the orchestrator first.

    Args:
        launch: the launch file.
        environment: the variables that every process gets.
        port: where the front end listens instead of the launch file's port.
    """
    # Children write to a pipe, where Python would hold lines back.
    shared = {**environment, "PYTHONUNBUFFERED": "1"}
    plans = []
    if launch.orchestrator is not None:
        command = (*_python_module("hedgerow_orchestrator"), "--pipeline", launch.orchestrator.pipeline)
        plans.append(ProcessPlan("orchestrator", Role.ORCHESTRATOR, command, shared, cpus=launch.orchestrator.cpus))
    if launch.frontend is not None:
        chosen = launch.frontend.port if port is None else port
        address = ("--host", launch.frontend.host, "--port", str(chosen))
        plans.append(ProcessPlan("frontend", Role.FRONTEND, (*_python_module("hedgerow_frontend"), *address), shared))
    plans.extend(_node(name, table, shared) for name, table in launch.nodes.items())
    return plans


def _node(name: str, table: NodeTable, shared: Mapping[str, str]) -> ProcessPlan:
    if table.command:
        command = (*table.command, *table.arguments)
    else:
        program = _python_module(table.module) if table.module else (sys.executable, table.script)
        configuration = msgspec.json.encode(table.configuration).decode()
        given = ("--configuration", configuration) if table.configuration else ()
        # Last, so that the name on the bus is the one that is watched, whatever the arguments say.
        command = (*program, *table.arguments, "--name", name, *given)
    return ProcessPlan(
        name=name,
        role=Role.NODE,
        command=command,
        environment={**shared, **table.environment},
        restart=table.restart,
        working_directory=Path(table.working_directory) if table.working_directory else None,
        own_process=not table.command,
        memory_limit_bytes=table.memory_limit_bytes,
        cpus=table.cpus,
    )


def _python_module(module: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module)
