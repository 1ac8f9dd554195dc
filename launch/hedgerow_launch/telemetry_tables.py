"""Rows of telemetry as tables: machines, processes, events of items, links, and where rows come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from rich.table import Table

from hedgerow_launch.commands.printing import table
from hedgerow_launch.quantities import UNKNOWN, is_number, quantity

View = Mapping[str, Any]
Column = tuple[str, Callable[[View], object]]


def _figure(name: str) -> Callable[[View], object]:
    return lambda row: quantity(name, row.get(name))


def _percent(name: str) -> Callable[[View], object]:
    return lambda row: f"{row[name]:.1f}%" if is_number(row.get(name)) else UNKNOWN


def _said(name: str) -> Callable[[View], object]:
    return lambda row: UNKNOWN if row.get(name) in (None, "") else row[name]


_WHEN: tuple[Column, ...] = (("at (UTC)", lambda row: instant(row["at"])), ("worker", _said("node")))
_WHOSE: tuple[Column, ...] = (("service", _said("service")), ("handler", _said("handler")))
_GPU: tuple[Column, ...] = (
    ("GPU", _said("gpu_index")),
    ("GPU busy", _percent("gpu_percent")),
    ("GPU mem.", _percent("gpu_memory_percent")),
)
COLUMNS: Mapping[str, Sequence[Column]] = MappingProxyType(
    {
        "sys_info": (
            *_WHEN,
            ("CPU", _percent("cpu_percent")),
            ("memory", _figure("memory_bytes")),
            ("used", _percent("memory_percent")),
            *_GPU,
            ("clock", _figure("gpu_clock_hz")),
            ("power", _figure("gpu_power_w")),
        ),
        "proc_info": (
            *_WHEN,
            *_WHOSE,
            ("CPU", _percent("cpu_percent")),
            ("memory", _percent("memory_percent")),
            *_GPU,
        ),
        "packet_info": (
            *_WHEN,
            *_WHOSE,
            ("epoch", _said("epoch")),
            ("item", _said("sequence")),
            ("event", _said("event")),
            ("port", _said("port")),
            ("size", _figure("size_bytes")),
        ),
    }
)
"""Of each kind the head of a column and what stands in it; unknown is a dash, never 0."""


def rows_table(kind: str, rows: Iterable[View]) -> Table:
    """One row a row of telemetry."""
    columns = COLUMNS[kind]
    return table([head for head, _ in columns], ([cell(row) for _, cell in columns] for row in rows))


def links_table(links: Iterable[View]) -> Table:
    """One row a link between two workers, by the names of both."""
    rows = (
        (
            link["from"],
            link["to"],
            quantity("bandwidth_bytes_per_s", link["bandwidth_bytes_per_s"]),
            quantity("latency_s", link["latency_s"]),
            quantity("age_s", link["age_s"]),
            "traffic" if link["is_passive"] else "measured",
        )
        for link in links
    )
    return table(("from", "to", "bandwidth", "latency", "age", "by"), rows)


def sources_table(sources: Iterable[View]) -> Table:
    """One row a start of a worker: what became of the rows that it numbered."""
    rows = (
        (
            one["node"],
            started(one["incarnation"]),
            one["stored_rows"],
            one["missing_rows"],
            one["lost_rows"],
            one["refused_rows"],
            instant(one["changed_at"]),
        )
        for one in sources
    )
    return table(("worker", "started (UTC)", "stored", "missing", "lost", "refused", "heard of (UTC)"), rows)


def instant(at: str | None) -> str:
    """An ISO 8601 time as `2026-11-27 04:55:05.123`, as exact as it was given."""
    return at.removesuffix("Z").partition("+")[0].replace("T", " ") if at else UNKNOWN


def started(incarnation: object) -> str:
    """When a node was started, which its incarnation tells in nanoseconds since the Unix epoch."""
    if not is_number(incarnation) or incarnation < 10**15:
        return str(incarnation)
    return datetime.fromtimestamp(incarnation / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
