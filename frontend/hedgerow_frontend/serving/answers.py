"""The answers of the REST interface that are about services, workers and handlers."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from hedgerow_frontend.answers import Answer, documented
from hedgerow_orchestrator.serving_states import EpochState, IntentState, ServiceState


class ServiceAccepted(Answer):
    """The service that a deployment began."""

    model_config = documented(
        description="Accepted: it is being prepared.",
        headers={"Location": {"description": "Where the service is shown.", "schema": {"type": "string"}}},
    )

    service_id: str
    name: str
    state: ServiceState
    epoch: int


class ServiceChanged(Answer):
    """A service and the state that it is in after the wish."""

    service_id: str
    name: str
    state: ServiceState
    wanted: str
    epoch: int
    reason: str


class BlueprintProblem(Answer):
    """What cannot be used in a blueprint, and why."""

    field: str
    message: str


class CheckedPlan(Answer):
    """Where each instance, as `handler#replica`, would run, and what is predicted of that."""

    places: dict[str, str]
    predicted: dict[str, Any]


class CheckAnswer(Answer):
    """Whether a blueprint could be deployed now, and where; `reason` says why a plan is not known before."""

    ok: bool
    problems: list[BlueprintProblem]
    plan: CheckedPlan | None = None
    reason: str = ""


class InstanceAnswer(Answer):
    """One start of one handler; the logical id stays, the physical one is new at every start."""

    physical_id: str
    service_id: str
    logical_id: str
    name: str
    handler: str
    node_id: str
    node: str | None
    first_epoch: int
    state: str
    reason: str
    restarts: int
    exit_code: int | None
    started_at: str | None
    ended_at: str | None


class InstanceList(Answer):
    """Every start of every handler, newest first."""

    items: list[InstanceAnswer]


class PlacementAnswer(Answer):
    """An epoch without its plan. `gap_s` is how far the placement may be from the best one, null where none knows."""

    service_id: str
    epoch: int
    state: EpochState
    cause: str
    reason: str
    predicted: dict[str, Any]
    gap_s: float | None
    created_at: str | None
    active_at: str | None
    retired_at: str | None


class EpochAnswer(PlacementAnswer):
    """An epoch: who runs where, and what feeds what."""

    plan: dict[str, Any]


class EpochList(Answer):
    """The epochs of a service, newest first."""

    items: list[EpochAnswer]


class ServiceSummary(Answer):
    """A service in a list; `wanted` is what it was last asked to be."""

    service_id: str
    name: str
    state: ServiceState
    wanted: str
    reason: str
    epoch: int
    created_at: str
    changed_at: str


class ServiceList(Answer):
    """The services, newest first."""

    items: list[ServiceSummary]


class ServiceAnswer(ServiceSummary):
    """A service with its blueprint, the plan that works, and the instances that have not ended."""

    blueprint: dict[str, Any]
    plan: dict[str, Any] | None
    placement: PlacementAnswer | None
    instances: list[InstanceAnswer]


class PlaceAnswer(Answer):
    """What became of a wish for another placement."""

    changed: bool
    verdict: str
    reason: str
    predicted: dict[str, Any]
    epoch: int


class IntentAnswer(Answer):
    """A wish and how it stands."""

    intent_id: str
    state: IntentState
    reason: str


class InferAnswer(Answer):
    """The result of one input."""

    output: Any
    sequence: int
    took_s: float


class StageRate(Answer):
    """How one instance does: counted by its worker, beside what was predicted; null is unknown, or nothing to count."""

    name: str
    replica: int
    handler: str
    node: str
    logical_id: str
    state: str
    restarts: int
    in_per_s: float | None = Field(description="Items that come in, each once however many ports take it.")
    out_per_s: float | None = Field(description="Items that go out, each once however many links take it.")
    compute_s: float | None = Field(description="Processor time an item, smoothed.")
    predicted_s: float | None = Field(description="The same, as the placement engine saw it.")
    ratio: float | None = Field(description="Real over predicted.")
    queued: int | None
    dropped: int | None
    skipped: int | None
    refused: int | None
    failed: int | None
    memory_bytes: float | None
    last_sequence: int | None


class RateAnswer(Answer):
    """Live rates of a service over the last seconds; `over_s` says how many, null before there are two reports."""

    service_id: str
    epoch: int
    at: str | None
    over_s: float | None
    throughput_per_s: float | None
    predicted_throughput_per_s: float | None
    stages: list[StageRate]


class HopAnswer(Answer):
    """What an item met at one instance; times in seconds, null where an event that bounds them is missing.

    `network_s` is on the way to it, `queue_s` in wait for it, `compute_s` from its start to its end.
    """

    logical_id: str
    physical_id: str
    name: str
    node: str
    first_at_s: float
    first_at: str | None
    network_s: float | None
    queue_s: float | None
    compute_s: float | None
    dropped: bool
    sent_bytes: float


class TraceAnswer(Answer):
    """Where an item was and when: every event in the order of time, and instance by instance."""

    service_id: str
    service: str
    sequence: int | None
    events: list[dict[str, Any]]
    hops: list[HopAnswer]
    total_s: float | None


class WorkerAnswer(Answer):
    """A worker as last seen: `info` is what it is, `status` how it is, `catalogue` what it can run."""

    node_id: str
    name: str
    state: str
    incarnation: int | None
    last_seen_at: str | None
    is_cordoned: bool
    is_draining: bool
    reason: str
    catalogue: list[dict[str, Any]]
    info: dict[str, Any]
    status: dict[str, Any]
    at: str | None


class WorkerList(Answer):
    """The workers that were ever seen."""

    items: list[WorkerAnswer]


class PolicyAnswer(Answer):
    """What is wanted of a worker now."""

    node_id: str
    name: str
    is_cordoned: bool
    is_draining: bool
    reason: str
    intent_id: str = Field(description="Of a drain: the wish, which goes on; else empty.")
    state: IntentState | None = Field(None, description="Of that wish.")


class MeasureAnswer(Answer):
    """The links that were measured."""

    links: list[dict[str, Any]]


class HandlerAnswer(Answer):
    """A handler that workers can run, and which ones."""

    name: str
    role: str
    description: str = ""
    inputs: list[dict[str, Any]] = Field(default_factory=list)
    outputs: list[dict[str, Any]] = Field(default_factory=list)
    parameters: dict[str, Any] = Field(default_factory=dict)
    class_type: str = ""
    run_time: str = "python"
    workers: list[str]


class HandlerList(Answer):
    """The union of the catalogues of the workers that are there."""

    items: list[HandlerAnswer]


class ModelStored(Answer):
    """A model that was uploaded; `model` is what a blueprint names it by."""

    model: str
    sha256: str
    size_bytes: int


class TelemetryPage(Answer):
    """Telemetry rows, newest first; `node_ID`, `session_ID` and `handler_ID` are short numbers beside the ids."""

    items: list[dict[str, Any]]
    next: str | None = Field(description="Cursor of the following page; null at the end.")


class WorkerLinkAnswer(Answer):
    """A link between two workers as its sender measured it."""

    from_node_id: str
    from_: str = Field(alias="from")
    to_node_id: str
    to: str
    at: str | None
    bandwidth_bytes_per_s: float | None
    latency_s: float | None
    age_s: float | None
    transfer_s: float | None
    sent_items: int | None
    sent_bytes: float | None
    is_passive: bool | None


class WorkerLinkList(Answer):
    """The links between workers."""

    items: list[WorkerLinkAnswer]


class SourceAnswer(Answer):
    """One start of one worker as a source of rows, and what became of them."""

    source_id: str
    node_id: str
    node: str
    incarnation: int
    stored_rows: int
    missing_rows: int
    lost_rows: int
    refused_rows: int
    changed_at: str | None


class SourceList(Answer):
    """The sources of rows, the one heard of last first."""

    items: list[SourceAnswer]
