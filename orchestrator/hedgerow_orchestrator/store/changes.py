"""What the orchestrator wants written: one record type a table, collected over a pass and committed together.

Records whose name ends in `Row` replace the row with the same key (upsert); those that end in `Added` are inserted.
Times are seconds since the Unix epoch, UTC. They are msgspec structs, which are made and copied many times faster than
dataclasses: a task is some fifty of them. They hold scalars only, so the garbage collector need not know of them.
"""

from __future__ import annotations

import msgspec

from hedgerow_idl import TaskId
from hedgerow_orchestrator.states import StageState, TaskState
from hedgerow_orchestrator.store.serving_changes import ServingChange
from hedgerow_orchestrator.store.telemetry_changes import TelemetryChange


class TaskRow(msgspec.Struct, gc=False):
    """One iteration of one problem. `request` is the user input as JSON; `user_input` and `baselines` are CDR."""

    problem_id: int
    iteration_id: int
    pipeline: str
    state: TaskState
    created_at_s: float
    finished_at_s: float | None
    previous_iteration_id: int | None
    title: str
    request: str
    user_input: bytes
    baselines: bytes
    error_code: str
    reason: str


class StageRow(msgspec.Struct, gc=False):
    """One stage of a task; `position` orders the stages of a pipeline.

    It need not be written when an attempt begins or succeeds: the row of an attempt that is newer than `attempt` counts
    more (the view `stage_now`).
    """

    problem_id: int
    iteration_id: int
    stage: str
    position: int
    state: StageState
    attempt: int
    node_id: str
    started_at_s: float | None
    finished_at_s: float | None
    error_code: str
    reason: str


class AttemptRow(msgspec.Struct, gc=False):
    """One try at a stage, on one start of one node."""

    problem_id: int
    iteration_id: int
    stage: str
    attempt: int
    state: StageState
    node_id: str
    incarnation: int
    command_id: str
    started_at_s: float
    deadline_at_s: float
    finished_at_s: float | None
    error_code: str
    reason: str


class OutputAdded(msgspec.Struct, gc=False):
    """A sample that a node wrote for a stage; of one attempt the first counts, late ones have `accepted` False."""

    problem_id: int
    iteration_id: int
    stage: str
    attempt: int
    accepted: bool
    type_name: str
    topic: str
    node_id: str
    at_s: float
    cdr: bytes
    plain: str


class EventAdded(msgspec.Struct, gc=False):
    """Something that happened; ids are given by the orchestrator and grow without gaps.

    It has the fields of the message `Event`, so that it can be written to the bus as it is.
    """

    event_id: int
    at_s: float
    kind: str
    task: TaskId
    stage: str
    node_id: str
    body: str


class NodeRow(msgspec.Struct, gc=False):
    """A node as last seen; `info` and `status` are its messages as JSON."""

    node_id: str
    name: str
    kind: str
    incarnation: int
    state: str
    last_seen_at_s: float
    info: str
    status: str


class RequestAdded(msgspec.Struct, gc=False):
    """A submission that carried an idempotency key, and the answer that was given to it."""

    idempotency_key: str
    verb: str
    body_sha256: str
    reply: str
    at_s: float


TaskChange = TaskRow | StageRow | AttemptRow | OutputAdded | EventAdded | NodeRow | RequestAdded
Change = TaskChange | ServingChange | TelemetryChange
