"""What the orchestrator wants written of serving: services, their epochs and instances, workers, intents.

As in `changes.py` a row replaces the one with the same key, times are seconds since the Unix epoch.
"""

from __future__ import annotations

import msgspec


class ServiceRow(msgspec.Struct, gc=False):
    """A service: a blueprint that was deployed. `blueprint` is JSON; `epoch` the one that items carry, 0 before any.

    `wanted` is what the last order asked for: RUNNING, READY, STOPPED or DELETED; `state` is where it stands.
    """

    service_id: str
    name: str
    state: str
    wanted: str
    reason: str
    epoch: int
    blueprint: str
    created_at_s: float
    changed_at_s: float


class ServiceEpochRow(msgspec.Struct, gc=False):
    """One placement of a service. `plan` and `predicted` are JSON; `reason` says why this one, and of a failure why.

    `gap_s` is the gap of the placement to its lower bound as a share, None where no bound is known.
    """

    service_id: str
    epoch: int
    state: str
    cause: str
    reason: str
    plan: str
    predicted: str
    gap_s: float | None
    created_at_s: float
    active_at_s: float | None
    retired_at_s: float | None


class InstanceRow(msgspec.Struct, gc=False):
    """One start of a handler on a worker: of a logical id there may be many rows, one for each physical id."""

    physical_id: str
    service_id: str
    logical_id: str
    name: str
    handler: str
    node_id: str
    first_epoch: int
    state: str
    reason: str
    restarts: int
    exit_code: int | None
    started_at_s: float | None
    ended_at_s: float | None


class WorkerPolicyRow(msgspec.Struct, gc=False):
    """What people want of a worker: cordoned ones get nothing new, draining ones give away what they have."""

    node_id: str
    is_cordoned: bool
    is_draining: bool
    reason: str
    at_s: float


class WorkerRow(msgspec.Struct, gc=False):
    """A worker as last seen; `info` and `status` are its messages `WorkerInfo` and `WorkerStatus` as JSON."""

    node_id: str
    info: str
    status: str
    at_s: float


class IntentRow(msgspec.Struct, gc=False):
    """A wish about a placement, and what became of it: `kind` is migrate, drain or place."""

    intent_id: str
    kind: str
    target: str
    state: str
    reason: str
    at_s: float


ServingChange = ServiceRow | ServiceEpochRow | InstanceRow | WorkerPolicyRow | WorkerRow | IntentRow
