"""What a worker can be told: labels, providers, modules of handlers, execution providers, periods and limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

_Word = Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern=r"^[^\s,]+$")]
_Period = Annotated[float, msgspec.Meta(ge=0.1, le=3600)]

HOST_LABEL = "hostname="
"""Every worker has this label with the name of its host; it cannot be given by hand."""


@dataclass(frozen=True)
class ProviderTable:
    """A provider of a source, a sink or a device: what it is called here, what it is, and its settings.

    `configuration` are parameters of the handler that stand where the blueprint gives none, such as a camera's index.
    """

    provider_id: _Word
    class_type: _Word
    outputs: tuple[_Word, ...] = ()
    configuration: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class WorkerConfiguration:
    """The settings of a worker.

    Attributes:
        labels: words such as `site=roof` that blueprints may ask for.
        resources: the providers on this worker.
        handler_modules: Python modules with handlers, beside those that are shipped or installed.
        execution_providers: ONNX Runtime's names, of those that it has here; all of them if empty. Its handlers use no
            others; what is changed holds for instances that begin afterwards.
        run_times: what handlers may be written for.
        refresh_deadline_s: how long others wait for a sign of life, each by its own clock. It is the lease of the
            worker's place on the bus, and so can be told at its start alone.
        health_period_s: how often the health is told when nothing changes.
        collect_period_s: how often the machine and the processes are looked at for telemetry.
        report_period_s: how often telemetry is sent.
        telemetry_rows: so many rows are kept while nobody reads them; then the oldest are given up, and counted.
        memory_limit_bytes: what handlers may have in all, if less than the machine has.
    """

    labels: tuple[_Word, ...] = ()
    resources: tuple[ProviderTable, ...] = ()
    handler_modules: tuple[_Word, ...] = ()
    execution_providers: tuple[_Word, ...] = ()
    run_times: tuple[_Word, ...] = ("python",)
    refresh_deadline_s: Annotated[float, msgspec.Meta(ge=0.5, le=86_400)] = 1.0
    health_period_s: _Period = 1.0
    collect_period_s: _Period = 1.0
    report_period_s: _Period = 1.0
    telemetry_rows: Annotated[int, msgspec.Meta(ge=1000, le=10_000_000)] = 100_000
    memory_limit_bytes: Annotated[int, msgspec.Meta(gt=0)] | None = None

    def __post_init__(self) -> None:
        own = [label for label in self.labels if label.startswith(HOST_LABEL)]
        if own:
            raise ValueError(f"labels hold {own[0]!r}; the label {HOST_LABEL}… is given by the host's name alone")
        ids = [resource.provider_id for resource in self.resources]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ValueError(f"resources hold provider_id {twice[0]!r} twice; a provider has one entry")
