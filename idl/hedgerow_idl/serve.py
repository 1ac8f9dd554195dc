"""The messages of serving: what workers are, what they shall run, how their instances are, and what flows between."""

from dataclasses import field

from cyclonedds.idl import IdlEnum, IdlStruct

from hedgerow_idl.kinds import NAN, Octets, float64, int64, key, no_octets, sequence, uint32, uint64, wire_type


class InstanceState(IdlEnum, typename="hedgerow.serve.InstanceState", default="PREPARING"):
    """Where an instance stands; of an ENDED one its source was exhausted, of a FAILED one `reason` says why."""

    PREPARING = 0
    READY = 1
    RUNNING = 2
    STOPPED = 3
    ENDED = 4
    FAILED = 5


class OrderKind(IdlEnum, typename="hedgerow.serve.OrderKind", default="PREPARE"):
    """What a worker shall do; every order is answered once it is done, and the same `command_id` twice is one order.

    * PREPARE: make the instances of the plan in `body` that are placed here and do not run yet, warm; know its links.
    * START: let the prepared instances of an epoch work. SWITCH_EPOCH: from `at_sequence` on, sources send by this one.
    * STOP: end the work of a service and keep its instances. DELETE: end the instances of an epoch that no other
      epoch known here has; epoch 0 is all.
    * INFER: put the input in `body` into the service; the answer carries the result.
    * MEASURE: measure the links to the workers named in `body`. PROFILE: time the model in `body`, layer by layer.
    """

    PREPARE = 0
    START = 1
    SWITCH_EPOCH = 2
    STOP = 3
    DELETE = 4
    INFER = 5
    MEASURE = 6
    PROFILE = 7


class OrderCode(IdlEnum, typename="hedgerow.serve.OrderCode", default="DONE"):
    """What became of an order; REFUSED was not begun, NOT_DONE was tried."""

    DONE = 0
    REFUSED = 1
    NOT_DONE = 2


class ItemKind(IdlEnum, typename="hedgerow.serve.ItemKind", default="CAST"):
    """How an item travels: CAST is fire and forget, CALL wants a REPLY; PROBE and PROBE_ANSWER measure the link.

    END follows the last item of a source that is exhausted.
    """

    CAST = 0
    CALL = 1
    REPLY = 2
    PROBE = 3
    PROBE_ANSWER = 4
    END = 5


@wire_type
class Gpu(IdlStruct, typename="hedgerow.serve.Gpu"):
    """A GPU of a worker."""

    name: str = ""
    memory_bytes: uint64 = 0


@wire_type
class Resource(IdlStruct, typename="hedgerow.serve.Resource"):
    """A provider of a source, a sink or a device on a worker: what blueprints ask for by class or by provider."""

    provider_id: str = ""
    class_type: str = ""
    outputs: sequence[str] = field(default_factory=list)
    configuration: str = ""


@wire_type
class WorkerInfo(IdlStruct, typename="hedgerow.serve.WorkerInfo"):
    """What a worker is, beside its `NodeInfo`; written again whenever a capability changes.

    `execution_providers` are ONNX Runtime's names. `catalogue` is the JSON text of a list of `HandlerDescription`.
    `refresh_deadline_s` is how long its silence is allowed to last. `host_id` tells which workers share their cores.
    `usable_cores` is how many cores' time a second it may use: `cores`, or less where a control group limits it.
    """

    node_id: str = ""
    incarnation: uint64 = 0
    key("node_id", "incarnation")
    cores: uint32 = 0
    usable_cores: float64 = NAN
    clock_hz: float64 = NAN
    memory_bytes: uint64 = 0
    disk_bytes: uint64 = 0
    has_tee: bool = False
    has_tpm: bool = False
    refresh_deadline_s: float64 = NAN
    host_id: str = ""
    cpu_name: str = ""
    catalogue: str = ""
    gpus: sequence[Gpu] = field(default_factory=list)
    labels: sequence[str] = field(default_factory=list)
    run_times: sequence[str] = field(default_factory=list)
    execution_providers: sequence[str] = field(default_factory=list)
    resources: sequence[Resource] = field(default_factory=list)


@wire_type
class InstanceStatus(IdlStruct, typename="hedgerow.serve.InstanceStatus"):
    """How one instance is; counters since its start. `compute_s` is processor time an item, smoothed, NaN before any.

    `skipped` counts sequences given up in a join, `dropped` items that a newer one replaced, `refused` items of an
    epoch or of a type that is not its own.
    """

    service_id: str = ""
    logical_id: str = ""
    physical_id: str = ""
    name: str = ""
    epoch: uint64 = 0
    state: InstanceState = InstanceState.PREPARING
    pid: uint32 = 0
    restarts: uint32 = 0
    received: uint64 = 0
    sent: uint64 = 0
    dropped: uint64 = 0
    skipped: uint64 = 0
    refused: uint64 = 0
    failed: uint64 = 0
    queued: uint32 = 0
    last_sequence: int64 = -1
    compute_s: float64 = NAN
    memory_bytes: float64 = NAN
    digest: str = ""
    reason: str = ""


