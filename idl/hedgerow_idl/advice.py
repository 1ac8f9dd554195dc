"""The messages of the advice pipeline: what a user asked, the six answers, and the previous iteration's."""

from dataclasses import field

from cyclonedds.idl import IdlStruct

from hedgerow_idl.common import Estimate, Header, TaskId
from hedgerow_idl.kinds import NAN, float64, sequence, uint32, uint64, wire_type


@wire_type
class Trial(IdlStruct, typename="hedgerow.advice.Trial"):
    """One iteration of a loop: what was asked for, what was chosen, and the target's figure in the target's unit.

    `model`, `precision`, `device` and `region` are what the user input asked for, the fields after them what came out
    of it. An iteration that failed has no `chosen_model`, and NaN.
    """

    iteration_id: uint32 = 0
    model: str = ""
    precision: str = ""
    device: str = ""
    region: str = ""
    chosen_model: str = ""
    chosen_precision: str = ""
    chosen_device: str = ""
    location: str = ""
    value: float64 = NAN
    low: float64 = NAN
    high: float64 = NAN


@wire_type
class LoopRequest(IdlStruct, typename="hedgerow.advice.LoopRequest"):
    """How a problem is to be answered again and again, and what the loop has tried so far.

    `mode` is empty (once), `auto` (until `target` is at most `target_value`), `manual` (the same, but each iteration
    waits for the user) or `candidates` (`max_iterations` different models). `target` is one of `gco2e`, `latency_ms`,
    `energy_j`, `memory_mb`; NaN as its value means as small as can be. `allow_regions` are the countries that the work
    may move to, or `any`. `trials` is the loop's own: the iterations before this one.
    """

    mode: str = ""
    target: str = ""
    target_value: float64 = NAN
    max_iterations: uint32 = 0
    allow_regions: sequence[str] = field(default_factory=list)
    trials: sequence[Trial] = field(default_factory=list)


@wire_type
class UserInput(IdlStruct, typename="hedgerow.advice.UserInput"):
    """A problem as the user described it; empty strings and NaN mean that he said nothing about it.

    `goal` is a Hugging Face task id, `location` an ISO 3166 country code or an English country name, `objective` one
    of `carbon` (the default), `energy`, `latency`, `cost`. `previous` is the iteration that this one began from, or
    {0, 0}. One of `inputs` may be `dataset:NAME`, a file or folder in the folder `datasets` of HEDGEROW_HOME.
    `location` may also be a region such as `California` or `US-CA`; `intensity_g_per_kwh` is that of the user's
    electricity, in place of the table's. `functional_unit` is one of `inference` (the default), `request`, `image`,
    `token`, `thousand_inferences`. `training_samples` and `epochs` ask for the cost of a training.
    `precision` is `fp32`, `fp16` or `int8`: how exactly the chosen model shall reckon; as it comes, if empty.
    """

    header: Header = field(default_factory=Header)
    text: str = ""
    goal: str = ""
    modality: str = ""
    inputs: sequence[str] = field(default_factory=list)
    outputs: sequence[str] = field(default_factory=list)
    max_latency_s: float64 = NAN
    max_memory_bytes: float64 = NAN
    max_carbon_gco2e: float64 = NAN
    location: str = ""
    objective: str = ""
    required_model: str = ""
    required_device: str = ""
    precision: str = ""
    excluded_models: sequence[str] = field(default_factory=list)
    functional_unit: str = ""
    inferences_per_year: float64 = NAN
    intensity_g_per_kwh: float64 = NAN
    training_samples: float64 = NAN
    epochs: float64 = NAN
    previous: TaskId = field(default_factory=TaskId)
    optimization: LoopRequest = field(default_factory=LoopRequest)


@wire_type
class Limit(IdlStruct, typename="hedgerow.advice.Limit"):
    """One limit found in a problem: `name comparison value unit`, as in `latency_s <= 0.1 s`.

    `comparison` is one of `<=`, `>=`, `==`. A flag such as `offline` has the value 1 and the unit `flag`. `found_in`
    is `text` or `field:NAME`, `excerpt` the words it was read from.
    """

    name: str = ""
    comparison: str = ""
    value: float64 = NAN
    unit: str = ""
    found_in: str = ""
    excerpt: str = ""


@wire_type
class AppRequirements(IdlStruct, typename="hedgerow.advice.AppRequirements"):
    """What the application needs, as limits with units."""

    header: Header = field(default_factory=Header)
    limits: sequence[Limit] = field(default_factory=list)
    explanation: str = ""


