"""A fresh store and sample records for tests of whatever stands on the store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import URL, create_engine, text

from hedgerow_idl import TaskId
from hedgerow_orchestrator.states import StageState, TaskState
from hedgerow_orchestrator.store import migrate
from hedgerow_orchestrator.store.changes import (
    AttemptRow,
    EventAdded,
    NodeRow,
    OutputAdded,
    RequestAdded,
    StageRow,
    TaskRow,
)
from hedgerow_orchestrator.store.engine import store_url
from hedgerow_orchestrator.store.reader import StoreReader
from hedgerow_orchestrator.store.writer import Store

POSTGRES_VARIABLE = "HEDGEROW_TEST_POSTGRES"
"""The URL of a PostgreSQL database, in which each place is a schema."""

DATABASES = ("sqlite", "postgresql")
NODE_ID = "5f0c8c52-4d1c-4c8e-9a43-0d6f2c3b7a10"


@dataclass(frozen=True, slots=True)
class StorePlace:
    """Where a test's store is."""

    store_url: str
    blob_url: str

    @contextmanager
    def writer(self) -> Iterator[Store]:
        """Open the store as the orchestrator does."""
        store = Store(self.store_url, self.blob_url)
        try:
            yield store
        finally:
            store.close()

    @contextmanager
    def reader(self) -> Iterator[StoreReader]:
        """Open the store as the front end does."""
        reader = StoreReader(self.store_url, self.blob_url)
        try:
            yield reader
        finally:
            reader.close()


@contextmanager
def new_place(folder: Path, database: str = "sqlite", *, upgraded: bool = True) -> Iterator[StorePlace]:
    """Give a place of its own to a store; in PostgreSQL that is a schema, dropped afterwards."""
    blob_url = f"file://{folder / 'blobs'}"
    if database == "sqlite":
        url = URL.create("sqlite", database=str(folder / "hedgerow.sqlite"))
        place = StorePlace(url.render_as_string(), blob_url)
        if upgraded:
            migrate.upgrade(place.store_url)
        yield place
        return
    server = store_url(os.environ[POSTGRES_VARIABLE])
    schema = f"hedgerow_test_{uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
        try:
            own = server.update_query_dict({"options": f"-csearch_path={schema}"})
            place = StorePlace(own.render_as_string(hide_password=False), blob_url)
            if upgraded:
                migrate.upgrade(place.store_url)
            yield place
        finally:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
            connection.close()
            engine.dispose()


def a_task(problem_id: int = 1, iteration_id: int = 1, **changes: Any) -> TaskRow:
    """Give a task that waits; `changes` are other values of its fields."""
    fields: dict[str, Any] = {
        "pipeline": "advice",
        "state": TaskState.WAITING,
        "created_at_s": 1_000.125,
        "finished_at_s": None,
        "previous_iteration_id": None,
        "title": "Count bicycles",
        "request": '{"header": {"attempt": 0}, "text": "Count bicycles"}',
        "user_input": b"\x00\x01user input",
        "baselines": b"",
        "error_code": "",
        "reason": "",
    }
    return TaskRow(problem_id=problem_id, iteration_id=iteration_id, **{**fields, **changes})


def a_stage(problem_id: int = 1, iteration_id: int = 1, stage: str = "hw_constraints", **changes: Any) -> StageRow:
    """Give a stage that runs."""
    fields: dict[str, Any] = {
        "position": 0,
        "state": StageState.RUNNING,
        "attempt": 1,
        "node_id": NODE_ID,
        "started_at_s": 1_001.0,
        "finished_at_s": None,
        "error_code": "",
        "reason": "",
    }
    return StageRow(problem_id=problem_id, iteration_id=iteration_id, stage=stage, **{**fields, **changes})


def an_attempt(problem_id: int = 1, iteration_id: int = 1, stage: str = "hw_constraints", **changes: Any) -> AttemptRow:
    """Give an attempt that runs."""
    fields: dict[str, Any] = {
        "attempt": 1,
        "state": StageState.RUNNING,
        "node_id": NODE_ID,
        "incarnation": 1,
        "command_id": "run-1",
        "started_at_s": 1_001.0,
        "deadline_at_s": 1_061.0,
        "finished_at_s": None,
        "error_code": "",
        "reason": "",
    }
    return AttemptRow(problem_id=problem_id, iteration_id=iteration_id, stage=stage, **{**fields, **changes})


def an_output(problem_id: int = 1, iteration_id: int = 1, stage: str = "hw_constraints", **changes: Any) -> OutputAdded:
    """Give an accepted output."""
    fields: dict[str, Any] = {
        "attempt": 1,
        "accepted": True,
        "type_name": "hedgerow.advice.HWConstraints",
        "topic": "hedgerow/hw_constraints",
        "node_id": NODE_ID,
        "at_s": 1_002.0,
        "cdr": b"\x00\x01cdr",
        "plain": '{"header": {"attempt": 1}, "max_memory_bytes": 4}',
    }
    return OutputAdded(problem_id=problem_id, iteration_id=iteration_id, stage=stage, **{**fields, **changes})


def an_event(event_id: int = 1, kind: str = "task.submitted", **changes: Any) -> EventAdded:
    """Give an event of task 1.1."""
    task = TaskId(problem_id=changes.pop("problem_id", 1), iteration_id=changes.pop("iteration_id", 1))
    fields: dict[str, Any] = {
        "at_s": 1_000.0 + event_id,
        "task": task,
        "stage": "",
        "node_id": "",
        "body": "{}",
    }
    return EventAdded(event_id=event_id, kind=kind, **{**fields, **changes})


def a_node(node_id: str = NODE_ID, name: str = "hw_constraints", **changes: Any) -> NodeRow:
    """Give a node that is idle."""
    fields: dict[str, Any] = {
        "kind": "hw_constraints",
        "incarnation": 1,
        "state": "IDLE",
        "last_seen_at_s": 1_000.0,
        "info": '{"host": "here"}',
        "status": "{}",
    }
    return NodeRow(node_id=node_id, name=name, **{**fields, **changes})


def a_request(idempotency_key: str = "key-1", **changes: Any) -> RequestAdded:
    """Give a remembered submission."""
    fields: dict[str, Any] = {
        "verb": "problem.submit",
        "body_sha256": "ab" * 32,
        "reply": '{"task": {"problem_id": 1, "iteration_id": 1}}',
        "at_s": 1_000.0,
    }
    return RequestAdded(idempotency_key=idempotency_key, **{**fields, **changes})
