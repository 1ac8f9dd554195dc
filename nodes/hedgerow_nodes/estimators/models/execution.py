"""Run a model for real in a fresh process and report what it took; this module is both the caller and the child."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Literal

import msgspec

from hedgerow_nodes.estimators.models.catalogue import CatalogueModel
from hedgerow_nodes.estimators.models.child_process import child_ends, run_child


class ExecutionOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is to run: an ONNX file, a transformers folder, or an architecture with random weights.

    `entry` is what the catalogue knows of it; `bundled` the name in the weights manifest, whose sample is then used,
    at `precision` (`float16`, `int8`; as it ships where that is empty).
    """

    kind: Literal["onnx", "folder", "architecture"]
    path: str = ""
    entry: CatalogueModel | None = None
    bundled: str = ""
    precision: str = ""
    threads: int = 1
    budget_s: float = 2.0


class VariantReport(msgspec.Struct, frozen=True, kw_only=True):
    """A shipped model at one precision, run on its sample; differences are to its float32 outputs, None is unknown."""

    id: str
    precision: str
    method: str
    weights_bytes: float | None
    wall_p05_s: float
    wall_p50_s: float
    wall_p95_s: float
    runs: int
    largest_difference: float | None
    relative_difference: float | None
    agreement: float | None
    agreement_about: str
    sample_words: str


class ExecutionReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a run took; None is unknown (JSON has no NaN)."""

    runtime: str
    runs: int
    warm_ups: int
    stable: bool
    wall_p05_s: float
    wall_p50_s: float
    wall_p95_s: float
    cpu_p50_s: float
    peak_memory_bytes: float
    memory_method: str
    load_average: float
    measured_at_s: float
    threads: int
    parameters: int | None = None
    flops: float | None = None
    weights_bytes: float | None = None
    sample_result: str = ""
    sample_words: str = ""
    variants: tuple[VariantReport, ...] = ()


def execute(
    order: ExecutionOrder,
    *,
    timeout_s: float,
    cancelled: Callable[[], bool] = lambda: False,
    waiting: Callable[[float], None] = lambda elapsed_s: None,
) -> ExecutionReport:
    """Run the model in a child process.

    Raises:
        ChildFailed, ChildTimedOut, ChildCancelled: there is no report.
    """
    return run_child(
        __name__,
        order,
        ExecutionReport,
        threads=order.threads,
        timeout_s=timeout_s,
        cancelled=cancelled,
        waiting=waiting,
    )


def perform(order: ExecutionOrder) -> ExecutionReport:
    """Load the model in this process, run it and report."""
    # Each run time is loaded only in the child that needs it: together they take seconds and half a gigabyte.
    if order.kind == "onnx":
        from hedgerow_nodes.estimators.models.onnx_runs import OnnxRuns as Runs
    else:
        from hedgerow_nodes.estimators.models.torch_runs import TorchRuns as Runs  # type: ignore[assignment]
    from hedgerow_nodes.estimators.models.measurement import PeakMemory, time_runs

    load_average = os.getloadavg()[0]
    memory = PeakMemory()
    runs = Runs(order)
    clock = time.thread_time if order.threads == 1 else time.process_time
    timing = time_runs(runs.run, budget_s=order.budget_s, cpu_clock=clock)
    peak_memory_bytes = memory.peak_bytes()
    facts = runs.facts()
    sample_result, sample_words = runs.sample_result()
    return ExecutionReport(
        runtime=runs.runtime,
        runs=len(timing.wall_s),
        warm_ups=timing.warm_ups,
        stable=timing.stable,
        wall_p05_s=timing.wall_quantile_s(0.05),
        wall_p50_s=timing.wall_quantile_s(0.5),
        wall_p95_s=timing.wall_quantile_s(0.95),
        cpu_p50_s=timing.cpu_median_s,
        peak_memory_bytes=float(peak_memory_bytes),
        memory_method=memory.METHOD,
        load_average=load_average,
        measured_at_s=time.time(),
        threads=order.threads,
        parameters=facts.parameters,
        flops=facts.flops,
        weights_bytes=facts.weights_bytes,
        sample_result=sample_result,
        sample_words=sample_words,
        variants=runs.variants(),
    )


def main() -> None:
    """Be the child: an order on standard input, a report on standard output."""
    with child_ends() as (given, result):
        order = msgspec.json.decode(given.read(), type=ExecutionOrder)
        result.write(msgspec.json.encode(perform(order)))


if __name__ == "__main__":
    main()
