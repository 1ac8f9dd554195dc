"""What the orchestrator reads back of serving at its start."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select

from hedgerow_orchestrator.store import serving_queries
from hedgerow_orchestrator.store.serving_changes import (
    InstanceRow,
    IntentRow,
    ServiceEpochRow,
    ServiceRow,
    WorkerPolicyRow,
)


@dataclass(slots=True)
class StoredService:
    """A service that is not deleted, the epochs that workers may know, its instances, its highest epoch number."""

    service: ServiceRow
    epochs: list[ServiceEpochRow] = field(default_factory=list)
    instances: list[InstanceRow] = field(default_factory=list)
    last_epoch: int = 0


@dataclass(slots=True)
class StoredServing:
    """All that serving goes on with after a restart; `worker_names` by node id."""

    services: list[StoredService] = field(default_factory=list)
    policies: list[WorkerPolicyRow] = field(default_factory=list)
    intents: list[IntentRow] = field(default_factory=list)
    worker_names: dict[str, str] = field(default_factory=dict)


def load(connection: Connection) -> StoredServing:
    """Read services, oldest first, policies and open intents."""
    rows = [ServiceRow(**row) for row in _rows(connection, serving_queries.services(deleted=False))]
    found = {row.service_id: StoredService(row) for row in reversed(rows)}
    for row in _rows(connection, serving_queries.live_epochs()):
        found[row["service_id"]].epochs.append(ServiceEpochRow(**row))
    for row in _rows(connection, serving_queries.newest_epochs()):
        stored = found[row["service_id"]]
        stored.last_epoch = max(stored.last_epoch, row["epoch"])
    instances: dict[str, list[InstanceRow]] = defaultdict(list)
    for row in _rows(connection, serving_queries.instances()):
        row.pop("node_name")
        instances[row["service_id"]].append(InstanceRow(**row))
    for service_id, each in instances.items():
        found[service_id].instances = each
    return StoredServing(
        list(found.values()),
        [WorkerPolicyRow(**row) for row in _rows(connection, serving_queries.policies())],
        [IntentRow(**row) for row in _rows(connection, serving_queries.intents(pending=True))],
        {
            row["node_id"]: row["node_name"] or row["node_id"]
            for row in _rows(connection, serving_queries.worker_names())
        },
    )


def _rows(connection: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in connection.execute(query).mappings()]
