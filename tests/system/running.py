"""Real processes for the system tests: a system of trivial nodes, and how to wait for what it does."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from hedgerow_idl import ReplyStatus, TaskId
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.request_client import OrchestratorUnreachable, RequestClient
from hedgerow_nodes.core.testing import LaunchedSystem
from hedgerow_orchestrator.states import TaskState
from hedgerow_orchestrator.store.changes import EventAdded
from hedgerow_orchestrator.store.errors import StoreError
from hedgerow_orchestrator.store.projection import differences, project
from hedgerow_orchestrator.store.reader import StoreReader
from hedgerow_orchestrator.store.writer import Store

T = TypeVar("T")

KINDS = (
    "app_requirements",
    "ml_model_metadata",
    "hw_constraints",
    "ml_model_provider",
    "hw_resources",
    "carbon_footprint",
    "optimizer",
)
TRIVIAL_NODE = str(Path(__file__).parent / "trivial_node.py")


LOOK_AGAIN = threading.Event()
"""Never set: what other processes do is seen by looking at the store and the files they write."""


def wait_for(what: Callable[[], T | None], timeout_s: float = 30.0, saying: Callable[[], str] = str) -> T:
    """Look until there is something to see; the events themselves come from other processes."""
    give_up_at_s = time.monotonic() + timeout_s
    while True:
        seen = what()
        if seen:
            return seen
        assert time.monotonic() < give_up_at_s, f"not seen within {timeout_s:g} s: {saying()}"
        LOOK_AGAIN.wait(0.01)


def free_port() -> int:
    """A port of this host that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


class System(LaunchedSystem):
    """An orchestrator, seven trivial nodes, a client, and the store."""

    def __init__(self, environment: Environment, variables: Mapping[str, str] | None = None) -> None:
        super().__init__(environment, variables)
        self.client = RequestClient(environment, "test")

    def start_orchestrator(self, *arguments: str) -> None:
        """Start the orchestrator."""
        self.start("orchestrator", ["-m", "hedgerow_orchestrator", *arguments])

    def start_node(self, kind: str, *arguments: str) -> None:
        """Start one trivial node."""
        self.start(kind, [TRIVIAL_NODE, kind, *arguments])

    def start_all(self) -> None:
        """Start everything and wait until it is ready."""
        self.start_orchestrator()
        for kind in KINDS:
            self.start_node(kind)
        self.wait_ready()

    def wait_ready(self, timeout_s: float = 30.0) -> None:
        """Wait until a problem would be answered."""
        wait_for(self._ready, timeout_s, self.logs)

    def logs(self) -> str:
        """What the orchestrator has written, or the supervisor that passes it on."""
        return "".join(self.log_of(name) for name in ("orchestrator", "up") if name in self.processes)

    def ask(self, verb: str, body: dict[str, Any], timeout_s: float = 20.0) -> dict[str, Any]:
        """A request that succeeds."""
        answer = self.client.call(verb, body, timeout_s)
        assert answer.status is ReplyStatus.OK, answer.body
        return answer.body

    def submit(self, text: str) -> tuple[int, int]:
        """A new problem; its task."""
        task = self.ask("problem.submit", {"problem": {"text": text}})["task"]
        return task["problem_id"], task["iteration_id"]

    def task(self, key: tuple[int, int]) -> dict[str, Any]:
        """A task as stored."""
        reader = self.reader
        task = reader.task(*key)
        reader.close()
        assert task is not None
        return task

    def finish(self, key: tuple[int, int], timeout_s: float = 60.0) -> dict[str, Any]:
        """A task when it has ended."""

        def ended() -> dict[str, Any] | None:
            task = self.task(key)
            return task if task["state"] not in ("WAITING", "RUNNING") else None

        return wait_for(ended, timeout_s, lambda: f"{self.task(key)}\n{self.logs()}")

    def node_state(self, name: str) -> str:
        """A node's state as stored."""
        node = self.reader.node(name)
        return str(node["state"]) if node else ""

    def events(self) -> list[EventAdded]:
        """Every event so far, as it was stored."""
        rows: list[EventAdded] = []
        reader = self.reader
        while page := reader.events(after_id=rows[-1].event_id if rows else 0):
            for row in page:
                task = row["task"] or {"problem_id": 0, "iteration_id": 0}
                body = json.dumps(row["body"])
                rows.append(EventAdded(row["id"], 0.0, row["kind"], TaskId(**task), row["stage"], row["node_id"], body))
        reader.close()
        return rows

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Read the store's tables themselves."""
        path = self.environment.home / "hedgerow.sqlite"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10.0)) as connection:
            return connection.execute(sql, values).fetchall()

    def open_tasks(self) -> int:
        """How many tasks were accepted and have not ended."""
        return int(self.query("SELECT count(*) FROM task WHERE state IN ('WAITING', 'RUNNING')")[0][0])

    def projection_differences(self) -> list[str]:
        """Where the task and stage tables say something else than the events; call it when all tasks have ended."""
        store = Store(self.environment.store_url, self.environment.blob_url)
        tasks = store.open_tasks(tuple(TaskState))
        store.close()
        stages = [stage for task in tasks for stage in task.stages]
        return differences(project(self.events()), [task.task for task in tasks], stages)

    @property
    def reader(self) -> StoreReader:
        """The store."""
        return StoreReader(self.environment.store_url, self.environment.blob_url)

    def stop(self, timeout_s: float = 10.0) -> dict[str, int]:
        """End everything; the exit codes by name."""
        self.client.close()
        return super().stop(timeout_s)

    def _ready(self) -> bool:
        try:
            return bool(self.client.call("health", {}, 1.0).body.get("ready"))
        except (OrchestratorUnreachable, StoreError):
            return False
