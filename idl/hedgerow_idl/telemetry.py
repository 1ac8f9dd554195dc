"""The rows that workers report: of the machine, of each handler process, and of each item on its way."""

from dataclasses import field

from cyclonedds.idl import IdlEnum, IdlStruct

from hedgerow_idl.kinds import NAN, float64, int64, sequence, uint32, uint64, wire_type


class TraceEvent(IdlEnum, typename="hedgerow.telemetry.TraceEvent", default="START"):
    """START: all inputs of a sequence are there; END: they are worked; SENT and RECV: over a link; DROP: given up."""

    START = 0
    END = 1
    SENT = 2
    RECV = 3
    DROP = 4


@wire_type
class SystemRow(IdlStruct, typename="hedgerow.telemetry.SystemRow"):
    """One GPU of a machine at one moment, or the machine alone where it has none: `gpu_index` is -1 then."""

    at_s: float64 = NAN
    cpu_percent: float64 = NAN
    memory_bytes: float64 = NAN
    memory_percent: float64 = NAN
    gpu_index: int64 = -1
    gpu_percent: float64 = NAN
    gpu_memory_percent: float64 = NAN
    gpu_clock_hz: float64 = NAN
    gpu_power_w: float64 = NAN


@wire_type
class ProcessRow(IdlStruct, typename="hedgerow.telemetry.ProcessRow"):
    """One instance's process at one moment; 100 % is one core."""

    at_s: float64 = NAN
    service_id: str = ""
    logical_id: str = ""
    physical_id: str = ""
    cpu_percent: float64 = NAN
    memory_percent: float64 = NAN
    gpu_index: int64 = -1
    gpu_percent: float64 = NAN
    gpu_memory_percent: float64 = NAN


@wire_type
class PacketRow(IdlStruct, typename="hedgerow.telemetry.PacketRow"):
    """One event of one item at one instance; `size_bytes` is of SENT and RECV, NaN else."""

    at_s: float64 = NAN
    sequence_number: int64 = -1
    epoch: uint64 = 0
    event: TraceEvent = TraceEvent.START
    size_bytes: float64 = NAN
    service_id: str = ""
    logical_id: str = ""
    physical_id: str = ""
    port_name: str = ""


@wire_type
class TelemetryBatch(IdlStruct, typename="hedgerow.telemetry.TelemetryBatch"):
    """What a worker has seen since the last batch; rows are numbered through all kinds from `first_row`, per source.

    A source is one start of one worker, and it numbers its rows from 1 without gaps; so a batch that comes twice is
    known, and one that is missing too. `lost` counts the rows that the source had to throw away before they were sent.
    """

    source_id: str = ""
    node_id: str = ""
    incarnation: uint64 = 0
    batch: uint32 = 0
    first_row: uint64 = 0
    lost: uint64 = 0
    systems: sequence[SystemRow] = field(default_factory=list)
    processes: sequence[ProcessRow] = field(default_factory=list)
    packets: sequence[PacketRow] = field(default_factory=list)
