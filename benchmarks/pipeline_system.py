"""The system of the pipeline rows: an orchestrator, six trivial nodes in six processes, and a client in one thread."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from benchmarks.cores import OURS, THE_PEERS, on_core
from benchmarks.measuring import ROOT
from benchmarks.trivial_node import GRAPH, PIPELINE
from hedgerow_idl import Request
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.testing import LaunchedSystem, free_domain

KINDS = tuple(GRAPH)
READY_S = 60.0
WAIT_S = 0.05
_DONE = b"task.succeeded\0"
_NOT_DONE = re.compile(rb"task\.(failed|cancelled)\0")


class TaskClient:
    """Submits problems and hears of their ends as any client can: requests, replies and events over the bus."""

    def __init__(self, environment: Environment) -> None:
        self._id = f"bench-{uuid.uuid4()}"
        self._bus = CycloneBus(environment)
        self._requests = self._bus.writer(BY_NAME["hedgerow/request"])
        self._replies = self._bus.reader(BY_NAME["hedgerow/reply"], partition=self._id)
        self._events = self._bus.reader(BY_NAME["hedgerow/event"])
        self._submitted = 0

    def wait_ready(self, timeout_s: float = READY_S) -> None:
        """Wait until a problem would be answered.

        Raises:
            TimeoutError: it never would.
        """
        give_up_at_s = time.monotonic() + timeout_s
        while time.monotonic() < give_up_at_s:
            self._ask("health", {})
            for body in self._replied(0.25):
                if body.get("ready"):
                    self._events.take()
                    return
        raise TimeoutError(f"the system was not ready within {timeout_s:g} s")

    def submit(self) -> None:
        """Send off one more problem."""
        self._submitted += 1
        self._ask("problem.submit", {"problem": {"text": f"task {self._submitted}"}})

    def take(self, timeout_s: float = WAIT_S) -> int:
        """Wait for something to arrive; how many tasks have ended, all of which must have succeeded."""
        self._bus.flush()
        self._bus.wait(timeout_s)
        for received in self._replies.take():
            assert "task" in json.loads(received.sample.body), received.sample
        # Of a task's fifteen events the client wants one: it looks before it decodes.
        done = 0
        for _, raw in self._events.take_raw():
            if _DONE in raw:
                done += 1
            elif _NOT_DONE.search(raw):
                raise AssertionError(f"a task did not succeed: {self._events.codec.decode(raw)}")
        return done

    def run_for(self, duration_s: float, in_flight: int) -> float:
        """Keep so many tasks open for so long, then wait for the last; tasks a second."""
        began_s = time.perf_counter()
        done = self._run(in_flight, lambda submitted: time.perf_counter() - began_s < duration_s)
        return done / (time.perf_counter() - began_s)

    def run_tasks(self, tasks: int, in_flight: int) -> None:
        """Have so many tasks answered."""
        self._run(in_flight, lambda submitted: submitted < tasks)

    def run_one(self) -> float:
        """One task alone, from its submission to the news that its result is stored, in seconds."""
        began_s = time.perf_counter()
        self.submit()
        while not self.take():
            pass
        return time.perf_counter() - began_s

    def close(self) -> None:
        """Leave the bus."""
        self._bus.close()

    def _run(self, in_flight: int, more: Any) -> int:
        submitted = done = 0
        while True:
            wanted = more(submitted)
            while wanted and submitted - done < in_flight:
                self.submit()
                submitted += 1
                wanted = more(submitted)
            if not wanted and submitted == done:
                return done
            done += self.take()

    def _ask(self, verb: str, body: dict[str, Any]) -> None:
        request = Request(request_id=str(uuid.uuid4()), client_id=self._id, verb=verb, body=json.dumps(body))
        self._requests.write(request)

    def _replied(self, timeout_s: float) -> list[dict[str, Any]]:
        give_up_at_s = time.monotonic() + timeout_s
        while time.monotonic() < give_up_at_s:
            self._bus.flush()
            self._bus.wait(timeout_s)
            if replies := self._replies.take():
                return [json.loads(received.sample.body) for received in replies]
        return []


class PipelineSystem:
    """Real processes, ready for tasks."""

    def __init__(self, environment: Environment, launched: LaunchedSystem, client: TaskClient) -> None:
        self.environment = environment
        self.client = client
        self._processes = {name: psutil.Process(process.pid) for name, process in launched.processes.items()}

    def rss_bytes(self) -> dict[str, int]:
        """Resident memory by process."""
        return {name: process.memory_info().rss for name, process in self._processes.items()}

    def cpu_s(self) -> dict[str, float]:
        """CPU time used so far by process."""
        times = {name: process.cpu_times() for name, process in self._processes.items()}
        return {name: each.user + each.system for name, each in times.items()}


@contextlib.contextmanager
def pipeline_system(home: Path, *, apart: bool = False) -> Iterator[PipelineSystem]:
    """Start everything in a home, which may hold a store, and end it with the block.

    With `apart` the orchestrator has a core of its own, as `cpus` in a launch file gives it, and all else the other.
    """
    with free_domain() as domain:
        environment = Environment.read({"HEDGEROW_HOME": str(home), "HEDGEROW_DOMAIN": str(domain)})
        launched = LaunchedSystem(environment, {"PYTHONPATH": str(ROOT)})
        try:
            options = ["--pipeline", str(PIPELINE), "--log-level", "WARNING"]
            with on_core(OURS) if apart else contextlib.nullcontext():
                launched.start("orchestrator", ["-m", "hedgerow_orchestrator", *options])
            with on_core(THE_PEERS) if apart else contextlib.nullcontext():
                for kind in KINDS:
                    launched.start(kind, ["-m", "benchmarks.trivial_node", kind])
                with contextlib.closing(TaskClient(environment)) as client:
                    client.wait_ready()
                    yield PipelineSystem(environment, launched, client)
        finally:
            codes = launched.stop()
        if any(codes.values()):
            raise RuntimeError(f"processes ended with {codes}: {launched.log_of('orchestrator')}")


def check_store(home: Path) -> dict[str, int]:
    """Count what was stored, and see that each stage began after the outputs that it reads were stored.

    Raises:
        AssertionError: an output is missing, or a stage began too early.
    """
    with contextlib.closing(sqlite3.connect(home / "hedgerow.sqlite")) as store:
        (tasks,) = store.execute("SELECT count(*) FROM task WHERE state = 'SUCCEEDED'").fetchone()
        (outputs,) = store.execute("SELECT count(*) FROM output WHERE accepted").fetchone()
        (early,) = store.execute(
            "SELECT count(*) FROM event began JOIN event stored USING (problem_id, iteration_id)"
            " WHERE began.kind = 'stage.running' AND began.stage = 'd'"
            " AND stored.kind = 'stage.succeeded' AND stored.stage = 'a'"
            " AND began.event_id < stored.event_id"
        ).fetchone()
    assert outputs == tasks * len(KINDS), f"{tasks} tasks, {outputs} outputs"
    assert early == 0, f"{early} stages began before their input was stored"
    return {"tasks": tasks, "outputs": outputs}
