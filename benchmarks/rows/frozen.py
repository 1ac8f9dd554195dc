"""Frozen: how much later a service starts on one worker while another one is stopped by SIGSTOP, in pairs by turns."""

from __future__ import annotations

import os
import signal
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, at_most
from benchmarks.serving_system import Handlers, ServingSystem, blueprint, read_tally, serving_system, until

PAIRS = 6
GIVEN_UP_S = 2.5
"""By then a worker that is silent is known to be."""

WITHIN_S = 30.0
FROZEN, FREE = "worker-1", "worker-2"


def measure() -> list[Figure]:
    """Once right after the stop, which nobody has noticed yet, and once when it was noticed."""
    with TemporaryDirectory(prefix="hedgerow-bench-") as folder:
        with serving_system(Path(folder), [FROZEN, FREE]) as system:
            resident = _deploy(system, "resident", FROZEN)[0]
            _start_ms(system, "warm")
            return [
                *_pairs(system, resident, "not noticed yet", 0.0),
                *_pairs(system, resident, "given up", GIVEN_UP_S),
            ]


def _pairs(system: ServingSystem, resident: str, when: str, after_s: float) -> list[Figure]:
    without, beside = [], []
    pid = system.pid(FROZEN)
    for turn in range(PAIRS):
        for is_frozen in (True, False) if turn % 2 else (False, True):
            name = f"{when.replace(' ', '-')}-{turn}-{is_frozen}"
            if not is_frozen:
                without.append(_start_ms(system, name))
                continue
            os.kill(pid, signal.SIGSTOP)
            try:
                time.sleep(after_s)
                beside.append(_start_ms(system, name))
            finally:
                os.kill(pid, signal.SIGCONT)
            system.play.wait_for_workers(2)
            system.play.wait(resident, {"RUNNING"}, WITHIN_S)
    later = tuple(one - other for one, other in zip(beside, without, strict=True))
    details = {"without_ms": without, "beside_ms": beside}
    return [Figure(f"frozen: later start, {when}", statistics.median(later), "ms", (at_most(50),), details, later)]


def _start_ms(system: ServingSystem, name: str) -> float:
    """From the request to the first item at the sink; then all of it is gone, and a moment passes."""
    service_id, began_s = _deploy(system, name, FREE)
    first = until(lambda: read_tally(system.tally(name)), WITHIN_S, f"an item of {name}", 0.005)[0]
    system.play.delete(service_id)
    time.sleep(0.5)
    return (first.at_s - began_s) * 1e3


def _deploy(system: ServingSystem, name: str, worker: str) -> tuple[str, float]:
    handlers: Handlers = {
        "numbers": ("bench_count", {}, (worker,)),
        "step": ("bench_pass", {}, (worker,)),
        "out": ("bench_tally", {"path": str(system.tally(name))}, (worker,)),
    }
    made = blueprint(name, handlers, "numbers.record > step.record, step.record > out.value")
    began_s = time.monotonic()
    return system.client.post("services", body={"blueprint": made, "start": True})["service_id"], began_s
