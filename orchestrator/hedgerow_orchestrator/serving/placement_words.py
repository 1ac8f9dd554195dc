"""Names of workers that the placement engine can use, objectives, and the sentence that nobody can host something."""

from __future__ import annotations

from collections.abc import Sequence

from hedgerow_orchestrator.placement.objective import ENERGY, LATENCY, THROUGHPUT, Objective
from hedgerow_orchestrator.serving.blueprint import Weights, Wishes
from hedgerow_orchestrator.serving.workers import Worker


def labels_of(workers: Sequence[Worker]) -> list[str]:
    """The name of each worker; of two with one name the id as well."""
    names = [worker.label for worker in workers]
    return [
        name if names.count(name) == 1 else f"{name} ({worker.node_id})"
        for name, worker in zip(names, workers, strict=True)
    ]


def objective_of(wishes: Wishes) -> Objective:
    """What a blueprint wants its placement to be good at."""
    wanted = wishes.objective
    if isinstance(wanted, Weights):
        return Objective(bottleneck=wanted.throughput, latency=wanted.latency, energy=wanted.energy)
    return {"throughput": THROUGHPUT, "latency": LATENCY, "energy": ENERGY}[wanted]


def nobody_can(what: str, workers: Sequence[Worker], reasons: Sequence[str]) -> str:
    """Why no worker can host something, worker by worker."""
    told = "; ".join(f"{worker.label} {why}" for worker, why in zip(workers, reasons, strict=True))
    return f"no worker can host {what!r}: {told or 'there is no worker'}"
