"""Pipeline latency: one task alone through six trivial nodes, from its submission to the news that it is stored."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import rivals
from benchmarks.figures import Figure, at_most
from benchmarks.pipeline_system import check_store, pipeline_system

WARM = 200
BACK_TO_BACK = 1500
SPACED = 300
SPACING_S = 0.025
RIVAL_S = 2.0


def measure() -> list[Figure]:
    """Tasks one after another, then with idle time between them, then the rivals."""
    with TemporaryDirectory(prefix="hedgerow-bench-") as folder:
        home = Path(folder)
        with pipeline_system(home) as system:
            for _ in range(WARM):
                system.client.run_one()
            close_ms = [system.client.run_one() * 1e3 for _ in range(BACK_TO_BACK)]
            spaced_ms = []
            for _ in range(SPACED):
                time.sleep(SPACING_S)
                spaced_ms.append(system.client.run_one() * 1e3)
        stored = check_store(home)
    beside = {name: asdict(each) for name, each in rivals.measure_all(RIVAL_S).items()}
    details = {"back_to_back": len(close_ms), "spaced": len(spaced_ms), "stored": stored, "beside": beside}
    p99_ms = statistics.quantiles(close_ms, n=100)[98]
    return [
        Figure("pipeline latency back to back p50", statistics.median(close_ms), "ms", (at_most(3),), details),
        Figure("pipeline latency spaced p50", statistics.median(spaced_ms), "ms", (at_most(5),), details),
        Figure("pipeline latency p99", p99_ms, "ms", (at_most(15),), details),
    ]
