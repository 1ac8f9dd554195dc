"""Instances: a hundred trivial ones on one warm worker, from the request to the news that all of them run."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, at_most
from benchmarks.serving_system import Handlers, ServingSystem, blueprint, serving_system, until

INSTANCES = 100
TRIALS = 3
WITHIN_S = 60.0


def measure() -> list[Figure]:
    """A small service to warm the worker, then some large ones, each deleted before the next."""
    with TemporaryDirectory(prefix="hedgerow-bench-") as folder:
        with serving_system(Path(folder), ["worker-1"]) as system:
            _start_s(system, "warm", 3)
            took = tuple(_start_s(system, f"many-{trial}", INSTANCES) for trial in range(TRIALS))
    details = {"ms_per_instance": statistics.median(took) * 1e3 / INSTANCES, "slowest_s": max(took)}
    return [Figure("instances: 100 on one worker", statistics.median(took), "s", (at_most(6),), details, took)]


def _start_s(system: ServingSystem, name: str, instances: int) -> float:
    """A source, a sink, and replicas between them, so many in all."""
    handlers: Handlers = {
        "numbers": ("bench_count", {"every_s": 0.1}, ()),
        "step": ("bench_pass", {}, ()),
        "out": ("bench_tally", {"path": str(system.tally(name))}, ()),
    }
    made = blueprint(name, handlers, "numbers.record > step.record, step.record > out.value")
    made["handlers"][1]["instances"] = instances - 2
    began_s = time.perf_counter()
    service_id = system.client.post("services", body={"blueprint": made, "start": True})["service_id"]

    # The list is short; the service itself would be a hundred instances each time.
    def runs() -> bool:
        return any(
            each["service_id"] == service_id and each["state"] == "RUNNING"
            for each in system.client.get("services")["items"]
        )

    until(runs, WITHIN_S, f"{instances} instances")
    took_s = time.perf_counter() - began_s
    # It has answered that all are at work; what each tells of itself comes with the worker's next status.
    until(lambda: _states(system, service_id) == ["RUNNING"] * instances, WITHIN_S, f"{instances} that say RUNNING")
    system.play.delete(service_id)
    return took_s


def _states(system: ServingSystem, service_id: str) -> list[str]:
    return [each["state"] for each in system.client.get("services", service_id)["instances"]]
