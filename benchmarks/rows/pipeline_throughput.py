"""Pipeline throughput: six trivial nodes in six processes, every output stored before its dependants start."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import rivals
from benchmarks.figures import Figure, at_least
from benchmarks.pipeline_system import check_store, pipeline_system

SUSTAINED_S = 30.0
WARM_S = 3.0
PARTS = 6
IN_FLIGHT = 192
RIVAL_S = 5.0


def measure() -> list[Figure]:
    """Thirty seconds in six parts without a break, then the rivals."""
    with TemporaryDirectory(prefix="hedgerow-bench-") as folder:
        home = Path(folder)
        with pipeline_system(home, apart=True) as system:
            system.client.run_for(WARM_S, IN_FLIGHT)
            cpu_before_s, began_s = system.cpu_s(), time.perf_counter()
            parts = tuple(system.client.run_for(SUSTAINED_S / PARTS, IN_FLIGHT) for _ in range(PARTS))
            took_s, cpu_after_s = time.perf_counter() - began_s, system.cpu_s()
        stored = check_store(home)
    rate = sum(parts) / PARTS
    tasks = rate * took_s
    cpu_us = {name: (cpu_after_s[name] - used_s) / tasks * 1e6 for name, used_s in cpu_before_s.items()}
    beside = {name: asdict(each) for name, each in rivals.measure_all(RIVAL_S).items()}
    details = {"in_flight": IN_FLIGHT, "stored": stored, "cpu_us_per_task": cpu_us, "beside": beside}
    return [Figure("pipeline throughput", rate, "tasks/s", (at_least(2000),), details, parts)]
