"""Memory: resident size of every process after 10,000 and after 100,000 trivial tasks in one run."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, fixed_at_most
from benchmarks.pipeline_system import check_store, pipeline_system

FIRST_TASKS = 10_000
ALL_TASKS = 100_000
IN_FLIGHT = 128


def measure() -> list[Figure]:
    """The process that has grown most, as a share of its size after the first tasks."""
    with TemporaryDirectory(prefix="hedgerow-bench-") as folder:
        home = Path(folder)
        with pipeline_system(home) as system:
            system.client.run_tasks(FIRST_TASKS, IN_FLIGHT)
            before = system.rss_bytes()
            system.client.run_tasks(ALL_TASKS - FIRST_TASKS, IN_FLIGHT)
            after = system.rss_bytes()
        stored = check_store(home)
    growth = {name: (after[name] / before[name] - 1) * 100 for name in before}
    megabytes = {name: (before[name] / 1e6, after[name] / 1e6) for name in before}
    details = {"growth_percent": growth, "rss_mb_before_and_after": megabytes, "stored": stored}
    return [Figure("memory growth", max(growth.values()), "%", (fixed_at_most(10),), details, tuple(growth.values()))]
