"""Latency and memory as the catalogue expects them on this host, beside what running the models takes.

`python -m hedgerow_nodes.estimators.validation.runs` measures the calibration of one thread, then runs every model of
data/models.json of at most `--most-gflop` on it, trained weights where they ship and random ones elsewhere. Times are
processor time, so other work on the host counts little. `--each` prints every model.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hedgerow_idl import Calibration
from hedgerow_nodes.estimators.models import calibration as calibrating
from hedgerow_nodes.estimators.models import candidate_costs, catalogue
from hedgerow_nodes.estimators.models.catalogue import CatalogueModel
from hedgerow_nodes.estimators.models.child_process import ChildFailed, ChildTimedOut
from hedgerow_nodes.estimators.models.execution import ExecutionOrder, ExecutionReport, execute
from hedgerow_nodes.estimators.models.sources import source_of
from hedgerow_nodes.estimators.validation.comparison import Pair, row, table

TIMEOUT_S = 300.0
REFERENCE = "run on this host"


@dataclass(frozen=True)
class Ran:
    """A model, its run, and the two estimates that were made before it."""

    model: CatalogueModel
    latency: Pair
    memory: Pair

    @property
    def line(self) -> str:
        """Both for a person: seconds of processor time, bytes."""
        took, held = self.latency, self.memory
        return (
            f"{self.model.id} ({self.model.efficiency}): {took.estimate:.4g} s expected, {took.reference:.4g} s taken"
            f"{'' if took.inside else ' (outside)'}; {held.estimate / 1e6:.1f} MB expected, "
            f"{held.reference / 1e6:.1f} MB taken{'' if held.inside else ' (outside)'}"
        )


def compare(model: CatalogueModel, report: ExecutionReport, calibration: Calibration) -> Ran:
    """What was expected of a model under a calibration, beside what its run took."""
    latency_s, memory_bytes = candidate_costs.latency(model, calibration), candidate_costs.memory(model)
    return Ran(
        model,
        Pair(model.id, latency_s.value, report.cpu_p50_s, latency_s),
        Pair(model.id, memory_bytes.value, report.peak_memory_bytes, memory_bytes),
    )


def run_all(models: Sequence[CatalogueModel], calibration: Calibration, budget_s: float) -> Iterator[Ran]:
    """Run one after another in a process of its own; one that fails or takes minutes is named and left out."""
    for model in models:
        located = source_of(model, hub_home=None).locate()
        order = ExecutionOrder(
            kind=located.kind, path=located.path, bundled=located.bundled, entry=model, budget_s=budget_s
        )
        try:
            yield compare(model, execute(order, timeout_s=TIMEOUT_S), calibration)
        except (ChildFailed, ChildTimedOut) as error:
            print(f"{model.id}: {error}", file=sys.stderr)


def rows(ran: Sequence[Ran]) -> list[str]:
    """Latency of all and by kind of model, then memory by run time."""
    found = [row("latency, all", REFERENCE, [one.latency for one in ran])]
    for kind in sorted({one.model.efficiency for one in ran}):
        found.append(row(f"latency, {kind}", REFERENCE, [one.latency for one in ran if one.model.efficiency == kind]))
    found.append(row("memory, all", REFERENCE, [one.memory for one in ran]))
    for runtime in ("onnxruntime", "torch"):
        of_runtime = [one.memory for one in ran if one.model.efficiency.endswith(runtime)]
        found += [row(f"memory, {runtime}", REFERENCE, of_runtime)] if of_runtime else []
    return found


def host() -> str:
    """The processor and the system, in words."""
    named = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith(("model name", "cpu fam"))
    ]
    facts = dict.fromkeys(line.partition(":")[2].strip() for line in named)
    return f"{', family '.join(reversed(list(facts)))}, {platform.platform(terse=True)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print host, calibration and table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most-gflop", type=float, default=60.0, help="leave out models of more GFLOP an inference")
    parser.add_argument("--budget", type=float, default=2.0, help="seconds for which each model is run again")
    parser.add_argument("--each", action="store_true", help="print every model")
    asked = parser.parse_args(arguments)
    rates = calibrating.measure_in_child(1)
    calibration = Calibration(
        compute_flops_per_s=rates.compute_flops_per_s, bandwidth_bytes_per_s=rates.bandwidth_bytes_per_s
    )
    print(f"{host()}; one thread: {rates.compute_flops_per_s / 1e9:.1f} GFLOP/s, "
          f"{rates.bandwidth_bytes_per_s / 1e9:.1f} GB/s; {rates.software}")  # fmt: skip
    models = [model for model in catalogue.load().models if model.flops <= asked.most_gflop * 1e9]
    ran = []
    for one in run_all(models, calibration, asked.budget):
        ran.append(one)
        if asked.each:
            print(one.line, flush=True)
    print(table(rows(ran)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
