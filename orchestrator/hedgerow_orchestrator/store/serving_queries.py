"""The SELECTs of serving, for the reader and for the orchestrator's start."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from hedgerow_orchestrator.serving_states import EpochState, IntentState, ServiceState
from hedgerow_orchestrator.store.schema import node
from hedgerow_orchestrator.store.serving_schema import (
    instance,
    intent,
    service,
    service_epoch,
    worker,
    worker_policy,
)

LIVE_EPOCHS = (EpochState.PREPARING, EpochState.ACTIVE, EpochState.DRAINING)
_NODE_NAME = node.c.name.label("node_name")


def services(*, deleted: bool) -> Select[Any]:
    """All services, newest first, with those that were deleted or without."""
    query = select(service).order_by(service.c.created_at_s.desc(), service.c.service_id)
    return query if deleted else query.where(service.c.state != ServiceState.DELETED)


def one_service(name_or_id: str) -> Select[Any]:
    """The service with this id, else of those with this name one that is not deleted, else the newest."""
    return (
        select(service)
        .where((service.c.service_id == name_or_id) | (service.c.name == name_or_id))
        .order_by(
            service.c.service_id != name_or_id,
            service.c.state == ServiceState.DELETED,
            service.c.created_at_s.desc(),
        )
        .limit(1)
    )


def epochs(service_id: str) -> Select[Any]:
    """The epochs of a service, newest first."""
    return select(service_epoch).where(service_epoch.c.service_id == service_id).order_by(service_epoch.c.epoch.desc())


def live_epochs() -> Select[Any]:
    """The epochs of all services that are not deleted which some worker may know."""
    return (
        select(service_epoch)
        .join(service, service.c.service_id == service_epoch.c.service_id)
        .where(service_epoch.c.state.in_(LIVE_EPOCHS), service.c.state != ServiceState.DELETED)
        .order_by(service_epoch.c.service_id, service_epoch.c.epoch)
    )


def newest_epochs() -> Select[Any]:
    """Of every service that is not deleted the number of each epoch that it ever had."""
    return (
        select(service_epoch.c.service_id, service_epoch.c.epoch)
        .join(service, service.c.service_id == service_epoch.c.service_id)
        .where(service.c.state != ServiceState.DELETED)
        .order_by(service_epoch.c.epoch)
    )


def instances(service_id: str | None = None) -> Select[Any]:
    """The instances of a service with their workers' names, newest first; of all that are not deleted without one."""
    query = select(instance, _NODE_NAME).outerjoin(node, node.c.node_id == instance.c.node_id)
    if service_id is None:
        query = query.join(service, service.c.service_id == instance.c.service_id)
        query = query.where(service.c.state != ServiceState.DELETED)
    else:
        query = query.where(instance.c.service_id == service_id)
    newest = instance.c.first_epoch.desc()
    return query.order_by(newest, instance.c.name, instance.c.logical_id, instance.c.physical_id)


def workers(name_or_id: str | None = None) -> Select[Any]:
    """All workers by name, or the one with this name or id, with their states and policies."""
    policy = (worker_policy.c.is_cordoned, worker_policy.c.is_draining, worker_policy.c.reason)
    query = (
        select(worker, *policy, _NODE_NAME, node.c.state, node.c.incarnation, node.c.last_seen_at_s)
        .outerjoin(node, node.c.node_id == worker.c.node_id)
        .outerjoin(worker_policy, worker_policy.c.node_id == worker.c.node_id)
    )
    if name_or_id is None:
        return query.order_by(node.c.name, worker.c.node_id)
    query = query.where((worker.c.node_id == name_or_id) | (node.c.name == name_or_id))
    order = (worker.c.node_id != name_or_id, node.c.state == "INACTIVE", node.c.last_seen_at_s.desc())
    return query.order_by(*order).limit(1)


def worker_names() -> Select[Any]:
    """The name of every worker."""
    return select(worker.c.node_id, _NODE_NAME).outerjoin(node, node.c.node_id == worker.c.node_id)


def policies() -> Select[Any]:
    """What people want of workers."""
    return select(worker_policy)


def intents(*, pending: bool) -> Select[Any]:
    """Wishes about placements, newest first; with `pending` only those of which nothing has become yet."""
    query = select(intent).order_by(intent.c.at_s.desc(), intent.c.intent_id)
    return query.where(intent.c.state.in_((IntentState.PENDING, IntentState.ACCEPTED))) if pending else query
