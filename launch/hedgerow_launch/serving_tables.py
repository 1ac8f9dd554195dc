"""Services, workers and handlers as tables that stay readable at 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

from hedgerow_launch.commands.printing import table
from hedgerow_launch.quantities import UNKNOWN, is_number, quantity

View = Mapping[str, Any]


def services_table(found: Iterable[View]) -> Table:
    """One row a service."""
    rows = ((one["name"], one["state"], one["epoch"], clock(one["changed_at"]), one["reason"]) for one in found)
    return table(("service", "state", "epoch", "changed", "reason"), rows)


def instances_table(service: View) -> Table:
    """One row an instance of the placement that works, with what feeds it."""
    plan = service["plan"] or {}
    rows_by_id = {row["physical_id"]: row for row in service["instances"]}
    rows = []
    for placed in plan.get("instances", ()):
        row = rows_by_id.get(placed["physical_id"], {})
        worker = row.get("node") or placed["node_id"]
        restarts = row.get("restarts", 0) or None
        rows.append((numbered(placed), placed["handler"], worker, row.get("state"), restarts, row.get("reason")))
    return table(("instance", "handler", "worker", "state", "restarts", "reason"), rows)


def epochs_table(found: Iterable[View]) -> Table:
    """One row an epoch."""
    rows = ((one["epoch"], one["state"], one["cause"], clock(one["created_at"]), one["reason"]) for one in found)
    return table(("epoch", "state", "cause", "made", "reason"), rows)


def rates_table(rates: View) -> Table:
    """One row an instance: items a second, and its time an item beside what was predicted."""
    rows = (
        (
            numbered(stage),
            stage["node"],
            stage["state"],
            _rate(stage["in_per_s"]),
            _rate(stage["out_per_s"]),
            quantity("compute_s", stage["compute_s"]),
            quantity("predicted_s", stage["predicted_s"]),
            stage["queued"],
            _lost(stage),
        )
        for stage in rates["stages"]
    )
    return table(("instance", "worker", "state", "in/s", "out/s", "real", "plan", "wait", "lost"), rows)


def trace_table(trace: View) -> Table:
    """One row an event of a packet, with the time since the first."""
    items = trace["events"]
    first_s = items[0]["at_s"] if items else 0.0
    rows = (
        (
            f"{(item['at_s'] - first_s) * 1e3:.3f}",
            item["event"],
            item["handler"],
            item["node"],
            item["port"],
            quantity("size_bytes", item["size_bytes"]) if is_number(item["size_bytes"]) else None,
        )
        for item in items
    )
    return table(("ms", "event", "instance", "worker", "port", "size"), rows)


def workers_table(found: Iterable[View]) -> Table:
    """One row a worker."""
    rows = (
        (
            one["name"],
            one["state"],
            policy(one),
            one["info"].get("cores"),
            quantity("memory_bytes", one["info"].get("memory_bytes")),
            _percent(one["status"].get("cpu_percent")),
            len(one["status"].get("instances") or ()),
            ", ".join(one["info"].get("labels") or ()),
        )
        for one in found
    )
    return table(("worker", "state", "takes", "cores", "memory", "cpu", "inst.", "labels"), rows)


def links_table(links: Iterable[View], names: Mapping[str, str]) -> Table:
    """One row a link."""
    rows = (
        (
            names.get(link["to_node_id"], link["to_node_id"]),
            quantity("bandwidth_bytes_per_s", link.get("bandwidth_bytes_per_s")),
            quantity("latency_s", link.get("latency_s")),
            quantity("age_s", link.get("age_s")),
            "traffic" if link.get("is_passive") else "measured",
        )
        for link in links
    )
    return table(("to", "bandwidth", "latency", "age", "by"), rows)


def handlers_table(found: Iterable[View]) -> Table:
    """One row a handler."""
    rows = (
        (one["name"], one["role"], ports(one.get("inputs")), ports(one.get("outputs")), len(one["workers"]))
        for one in found
    )
    return table(("handler", "role", "takes", "gives", "workers"), rows)


def parameters_table(schema: View) -> Table:
    """One row a parameter, from its JSON schema."""
    needed = schema.get("required") or ()
    rows = []
    for name, each in (schema.get("properties") or {}).items():
        default = "needed" if name in needed else _default(each)
        rows.append((name, _kind(each), default, _range(each), each.get("description")))
    return table(("parameter", "type", "default", "range", "what it is"), rows)


def ports(found: Iterable[View] | None) -> str:
    """Ports in words: `image: image, boxes: boxes`."""
    return ", ".join(f"{port['name']}: {port['type']}" for port in found or ())


def policy(worker: View) -> str:
    """What a worker takes: everything, or nothing new."""
    return "draining" if worker["is_draining"] else "nothing" if worker["is_cordoned"] else "all"


def numbered(instance: View) -> str:
    """An instance's name, with its number where it is not the first of its replicas."""
    return f"{instance['name']} #{instance['replica']}" if instance.get("replica") else str(instance["name"])


def clock(at: str | None) -> str:
    """The time of day of an ISO 8601 time (UTC)."""
    return at[11:19] if at else UNKNOWN


def _rate(value: object) -> str:
    return f"{value:.1f}" if is_number(value) else UNKNOWN


def _percent(value: object) -> str:
    return f"{value:.0f}%" if is_number(value) else UNKNOWN


def _lost(stage: View) -> str | None:
    found = {name: stage[name] for name in ("dropped", "skipped", "refused", "failed") if stage[name]}
    return " ".join(f"{count} {name}" for name, count in found.items()) or None


def _kind(each: View) -> str:
    if each.get("enum"):
        return " | ".join(str(value) for value in each["enum"])
    if each.get("anyOf"):
        return " | ".join(_kind(one) for one in each["anyOf"])
    return str(each.get("type", "any"))


def _default(each: View) -> str:
    return "" if "default" not in each else repr(each["default"])


def _range(each: View) -> str:
    low, high = each.get("minimum", each.get("exclusiveMinimum")), each.get("maximum", each.get("exclusiveMaximum"))
    if low is None and high is None:
        return ""
    return f"{'' if low is None else low} … {'' if high is None else high}".strip()
