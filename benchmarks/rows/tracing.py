"""Tracing: processor time an item with trace on against off, of a chain that classifies pictures, in pairs by turns."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import Figure, fixed_at_most
from benchmarks.serving_system import Handlers, ServingSystem, blueprint, read_tally, serving_system, until

PAIRS = 5
WINDOW_S = 4.0
WARM_ITEMS = 10
WITHIN_S = 60.0
EVERY_S = 0.004
PICTURE = {"kind": "image", "count": 0, "width": 320, "height": 240}


@dataclass(frozen=True)
class Spent:
    """Processor seconds an item: of the worker with its instances, and of everything, collector and store included."""

    worker_s: float
    all_s: float
    items_per_s: float


def measure() -> list[Figure]:
    """One worker has both services at once, and one of them works at a time."""
    with TemporaryDirectory(prefix="hedgerow-bench-") as folder:
        with serving_system(Path(folder), ["worker-1"], collector=True) as system:
            work: Handlers = {"source": ("generator", PICTURE, ()), "step": ("classify", {}, ())}
            real = _in_turn(system, "classify", work, "source.image > step.image, step.record > out.value")
            count: Handlers = {"source": ("bench_count", {"every_s": EVERY_S}, ()), "step": ("bench_pass", {}, ())}
            trivial = _in_turn(system, "trivial", count, "source.record > step.record, step.record > out.value")
    more = tuple(100 * (on.worker_s / off.worker_s - 1) for off, on in real)
    whole = [100 * (on.all_s / off.all_s - 1) for off, on in real]
    details = {
        "with orchestrator, front end and collector": statistics.median(whole),
        "classify": _told(real),
        "trivial": _told(trivial),
    }
    return [
        Figure("tracing: more CPU an item, classify", statistics.median(more), "%", (fixed_at_most(5),), details, more)
    ]


def _in_turn(system: ServingSystem, name: str, chain: Handlers, links: str) -> list[tuple[Spent, Spent]]:
    """Pairs of off and on."""
    ids = {}
    for trace in (False, True):
        tally = system.tally(f"{name}-{trace}")
        handlers: Handlers = {**chain, "out": ("bench_tally", {"path": str(tally)}, ())}
        made = blueprint(f"{name}-{'on' if trace else 'off'}", handlers, links, trace=trace)
        ids[trace] = system.play.deploy(made)
        system.client.post("services", ids[trace], "stop")
        system.play.wait(ids[trace], {"STOPPED"}, WITHIN_S)
    pairs = []
    for turn in range(PAIRS):
        seen = {
            on: _spent(system, ids[on], system.tally(f"{name}-{on}")) for on in ((False, True), (True, False))[turn % 2]
        }
        pairs.append((seen[False], seen[True]))
    for service_id in ids.values():
        system.play.delete(service_id)
    return pairs


def _spent(system: ServingSystem, service_id: str, tally: Path) -> Spent:
    """Let a service work for a while."""
    before = len(read_tally(tally))
    system.client.post("services", service_id, "start")
    until(lambda: len(read_tally(tally)) >= before + WARM_ITEMS, WITHIN_S, "items")
    names = list(system.launched.processes)
    begin = len(read_tally(tally)), system.cpu_s("worker-1"), system.cpu_s(*names)
    time.sleep(WINDOW_S)
    end = len(read_tally(tally)), system.cpu_s("worker-1"), system.cpu_s(*names)
    system.client.post("services", service_id, "stop")
    system.play.wait(service_id, {"STOPPED"}, WITHIN_S)
    items, worker_s, all_s = (after - earlier for earlier, after in zip(begin, end, strict=True))
    return Spent(worker_s / items, all_s / items, items / WINDOW_S)


def _told(pairs: list[tuple[Spent, Spent]]) -> dict[str, Any]:
    off, on = ([pair[at] for pair in pairs] for at in (0, 1))
    return {
        "off_ms": statistics.median(one.worker_s for one in off) * 1e3,
        "on_ms": statistics.median(one.worker_s for one in on) * 1e3,
        "off_all_ms": statistics.median(one.all_s for one in off) * 1e3,
        "on_all_ms": statistics.median(one.all_s for one in on) * 1e3,
        "more_percent": statistics.median(100 * (b.worker_s / a.worker_s - 1) for a, b in pairs),
        "items_per_s": statistics.median(one.items_per_s for one in on),
    }
