"""Recovery: the worker of a chain's middle step is killed; how long until the first result of the next epoch."""

from __future__ import annotations

import statistics
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, at_most
from benchmarks.serving_system import Handlers, Tallied, blueprint, read_tally, serving_system, until

TRIALS = 5
EVERY_S = 0.02
SETTLED_S = 2.0
WITHIN_S = 30.0
OTHERS = ("worker-2", "worker-3")


def measure() -> list[Figure]:
    """SIGKILL to the worker that has the step; source and sink stay on another one, which goes on."""
    with TemporaryDirectory(prefix="hedgerow-bench-") as folder:
        with serving_system(Path(folder), ["worker-1", *OTHERS]) as system:
            tally = system.tally("recovery")
            handlers: Handlers = {
                "numbers": ("bench_count", {"every_s": EVERY_S}, ("worker-1",)),
                "step": ("bench_pass", {}, OTHERS),
                "out": ("bench_tally", {"path": str(tally)}, ("worker-1",)),
            }
            links = "numbers.record > step.record, step.record > out.value"
            service_id = system.play.deploy(blueprint("recovery", handlers, links))
            took = []
            for _ in range(TRIALS):
                system.play.wait_for_workers(3)
                victim = until(lambda: system.play.worker_of(service_id, "step"), WITHIN_S, "the step to run")
                time.sleep(SETTLED_S)
                epoch = max(item.epoch for item in read_tally(tally))
                killed_s = time.monotonic()
                system.launched.kill(victim)
                first = until(partial(_first, tally, epoch), WITHIN_S, "a result")
                took.append(first.at_s - killed_s)
                system.play.wait(service_id, {"RUNNING"}, WITHIN_S)
                system.start_worker(victim)
            items = [item.sequence for item in read_tally(tally)]
    different = len(set(items))
    details = {"items": len(items), "doubled": len(items) - different, "lost_in_all": 1 + max(items) - different}
    trials = tuple(took)
    return [
        Figure("recovery: first new result, median", statistics.median(took), "s", (at_most(2),), details, trials),
        Figure("recovery: first new result, worst", max(took), "s", (at_most(2),), details, trials),
    ]


def _first(tally: Path, epoch: int) -> Tallied | None:
    """The first item of a later epoch."""
    return next((item for item in read_tally(tally) if item.epoch > epoch), None)