@wire_type
class TaskScore(IdlStruct, typename="hedgerow.advice.TaskScore"):
    """A Hugging Face task (its pipeline tag) and how well it fits, 0 to 1."""

    id: str = ""
    score: float64 = NAN


@wire_type
class ClassCount(IdlStruct, typename="hedgerow.advice.ClassCount"):
    """A value that the target of a data set takes, and how many of the rows read have it."""

    value: str = ""
    rows: uint64 = 0


@wire_type
class ColumnFacts(IdlStruct, typename="hedgerow.advice.ColumnFacts"):
    """One column of a data set, among the rows read.

    `kind` is one of `boolean`, `integer`, `number`, `time`, `category`, `text`, `identifier`, `image file`,
    `audio file`, `nested`, `empty`; `odd` counts values that are not of it. `minimum` and `maximum` are NaN where the
    values are no numbers.
    """

    name: str = ""
    kind: str = ""
    missing: uint64 = 0
    distinct: uint64 = 0
    odd: uint64 = 0
    minimum: float64 = NAN
    maximum: float64 = NAN


@wire_type
class DatasetFacts(IdlStruct, typename="hedgerow.advice.DatasetFacts"):
    """What a look into a data set found: `rows` in the whole, NaN where it was not read to its end.

    `rows_about` is estimated from what was read, and NaN where `rows` is known. `columns` are the first ones of
    `columns_total`; images have none. `target` is the column that is probably to be predicted, for the reason in
    `target_why`; `class_balance` counts its classes, the most frequent first. `tasks` are those that the data set
    speaks for, `remarks` what a person should know.
    """

    name: str = ""
    format: str = ""
    modality: str = ""
    rows: float64 = NAN
    rows_read: uint64 = 0
    rows_about: float64 = NAN
    columns_total: uint32 = 0
    columns: sequence[ColumnFacts] = field(default_factory=list)
    target: str = ""
    target_why: str = ""
    class_balance: sequence[ClassCount] = field(default_factory=list)
    tasks: sequence[str] = field(default_factory=list)
    remarks: sequence[str] = field(default_factory=list)


@wire_type
class MLModelMetadata(IdlStruct, typename="hedgerow.advice.MLModelMetadata"):
    """Which ML task the problem is: `tasks` best first, `margin` the lead of the first over the second.

    `decided_by` is `goal`, or what was used of `modality`, `data set` and `text`, with `and` between; `unsure` says
    that the margin is too small to rely on. `dataset` is empty where no data set was looked into, and holds one
    element else.
    """

    header: Header = field(default_factory=Header)
    tasks: sequence[TaskScore] = field(default_factory=list)
    margin: float64 = NAN
    unsure: bool = False
    modality: str = ""
    metrics: sequence[str] = field(default_factory=list)
    decided_by: str = ""
    dataset: sequence[DatasetFacts] = field(default_factory=list)
    explanation: str = ""


@wire_type
class HostFacts(IdlStruct, typename="hedgerow.advice.HostFacts"):
    """What the host of a node has."""

    host: str = ""
    cpu: str = ""
    physical_cores: uint32 = 0
    logical_cores: uint32 = 0
    memory_bytes: float64 = NAN
    available_memory_bytes: float64 = NAN
    gpus: sequence[str] = field(default_factory=list)


@wire_type
class HWConstraints(IdlStruct, typename="hedgerow.advice.HWConstraints"):
    """Which hardware is allowed: NaN and empty strings leave it open.

    `device_class` is one of `server`, `desktop`, `laptop`, `edge`, `mobile`, `microcontroller`, `gpu`, `cpu`;
    `device_family` what the name of the device must hold, such as `Jetson`.
    """

    header: Header = field(default_factory=Header)
    max_memory_bytes: float64 = NAN
    max_power_w: float64 = NAN
    device_class: str = ""
    device_family: str = ""
    required_device: str = ""
    limits: sequence[Limit] = field(default_factory=list)
    host: HostFacts = field(default_factory=HostFacts)
    explanation: str = ""


@wire_type
class Calibration(IdlStruct, typename="hedgerow.advice.Calibration"):
    """How fast a host was found to be, once: the base on which choices are made so that they can be repeated."""

    id: str = ""
    host: str = ""
    calibrated_at_s: float64 = NAN
    threads: uint32 = 0
    compute_flops_per_s: float64 = NAN
    bandwidth_bytes_per_s: float64 = NAN
    software: str = ""


