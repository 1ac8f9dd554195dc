"""Reads the rows of a posted report: three tables with fixed columns; anything else is refused by its name. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hedgerow_idl.telemetry import PacketRow, ProcessRow, SystemRow, TraceEvent

_USE = ("cpu_util", "mem_util", "gpu_util", "gpu_mem_util")
COLUMNS: dict[str, tuple[str, ...]] = {
    "sys_info": ("timestamp", "node_id", *_USE, "mem_total", "gpu_clock", "gpu_power"),
    "proc_info": ("timestamp", "session_id", "handler_id", *_USE),
    "packet_info": ("timestamp", "session_id", "handler_id", "sequence", "event", "size"),
}
NEEDED: dict[str, tuple[str, ...]] = {
    "sys_info": ("timestamp",),
    "proc_info": ("timestamp", "session_id", "handler_id"),
    "packet_info": ("timestamp", "session_id", "handler_id", "sequence", "event"),
}
EVENTS = {event.name.lower(): event for event in TraceEvent}
# Some reporters write these words for two of the events.
EVENTS |= {"send": TraceEvent.SENT, "receive": TraceEvent.RECV}

MEBIBYTE, MEGAHERTZ = 2.0**20, 1e6
MOST_ROWS = 50_000

Row = SystemRow | ProcessRow | PacketRow
RowKey = tuple[Any, ...]


class ReportRefused(Exception):
    """A report that is not stored; the message names the table, the row and the column."""


@dataclass(slots=True)
class PostedRows:
    """The rows of one report by what tells each from the others, grouped by the node they name, "" for none."""

    by_node: dict[str, dict[RowKey, Row]] = field(default_factory=dict)


def read_report(report: Any) -> PostedRows:
    """Read a posted report.

    Raises:
        ReportRefused: it is no object of the three tables, a column is unknown or missing, or a value is none of its
            column's.
    """
    if not isinstance(report, dict):
        raise ReportRefused(f"the report is no object; write {{{', '.join(COLUMNS)}}}")
    unknown = sorted(set(report) - set(COLUMNS))
    if unknown:
        raise ReportRefused(f"table {unknown[0][:80]!r} unknown; known: {', '.join(COLUMNS)}")
    posted = PostedRows()
    count = 0
    seen: Counter[RowKey] = Counter()
    gpus: Counter[RowKey] = Counter()
    for table in COLUMNS:
        for number, given in _rows(table, report):
            count += 1
            if count > MOST_ROWS:
                raise ReportRefused(f"more than {MOST_ROWS} rows in one report; send fewer at a time")
            values = _values(table, number, given)
            node = str(values.get("node_id") or "")
            key = (table, node, *(values[name] for name in NEEDED[table]))
            seen[key] += 1  # several GPUs at one moment have a row each
            row = posted.by_node.setdefault(node, {})[*key, seen[key]] = _READ[table](values)
            if isinstance(row, SystemRow) and row.gpu_index >= 0:
                row.gpu_index = gpus[key]  # nobody writes a number: they stand in their order
                gpus[key] += 1
    return posted


def _rows(table: str, report: Mapping[str, Any]) -> Iterator[tuple[int, Any]]:
    rows = report.get(table) or []
    if not isinstance(rows, list):
        raise ReportRefused(f"{table} is no list of rows")
    return iter(enumerate(rows))


def _values(table: str, number: int, given: Any) -> dict[str, Any]:
    place = f"{table}[{number}]"
    if not isinstance(given, dict):
        raise ReportRefused(f"{place} is no object of columns and values")
    values: dict[str, Any] = {}
    for name, value in given.items():
        column = name[:-3] + "_id" if name.endswith("_ID") else name
        if column not in COLUMNS[table]:
            raise ReportRefused(f"{place}: column {name[:80]!r} unknown; known: {', '.join(COLUMNS[table])}")
        values[column] = _checked(place, column, value)
    for name in NEEDED[table]:
        if values.get(name) is None:
            raise ReportRefused(f"{place}: column {name!r} is missing")
    return values


def _checked(place: str, column: str, value: Any) -> Any:
    if value is None:
        return None
    if column == "event":
        if not isinstance(value, str) or value not in EVENTS:
            raise ReportRefused(f"{place}: event {str(value)[:80]!r} unknown; known: {', '.join(EVENTS)}")
        return value
    whole = column.endswith("_id") or column == "sequence"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise ReportRefused(f"{place}: {column} {str(value)[:80]!r} is no {'whole ' if whole else ''}number")
    if not (-(2**63) <= value < 2**63 and math.isfinite(value)):
        raise ReportRefused(f"{place}: {column} {str(value)[:80]} is out of range")
    return value


def _figure(values: Mapping[str, Any], name: str, factor: float = 1.0) -> float:
    value = values.get(name)
    return math.nan if value is None else float(value) * factor


def _has_gpu(values: Mapping[str, Any]) -> int:
    return 0 if any(values.get(name) is not None for name in ("gpu_util", "gpu_mem_util", "gpu_clock")) else -1


def _system(values: Mapping[str, Any]) -> SystemRow:
    return SystemRow(
        at_s=float(values["timestamp"]),
        cpu_percent=_figure(values, "cpu_util"),
        memory_bytes=_figure(values, "mem_total", MEBIBYTE),
        memory_percent=_figure(values, "mem_util"),
        gpu_index=_has_gpu(values),
        gpu_percent=_figure(values, "gpu_util"),
        gpu_memory_percent=_figure(values, "gpu_mem_util"),
        gpu_clock_hz=_figure(values, "gpu_clock", MEGAHERTZ),
        gpu_power_w=_figure(values, "gpu_power"),
    )


def _ids(values: Mapping[str, Any]) -> tuple[str, str]:
    session, handler = values["session_id"], values["handler_id"]
    return f"posted:{session}", f"posted:{session}:{handler}"


def _process(values: Mapping[str, Any]) -> ProcessRow:
    service_id, logical_id = _ids(values)
    return ProcessRow(
        at_s=float(values["timestamp"]),
        cpu_percent=_figure(values, "cpu_util"),
        memory_percent=_figure(values, "mem_util"),
        gpu_index=_has_gpu(values),
        gpu_percent=_figure(values, "gpu_util"),
        gpu_memory_percent=_figure(values, "gpu_mem_util"),
        service_id=service_id,
        logical_id=logical_id,
        physical_id=logical_id,
    )


def _packet(values: Mapping[str, Any]) -> PacketRow:
    service_id, logical_id = _ids(values)
    return PacketRow(
        at_s=float(values["timestamp"]),
        sequence_number=values["sequence"],
        event=EVENTS[values["event"]],
        size_bytes=_figure(values, "size"),
        service_id=service_id,
        logical_id=logical_id,
        physical_id=logical_id,
    )


_READ: dict[str, Callable[[Mapping[str, Any]], Row]] = {
    "sys_info": _system,
    "proc_info": _process,
    "packet_info": _packet,
}
