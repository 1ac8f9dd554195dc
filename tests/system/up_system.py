"""A system of trivial nodes under the real `hedgerow up`, and a look at its processes and its store from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psutil
from running import KINDS, TRIVIAL_NODE, System, wait_for

from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.testing import free_domain

PROCESSES = ("orchestrator", "frontend", *KINDS)


def trivial_launch_file(
    folder: Path,
    *,
    nodes: Mapping[str, str] | None = None,
    configuration: Mapping[str, Mapping[str, object]] | None = None,
    more: Mapping[str, str] | None = None,
    pipeline: str = "",
) -> Path:
    """Orchestrator, front end and trivial nodes.

    Args:
        folder: where it is written.
        nodes: name and kind of each node; one of each kind by default.
        configuration: what a kind's nodes begin with.
        more: further lines for a node's table.
        pipeline: text of a pipeline file instead of the packaged one.
    """
    lines = ["[orchestrator]"]
    if pipeline:
        (folder / "pipeline.toml").write_text(pipeline)
        lines.append('pipeline = "pipeline.toml"')
    lines.append("[frontend]")
    for name, kind in (nodes or {kind: kind for kind in KINDS}).items():
        lines += [f"[nodes.{name}]", f"script = {json.dumps(TRIVIAL_NODE)}", f'arguments = ["{kind}"]']
        given = (configuration or {}).get(kind, {})
        lines.append(
            "configuration = { " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in given.items()) + " }"
        )
        lines.append((more or {}).get(name, ""))
    file = folder / "trivial.toml"
    file.write_text("\n".join(lines))
    return file


class UpSystem(System):
    """A system that the real supervisor starts and restarts."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment, {"HEDGEROW_PORT": "0", "HEDGEROW_PARENT_PID": "", "NO_COLOR": "1"})

    def up(self, launch_file: str) -> None:
        """`hedgerow up FILE`; returns when a problem would be answered and the front end says so."""
        self.start("up", ["-m", "hedgerow_launch", "up", launch_file])
        wait_for(self.frontend_ready, 120.0, lambda: self.log_of("up"))
        self.wait_ready(90.0)

    def down(self) -> None:
        """`hedgerow down`, which does not wait for its own time-out; nothing is left."""
        command = [sys.executable, "-m", "hedgerow_launch", "down"]
        done = subprocess.run(command, env=self._variables, capture_output=True, text=True, timeout=25, check=False)
        assert done.returncode == 0, done.stderr
        assert self.processes.pop("up").wait(10) == 0
        left = [f"{process.pid} {process.cmdline()}" for process in self.everything()]
        assert left == [], "processes are left after `hedgerow down`"

    def everything(self) -> list[psutil.Process]:
        """Every process that was started for this home."""
        marked = f"HEDGEROW_HOME={self.environment.home}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if marked in (folder / "environ").read_bytes().split(b"\0") and int(folder.name) != os.getpid():
                    found.append(psutil.Process(int(folder.name)))
            except (OSError, psutil.NoSuchProcess):
                continue  # it ended while we looked
        return found

    def children(self) -> dict[str, psutil.Process]:
        """The processes under the supervisor, by name; one that has just been started counts."""
        found = {}
        for process in psutil.Process(self.processes["up"].pid).children():
            try:
                name = _name_of(process.cmdline())
            except psutil.Error:
                continue
            if name:
                found[name] = process
        return found

    def frontend_url(self) -> str:
        """Where the front end said last that it listens; empty if it has not."""
        return str(self._frontend().get("url", ""))

    def _frontend(self) -> dict[str, Any]:
        try:
            announced: dict[str, Any] = json.loads((self.environment.home / "run" / "frontend.json").read_text())
            return announced
        except (OSError, ValueError):
            return {}

    def frontend_ready(self) -> bool:
        """The front end answers that a problem submitted now would be answered."""
        try:
            with urllib.request.urlopen(f"{self.frontend_url()}/readyz", timeout=2.0) as answer:
                return bool(json.load(answer)["ready"])
        except (OSError, ValueError, HTTPException):
            return False

    def at_work(self, name: str, process: psutil.Process) -> bool:
        """This process, and not the one before it, has come so far that it does its work."""
        if name == "orchestrator":
            sql = "SELECT at_s FROM event WHERE kind = 'orchestrator.started' ORDER BY event_id DESC LIMIT 1"
            return float(self.query(sql)[0][0]) >= process.create_time()
        if name == "frontend":
            return bool(self._frontend().get("pid") == process.pid)
        rows = self.query("SELECT incarnation, state FROM node WHERE name = ?", name)
        return any(born_ns / 1e9 >= process.create_time() and state in ("IDLE", "RUNNING") for born_ns, state in rows)

    def in_hand(self, kind: str) -> int:
        """How many attempts the node of a kind was given and has not ended."""
        return int(self.query("SELECT count(*) FROM stage_now WHERE state = 'RUNNING' AND stage = ?", kind)[0][0])


def _name_of(command: list[str]) -> str:
    """Which process of the launch file a command line starts, empty for others such as the guard."""
    if "hedgerow_orchestrator" in command:
        return "orchestrator"
    if "hedgerow_frontend" in command:
        return "frontend"
    return command[command.index("--name") + 1] if "--name" in command else ""


@contextmanager
def up_system(home: Path, launch_file: str) -> Iterator[UpSystem]:
    """A running system in a home and a domain of its own; ends with the block, whatever happens in it."""
    with free_domain() as domain:
        variables = {"HEDGEROW_HOME": str(home), "HEDGEROW_DOMAIN": str(domain)}
        system = UpSystem(Environment.read(variables))
        try:
            system.up(launch_file)
            yield system
        finally:
            system.stop()