@wire_type
class ModelCandidate(IdlStruct, typename="hedgerow.advice.ModelCandidate"):
    """One model that could do the task, on this host by calibration; `rejected` is empty or says why it is out.

    `counted_by` is where parameters, FLOPs, weights and activations come from, which have no interval: they are counted
    or quoted. `accuracy_source` is that of the accuracy, `source` that of the model.
    """

    id: str = ""
    family: str = ""
    parameters: uint64 = 0
    flops_per_inference: float64 = NAN
    weights_bytes: float64 = NAN
    activation_bytes: float64 = NAN
    counted_by: str = ""
    latency_s: Estimate = field(default_factory=Estimate)
    memory_bytes: Estimate = field(default_factory=Estimate)
    accuracy: float64 = NAN
    accuracy_metric: str = ""
    accuracy_source: str = ""
    weights: str = ""
    licence: str = ""
    source: str = ""
    rejected: str = ""


@wire_type
class ModelVariant(IdlStruct, typename="hedgerow.advice.ModelVariant"):
    """The chosen model at one precision, run here on its sample, beside its float32 outputs.

    `method` is `as it ships`, `cast`, `static` or `dynamic`. `output_difference` is the Euclidean norm of the
    difference over the norm of the float32 outputs, `largest_difference` the largest of one number; `agreement`, 0 to
    1, is about what `agreement_about` says. What is unknown is NaN.
    """

    id: str = ""
    precision: str = ""
    method: str = ""
    weights_bytes: float64 = NAN
    weights_bytes_source: str = ""
    latency_s: Estimate = field(default_factory=Estimate)
    output_difference: Estimate = field(default_factory=Estimate)
    largest_difference: Estimate = field(default_factory=Estimate)
    agreement: Estimate = field(default_factory=Estimate)
    agreement_about: str = ""
    sample_result: str = ""


@wire_type
class MLModel(IdlStruct, typename="hedgerow.advice.MLModel"):
    """The model chosen for the task, what it measured when it was run here, and every candidate with its reason.

    `latency_s` and `peak_memory_bytes` are measured when the model was executed (their method says so); the choice
    itself rests on `calibration` only. `passes_per_inference` is how often one inference reads the weights: once, or
    once for each token that is generated. `counted_by` is where parameters, FLOPs, weights and activations come from.
    `sample_result` says in words what the model was given and what it found; `variants` are the same model at other
    precisions.
    """

    header: Header = field(default_factory=Header)
    task: str = ""
    chosen: str = ""
    runtime: str = ""
    precision: str = ""
    passes_per_inference: uint32 = 1
    parameters: uint64 = 0
    flops_per_inference: float64 = NAN
    weights_bytes: float64 = NAN
    activation_bytes: float64 = NAN
    counted_by: str = ""
    latency_s: Estimate = field(default_factory=Estimate)
    cpu_time_s: Estimate = field(default_factory=Estimate)
    peak_memory_bytes: Estimate = field(default_factory=Estimate)
    calibration: Calibration = field(default_factory=Calibration)
    candidates: sequence[ModelCandidate] = field(default_factory=list)
    excluded: sequence[str] = field(default_factory=list)
    sample_result: str = ""
    explanation: str = ""
    variants: sequence[ModelVariant] = field(default_factory=list)


@wire_type
class DeviceCandidate(IdlStruct, typename="hedgerow.advice.DeviceCandidate"):
    """The chosen model on one device; `bound` is `compute` or `memory`; `rejected` is empty or says why it is out."""

    id: str = ""
    name: str = ""
    device_class: str = ""
    latency_s: Estimate = field(default_factory=Estimate)
    power_w: Estimate = field(default_factory=Estimate)
    energy_j: Estimate = field(default_factory=Estimate)
    memory_required_bytes: float64 = NAN
    memory_required_bytes_source: str = ""
    memory_bytes: float64 = NAN
    memory_bytes_source: str = ""
    bound: str = ""
    source: str = ""
    rejected: str = ""


@wire_type
class HWResources(IdlStruct, typename="hedgerow.advice.HWResources"):
    """The device chosen (or judged, where the user named one) and every device considered, best first.

    `memory_bytes` is what a document or the operating system states, `lifetime_years` what is assumed of its class.
    """

    header: Header = field(default_factory=Header)
    chosen: str = ""
    device_name: str = ""
    device_class: str = ""
    latency_s: Estimate = field(default_factory=Estimate)
    power_w: Estimate = field(default_factory=Estimate)
    energy_j: Estimate = field(default_factory=Estimate)
    memory_required_bytes: Estimate = field(default_factory=Estimate)
    memory_bytes: float64 = NAN
    memory_bytes_source: str = ""
    embodied_kgco2e: Estimate = field(default_factory=Estimate)
    lifetime_years: float64 = NAN
    lifetime_years_source: str = ""
    bound: str = ""
    candidates: sequence[DeviceCandidate] = field(default_factory=list)
    explanation: str = ""


