"""Shapes the rows of telemetry into the plain dictionaries that REST, the pages and the command show."""

from __future__ import annotations

from typing import Any

import msgspec

from hedgerow_nodes.core.row_ranges import RowRanges
from hedgerow_orchestrator.store.views import Row, View, iso_time


def system_view(row: Row) -> View:
    """Give one GPU of a machine, or the machine, at one moment."""
    return {
        **_of_any(row),
        "cpu_percent": row["cpu_percent"],
        "memory_bytes": row["memory_bytes"],
        "memory_percent": row["memory_percent"],
        **_gpu(row),
        "gpu_clock_hz": row["gpu_clock_hz"],
        "gpu_power_w": row["gpu_power_w"],
    }


def process_view(row: Row) -> View:
    """Give one instance's process at one moment."""
    shown = {"cpu_percent": row["cpu_percent"], "memory_percent": row["memory_percent"]}
    return {**_of_any(row), **_of_instance(row), **shown, **_gpu(row)}


def packet_view(row: Row) -> View:
    """Give one event of one item."""
    return {
        **_of_any(row),
        **_of_instance(row),
        "epoch": row["epoch"],
        "sequence": row["sequence_number"],
        "event": row["event"],
        "size_bytes": row["size_bytes"],
        "port": row["port_name"],
    }


VIEWS = {"sys_info": system_view, "proc_info": process_view, "packet_info": packet_view}


def trace_event(row: Row) -> dict[str, Any]:
    """Give an event as `traces` reads it."""
    return {
        "at_s": row["at_s"],
        "event": row["event"],
        "epoch": row["epoch"],
        "sequence_number": row["sequence_number"],
        "size_bytes": row["size_bytes"],
        "port_name": row["port_name"],
        "logical_id": row["handler_uuid"],
        "physical_id": row["instance_uuid"],
        "name": row["handler_name"],
        "node": row["node_name"],
    }


def rate_view(row: Row, window_s: float, compute_s: float | None) -> View:
    """Give how much an instance did in a window; `compute_s` is the mean time of an item, None before any."""
    return {
        "logical_id": row["logical_id"],
        "physical_id": row["physical_id"],
        "name": row["handler_name"],
        "items": row["end"],
        "items_per_s": row["end"] / window_s,
        "received": row["recv"],
        "sent": row["sent"],
        "sent_bytes_per_s": int(row["sent_bytes"] or 0) / window_s,
        "dropped": row["drop"],
        "compute_s": compute_s,
        "last_at": iso_time(row["last_at_s"]),
    }


def source_view(row: Row) -> View:
    """Give a source: how many rows of it came, are missing in between, were lost there, or fit no table."""
    known = RowRanges(msgspec.json.decode(row["known_rows"], type=list[tuple[int, int]]))
    return {
        "source_id": row["uuid"],
        "node_id": row["node_id"],
        "node": row["node_name"],
        "incarnation": row["incarnation"],
        "stored_rows": known.rows - row["refused_rows"],
        "missing_rows": known.gap_rows,
        "lost_rows": row["lost_rows"],
        "refused_rows": row["refused_rows"],
        "changed_at": iso_time(row["changed_at_s"]),
    }


def link_view(worker: View, link: dict[str, Any], names: dict[str, str]) -> View:
    """Give a link between two workers as its sender measured it."""
    to_node_id = link.get("to_node_id", "")
    figures = ("bandwidth_bytes_per_s", "latency_s", "age_s", "transfer_s", "sent_items", "sent_bytes", "is_passive")
    return {
        "from_node_id": worker["node_id"],
        "from": worker["name"],
        "to_node_id": to_node_id,
        "to": names.get(to_node_id, to_node_id),
        "at": worker["at"],
        **{name: link.get(name) for name in figures},
    }


def _of_any(row: Row) -> View:
    return {
        "at": iso_time(row["at_s"]),
        "at_s": row["at_s"],
        "node_ID": row["node_key"],
        "node_id": row["node_id"],
        "node": row["node_name"],
    }


def _of_instance(row: Row) -> View:
    return {
        "session_ID": row["session_key"],
        "service_id": row["session_uuid"],
        "service": row["session_name"],
        "handler_ID": row["handler_key"],
        "logical_id": row["handler_uuid"],
        "handler": row["handler_name"],
        "physical_id": row["instance_uuid"],
    }


def _gpu(row: Row) -> View:
    return {name: row[name] for name in ("gpu_index", "gpu_percent", "gpu_memory_percent")}