@wire_type
class LinkFigure(IdlStruct, typename="hedgerow.serve.LinkFigure"):
    """A link as its sender measured it, to the receiver's answer; `age_s` is how old the figure is."""

    to_node_id: str = ""
    bandwidth_bytes_per_s: float64 = NAN
    latency_s: float64 = NAN
    age_s: float64 = NAN
    is_passive: bool = False
    sent_items: uint64 = 0
    sent_bytes: uint64 = 0
    transfer_s: float64 = NAN


@wire_type
class WorkerStatus(IdlStruct, typename="hedgerow.serve.WorkerStatus"):
    """How a worker is: health, links and every instance that it runs or has just seen end.

    `busy_cores` is the processor time a second that everybody takes on the processors that the worker may run on,
    `used_cores` that of the worker with all its processes; both smoothed over some seconds. `item_cpu_s` is the
    processor time that it takes to move an item into an instance or out of one. NaN before they are known.
    """

    node_id: str = ""
    incarnation: uint64 = 0
    key("node_id", "incarnation")
    stamped_at_s: float64 = NAN
    load_1: float64 = NAN
    load_5: float64 = NAN
    load_15: float64 = NAN
    cpu_percent: float64 = NAN
    memory_free_bytes: float64 = NAN
    memory_used_bytes: float64 = NAN
    memory_available_bytes: float64 = NAN
    process_cpu_percent: float64 = NAN
    process_memory_bytes: float64 = NAN
    process_virtual_bytes: float64 = NAN
    disk_free_bytes: float64 = NAN
    disk_reads: float64 = NAN
    disk_writes: float64 = NAN
    received_bytes: float64 = NAN
    received_packets: float64 = NAN
    received_errors: float64 = NAN
    sent_bytes: float64 = NAN
    sent_packets: float64 = NAN
    sent_errors: float64 = NAN
    gpu_load_percent: float64 = NAN
    gpu_temperature_c: float64 = NAN
    power_w: float64 = NAN
    item_cpu_s: float64 = NAN
    busy_cores: float64 = NAN
    used_cores: float64 = NAN
    links: sequence[LinkFigure] = field(default_factory=list)
    instances: sequence[InstanceStatus] = field(default_factory=list)


@wire_type
class ServiceOrder(IdlStruct, typename="hedgerow.serve.ServiceOrder"):
    """An order to one worker; `body` is JSON: of PREPARE a `Plan`, of the others what their kind says.

    `at_sequence` below 0 is the next one that the source sends. `deadline_at_s` is in seconds since the Unix epoch.
    """

    kind: OrderKind = OrderKind.PREPARE
    incarnation: uint64 = 0
    epoch: uint64 = 0
    at_sequence: int64 = -1
    deadline_at_s: float64 = NAN
    command_id: str = ""
    node_id: str = ""
    service_id: str = ""
    body: str = ""


@wire_type
class ServiceAnswer(IdlStruct, typename="hedgerow.serve.ServiceAnswer"):
    """What became of an order; `body` is JSON.

    Of SWITCH_EPOCH `at_sequence` is the first that goes by the new epoch.
    """

    code: OrderCode = OrderCode.DONE
    kind: OrderKind = OrderKind.PREPARE
    incarnation: uint64 = 0
    epoch: uint64 = 0
    at_sequence: int64 = -1
    command_id: str = ""
    node_id: str = ""
    service_id: str = ""
    reason: str = ""
    body: str = ""


@wire_type
class ItemChunk(IdlStruct, typename="hedgerow.serve.ItemChunk"):
    """A piece of what one instance sends to another on a worker beside it; of at most 1 MiB.

    `stream_id` is one sender's for its life and one receiver's alone; `position` counts its chunks from 1, `index`
    those of the item from 0, `size_bytes` is the whole item. `header` is JSON and stands in the first chunk only.
    """

    kind: ItemKind = ItemKind.CAST
    stream_id: uint64 = 0
    position: uint64 = 0
    index: uint32 = 0
    size_bytes: uint64 = 0
    from_node_id: str = ""
    header: str = ""
    data: Octets = field(default_factory=no_octets)


@wire_type
class ItemCredit(IdlStruct, typename="hedgerow.serve.ItemCredit"):
    """A receiver has taken everything of a stream up to a position."""

    stream_id: uint64 = 0
    position: uint64 = 0
    from_node_id: str = ""
