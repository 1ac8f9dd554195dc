"""Shapes the store's rows into the plain dictionaries that REST, the pages and the command show."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

Row = Mapping[str, Any]
View = dict[str, Any]


def iso_time(at_s: float | None) -> str | None:
    """Write seconds since the epoch as ISO 8601 in UTC with milliseconds, None for an unknown time."""
    if at_s is None or not math.isfinite(at_s):
        return None
    milliseconds = round(at_s * 1000)
    try:
        moment = datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)
    except (OverflowError, ValueError, OSError):
        # A node's clock may say anything.
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}Z"


def error_of(row: Row) -> View | None:
    """Give what went wrong, None where nothing did."""
    if not row["error_code"] and not row["reason"]:
        return None
    return {"code": row["error_code"], "reason": row["reason"]}


def task_id(row: Row) -> View:
    """Give the pair that names a task."""
    return {"problem_id": row["problem_id"], "iteration_id": row["iteration_id"]}


def problem_light(row: Row) -> View:
    """Give a problem as a list shows it."""
    return {
        "problem_id": row["problem_id"],
        "title": row["title"],
        "created_at": iso_time(row["created_at_s"]),
        "iterations": row["iterations"],
        "latest": {"iteration_id": row["last"], "state": row["state"]},
    }


def task_light(row: Row) -> View:
    """Give a task as a list shows it."""
    return {
        "task": task_id(row),
        "state": row["state"],
        "title": row["title"],
        "pipeline": row["pipeline"],
        "previous_iteration_id": row["previous_iteration_id"],
        "created_at": iso_time(row["created_at_s"]),
        "finished_at": iso_time(row["finished_at_s"]),
        "error": error_of(row),
    }


def task_whole(row: Row, stages: list[Row], outputs: Mapping[str, str]) -> View:
    """Give a task with its stages; `stages` in pipeline order, `outputs` the accepted ones as JSON texts."""
    view = task_light(row)
    return {
        "task": view.pop("task"),
        "state": view.pop("state"),
        "stages": {each["stage"]: stage_view(each, outputs.get(each["stage"])) for each in stages},
        "request": without_header(row["request"]),
        **view,
    }


def stage_view(row: Row, output: str | None) -> View:
    """Give one stage; of an attempt that did not succeed the output says nothing and is left out."""
    return {
        "state": row["state"],
        "attempt": row["attempt"],
        "node_id": row["node_id"],
        "node": row["node_name"],
        "started_at": iso_time(row["started_at_s"]),
        "finished_at": iso_time(row["finished_at_s"]),
        "output": None if output is None or row["state"] != "SUCCEEDED" else without_header(output),
        "error": error_of(row),
    }


def attempt_view(row: Row) -> View:
    """Give one try at a stage."""
    return {
        "stage": row["stage"],
        "attempt": row["attempt"],
        "state": row["state"],
        "node_id": row["node_id"],
        "node": row["node_name"],
        "incarnation": row["incarnation"],
        "command_id": row["command_id"],
        "started_at": iso_time(row["started_at_s"]),
        "deadline_at": iso_time(row["deadline_at_s"]),
        "finished_at": iso_time(row["finished_at_s"]),
        "error": error_of(row),
    }


def node_view(row: Row) -> View:
    """Give a node as last seen."""
    return {
        "node_id": row["node_id"],
        "name": row["name"],
        "kind": row["kind"],
        "state": row["state"],
        "incarnation": row["incarnation"],
        "last_seen_at": iso_time(row["last_seen_at_s"]),
        "info": plain(row["info"]),
        "status": plain(row["status"]),
    }


def event_view(row: Row) -> View:
    """Give an event; `task` is None where it is about no task."""
    return {
        "id": row["event_id"],
        "at": iso_time(row["at_s"]),
        "kind": row["kind"],
        "task": task_id(row) if row["problem_id"] else None,
        "stage": row["stage"],
        "node_id": row["node_id"],
        "body": plain(row["body"]),
    }


_decode: Callable[[str], Any] = msgspec.json.Decoder().decode


def plain(text: str) -> Any:
    """Read a JSON text of the store; an empty one is an empty object."""
    return _decode(text) if text else {}


def without_header(text: str) -> Any:
    """Read the JSON of a sample and drop what the framework put in."""
    sample = plain(text)
    if isinstance(sample, dict):
        sample.pop("header", None)
    return sample