@wire_type
class CarbonFootprint(IdlStruct, typename="hedgerow.advice.CarbonFootprint"):
    """Energy and greenhouse gases of one inference: carbon = energy x PUE x intensity + embodied share.

    `sci_gco2e` is the Software Carbon Intensity ((E x I) + M) per `functional_unit`, after ISO/IEC 21031:2024. The
    energies of processor, GPU and memory are parts of `energy_kwh` where its method can tell them apart, or, as the
    explanation then says, estimates beside it. Per year is at `inferences_per_year`.
    """

    header: Header = field(default_factory=Header)
    location: str = ""
    functional_unit: str = ""
    energy_kwh: Estimate = field(default_factory=Estimate)
    cpu_energy_kwh: Estimate = field(default_factory=Estimate)
    gpu_energy_kwh: Estimate = field(default_factory=Estimate)
    ram_energy_kwh: Estimate = field(default_factory=Estimate)
    intensity_g_per_kwh: Estimate = field(default_factory=Estimate)
    pue: Estimate = field(default_factory=Estimate)
    operational_gco2e: Estimate = field(default_factory=Estimate)
    embodied_gco2e: Estimate = field(default_factory=Estimate)
    carbon_gco2e: Estimate = field(default_factory=Estimate)
    sci_gco2e: Estimate = field(default_factory=Estimate)
    per_thousand_gco2e: Estimate = field(default_factory=Estimate)
    inferences_per_year: Estimate = field(default_factory=Estimate)
    energy_per_year_kwh: Estimate = field(default_factory=Estimate)
    per_year_gco2e: Estimate = field(default_factory=Estimate)
    training_energy_kwh: Estimate = field(default_factory=Estimate)
    training_gco2e: Estimate = field(default_factory=Estimate)
    within_limit: str = ""
    explanation: str = ""


@wire_type
class LoopMove(IdlStruct, typename="hedgerow.advice.LoopMove"):
    """One change between iterations: `what` is `model`, `precision`, `device` or `region`.

    `expected` is the target's figure after it, in the target's unit, unknown where nothing at hand can tell.
    """

    what: str = ""
    before: str = ""
    after: str = ""
    expected: Estimate = field(default_factory=Estimate)
    reason: str = ""


@wire_type
class ComparedFigure(IdlStruct, typename="hedgerow.advice.ComparedFigure"):
    """One figure of two iterations, `name` with its unit, such as `latency_s`; `ratio` is after / before.

    `verdict` is `better` or `worse` where the intervals lie apart, `no difference` where they overlap, else `unknown`.
    """

    name: str = ""
    before: Estimate = field(default_factory=Estimate)
    after: Estimate = field(default_factory=Estimate)
    ratio: float64 = NAN
    overlap: bool = False
    verdict: str = ""


@wire_type
class Optimization(IdlStruct, typename="hedgerow.advice.Optimization"):
    """What the loop decides after an iteration, and how the iteration compares with the one before.

    `decision` is one of `off`, `continue`, `target_met`, `nothing_better`, `budget_spent`, `waits_for_user` and, of
    `candidates`, `delivered`; with `next_input` it is the contract of `hedgerow_idl.loop`. `value` is the target's
    figure of this iteration in the target's unit, `best` that of the best one so far.
    """

    header: Header = field(default_factory=Header)
    decision: str = ""
    mode: str = ""
    target: str = ""
    target_value: float64 = NAN
    value: Estimate = field(default_factory=Estimate)
    iteration: uint32 = 0
    max_iterations: uint32 = 0
    best: sequence[Trial] = field(default_factory=list)
    change: sequence[LoopMove] = field(default_factory=list)
    previous: TaskId = field(default_factory=TaskId)
    comparison: sequence[ComparedFigure] = field(default_factory=list)
    next_input: sequence[UserInput] = field(default_factory=list)
    explanation: str = ""


@wire_type
class Baselines(IdlStruct, typename="hedgerow.advice.Baselines"):
    """What the previous iteration answered; a sequence is empty where there is nothing, and holds one element else."""

    header: Header = field(default_factory=Header)
    previous: TaskId = field(default_factory=TaskId)
    app_requirements: sequence[AppRequirements] = field(default_factory=list)
    ml_model_metadata: sequence[MLModelMetadata] = field(default_factory=list)
    hw_constraints: sequence[HWConstraints] = field(default_factory=list)
    ml_model_provider: sequence[MLModel] = field(default_factory=list)
    hw_resources: sequence[HWResources] = field(default_factory=list)
    carbon_footprint: sequence[CarbonFootprint] = field(default_factory=list)
