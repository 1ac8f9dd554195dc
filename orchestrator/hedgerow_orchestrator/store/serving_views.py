"""Shapes the rows of serving into the plain dictionaries that REST, the pages and the command show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hedgerow_orchestrator.store.views import Row, View, iso_time, plain


def service_light(row: Row) -> View:
    """Give a service as a list shows it."""
    return {
        "service_id": row["service_id"],
        "name": row["name"],
        "state": row["state"],
        "wanted": row["wanted"],
        "reason": row["reason"],
        "epoch": row["epoch"],
        "created_at": iso_time(row["created_at_s"]),
        "changed_at": iso_time(row["changed_at_s"]),
    }


def service_whole(row: Row, epochs: Iterable[Row], instances: Iterable[Row]) -> View:
    """Give a service with its blueprint, the plan that works, and the instances of every epoch that is not over.

    `plan` and `placement` (its epoch without the plan) are None before the first epoch was active.
    """
    every = list(epochs)
    current = next((each for each in every if each["epoch"] == row["epoch"]), None)
    return {
        **service_light(row),
        "blueprint": plain(row["blueprint"]),
        "plan": None if current is None else plain(current["plan"]),
        "placement": None if current is None else epoch_view(current),
        "instances": [view for view in map(instance_view, instances) if view["ended_at"] is None],
    }


def epoch_view(row: Row) -> View:
    """Give an epoch without its plan."""
    return {
        "service_id": row["service_id"],
        "epoch": row["epoch"],
        "state": row["state"],
        "cause": row["cause"],
        "reason": row["reason"],
        "predicted": plain(row["predicted"]),
        "gap_s": row["gap_s"],
        "created_at": iso_time(row["created_at_s"]),
        "active_at": iso_time(row["active_at_s"]),
        "retired_at": iso_time(row["retired_at_s"]),
    }


def epoch_whole(row: Row) -> View:
    """Give an epoch with its plan."""
    return {**epoch_view(row), "plan": plain(row["plan"])}


def instance_view(row: Row) -> View:
    """Give one start of a handler."""
    return {
        "physical_id": row["physical_id"],
        "service_id": row["service_id"],
        "logical_id": row["logical_id"],
        "name": row["name"],
        "handler": row["handler"],
        "node_id": row["node_id"],
        "node": row["node_name"],
        "first_epoch": row["first_epoch"],
        "state": row["state"],
        "reason": row["reason"],
        "restarts": row["restarts"],
        "exit_code": row["exit_code"],
        "started_at": iso_time(row["started_at_s"]),
        "ended_at": iso_time(row["ended_at_s"]),
    }


def worker_view(row: Row) -> View:
    """Give a worker as last seen, with its catalogue read."""
    info = plain(row["info"])
    return {
        "node_id": row["node_id"],
        "name": row["node_name"] or row["node_id"],
        "state": row["state"] or "INACTIVE",
        "incarnation": row["incarnation"],
        "last_seen_at": iso_time(row["last_seen_at_s"]),
        "is_cordoned": bool(row["is_cordoned"]),
        "is_draining": bool(row["is_draining"]),
        "reason": row["reason"] or "",
        "catalogue": plain(info.pop("catalogue", "") or "[]"),
        "info": info,
        "status": plain(row["status"]),
        "at": iso_time(row["at_s"]),
    }


def intent_view(row: Row) -> View:
    """Give a wish and what became of it."""
    return {
        "intent_id": row["intent_id"],
        "kind": row["kind"],
        "target": row["target"],
        "state": row["state"],
        "reason": row["reason"],
        "at": iso_time(row["at_s"]),
    }


def handler_views(workers: Iterable[View]) -> list[View]:
    """Give the union of the catalogues of the workers that are there, by handler, each with who has it."""
    found: dict[str, dict[str, Any]] = {}
    for worker in workers:
        if worker["state"] == "INACTIVE":
            continue
        for handler in worker["catalogue"]:
            view = found.setdefault(handler["name"], {**handler, "workers": []})
            view["workers"].append(worker["name"])
    return [found[name] for name in sorted(found)]
