"""Sample records of serving, for tests of whatever stands on the store."""

from __future__ import annotations

from typing import Any

from hedgerow_orchestrator.store.serving_changes import (
    InstanceRow,
    IntentRow,
    ServiceEpochRow,
    ServiceRow,
    WorkerPolicyRow,
    WorkerRow,
)
from hedgerow_orchestrator.store.testing import NODE_ID

SERVICE_ID = "3b0c7a52-1111-4c8e-9a43-0d6f2c3b7a10"


def a_service(service_id: str = SERVICE_ID, **changes: Any) -> ServiceRow:
    """Give a service that runs; `changes` are other values of its fields."""
    fields: dict[str, Any] = {
        "name": "faces",
        "state": "RUNNING",
        "wanted": "RUNNING",
        "reason": "",
        "epoch": 1,
        "blueprint": '{"name":"faces"}',
        "created_at_s": 1_000.0,
        "changed_at_s": 1_001.0,
    }
    return ServiceRow(service_id=service_id, **{**fields, **changes})


def an_epoch(epoch: int = 1, service_id: str = SERVICE_ID, **changes: Any) -> ServiceEpochRow:
    """Give an epoch that is active."""
    fields: dict[str, Any] = {
        "state": "ACTIVE",
        "cause": "deploy",
        "reason": "",
        "plan": '{"epoch":1}',
        "predicted": '{"throughput_hz":10.0}',
        "gap_s": 0.0,
        "created_at_s": 1_000.0,
        "active_at_s": 1_001.0,
        "retired_at_s": None,
    }
    return ServiceEpochRow(service_id=service_id, epoch=epoch, **{**fields, **changes})


def an_instance(physical_id: str = "physical-1", **changes: Any) -> InstanceRow:
    """Give an instance that runs."""
    fields: dict[str, Any] = {
        "service_id": SERVICE_ID,
        "logical_id": "logical-1",
        "name": "camera",
        "handler": "generator",
        "node_id": NODE_ID,
        "first_epoch": 1,
        "state": "RUNNING",
        "reason": "",
        "restarts": 0,
        "exit_code": None,
        "started_at_s": 1_001.0,
        "ended_at_s": None,
    }
    return InstanceRow(physical_id=physical_id, **{**fields, **changes})


def a_policy(node_id: str = NODE_ID, **changes: Any) -> WorkerPolicyRow:
    """Give the policy of a worker that is cordoned."""
    fields: dict[str, Any] = {"is_cordoned": True, "is_draining": False, "reason": "new disk", "at_s": 1_000.0}
    return WorkerPolicyRow(node_id=node_id, **{**fields, **changes})


def a_worker(node_id: str = NODE_ID, **changes: Any) -> WorkerRow:
    """Give a worker with one handler in its catalogue."""
    catalogue = '[{\\"name\\":\\"resize\\",\\"role\\":\\"handler\\"}]'
    fields: dict[str, Any] = {
        "info": f'{{"cores":2,"catalogue":"{catalogue}"}}',
        "status": '{"cpu_percent":12.5}',
        "at_s": 1_000.0,
    }
    return WorkerRow(node_id=node_id, **{**fields, **changes})


def an_intent(intent_id: str = "intent-1", **changes: Any) -> IntentRow:
    """Give a wish that nobody has looked at."""
    fields: dict[str, Any] = {"kind": "drain", "target": NODE_ID, "state": "PENDING", "reason": "", "at_s": 1_000.0}
    return IntentRow(intent_id=intent_id, **{**fields, **changes})
