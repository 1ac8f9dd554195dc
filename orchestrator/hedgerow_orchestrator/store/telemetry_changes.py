"""What the orchestrator wants written of telemetry: sources, the short numbers of long ids, and the rows themselves.

As in `changes.py` a `Row` replaces the one with the same key; of the `Added` ones a row that is there already stays.
Unknown figures are None. Times are seconds since the Unix epoch.
"""

from __future__ import annotations

import msgspec


class TelemetryNodeRow(msgspec.Struct, gc=False):
    """The number of a node: `uuid` is its id, `name` what it was called when its first row came."""

    id: int
    uuid: str
    name: str


class TelemetrySessionRow(msgspec.Struct, gc=False):
    """The number of a session: a service, by its id and name."""

    id: int
    uuid: str
    name: str


class TelemetryHandlerRow(msgspec.Struct, gc=False):
    """The number of a handler of a service, by its logical id and its name in the blueprint."""

    id: int
    uuid: str
    name: str


class TelemetryInstanceRow(msgspec.Struct, gc=False):
    """The number of one start of a handler, by its physical id; the name is the handler's."""

    id: int
    uuid: str
    name: str


class TelemetrySourceRow(msgspec.Struct, gc=False):
    """Who numbers rows: one start of one worker.

    `known_rows` is the JSON of half-open ranges of row numbers that are stored, or were until they were pruned;
    `lost_rows` counts those that the source had to throw away, `refused_rows` those that no table can hold.
    """

    id: int
    uuid: str
    node_key: int
    incarnation: int
    known_rows: str
    lost_rows: int
    refused_rows: int
    changed_at_s: float


class SystemRowAdded(msgspec.Struct, gc=False):
    """One GPU of a machine at one moment, or the machine alone where it has none: `gpu_index` is None then."""

    source_key: int
    row_number: int
    at_s: float
    cpu_percent: float | None
    memory_bytes: int | None
    memory_percent: float | None
    gpu_index: int | None
    gpu_percent: float | None
    gpu_memory_percent: float | None
    gpu_clock_hz: float | None
    gpu_power_w: float | None


class ProcessRowAdded(msgspec.Struct, gc=False):
    """One instance's process at one moment; 100 % is one core."""

    source_key: int
    row_number: int
    at_s: float
    session_key: int
    handler_key: int
    instance_key: int
    cpu_percent: float | None
    memory_percent: float | None
    gpu_index: int | None
    gpu_percent: float | None
    gpu_memory_percent: float | None


class PacketRowAdded(msgspec.Struct, gc=False):
    """One event of one item at one instance: start, end, sent, recv or drop."""

    source_key: int
    row_number: int
    at_s: float
    session_key: int
    handler_key: int
    instance_key: int
    epoch: int
    sequence_number: int
    event: str
    size_bytes: int | None
    port_name: str


TelemetryName = TelemetryNodeRow | TelemetrySessionRow | TelemetryHandlerRow | TelemetryInstanceRow
TelemetryRow = SystemRowAdded | ProcessRowAdded | PacketRowAdded
TelemetryChange = TelemetryName | TelemetrySourceRow | TelemetryRow
