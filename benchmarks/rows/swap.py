"""Swap: three trivial steps at 50 items a second, moved to another worker and back; what is lost, and the gap."""

from __future__ import annotations

import statistics
import time
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.figures import Figure, at_most, fixed_at_most
from benchmarks.serving_system import Handlers, Tallied, blueprint, read_tally, serving_system, until

EVERY_S = 0.02
MOVES = 6
SETTLED_ITEMS = 75
STILL_S = 1.0
"""Between two moves, beside which the gaps are told."""

WITHIN_S = 30.0
STEPS = ("a", "b", "c")
AWAY = ("worker-2", "worker-3")


def measure() -> list[Figure]:
    """Source and sink stay on the first worker; of each move the widest gap counts, and of all moves the worst."""
    with TemporaryDirectory(prefix="hedgerow-bench-") as folder:
        with serving_system(Path(folder), ["worker-1", *AWAY]) as system:
            tally = system.tally("swap")
            handlers: Handlers = {
                "numbers": ("bench_count", {"every_s": EVERY_S}, ("worker-1",)),
                **{step: ("bench_pass", {}, AWAY) for step in STEPS},
                "out": ("bench_tally", {"path": str(tally)}, ("worker-1",)),
            }
            links = "numbers.record > a.record, a.record > b.record, b.record > c.record, c.record > out.value"
            service_id = system.play.deploy(blueprint("swap", handlers, links))
            here = system.play.worker_of(service_id, "a")
            windows = []
            for _ in range(MOVES):
                here = next(name for name in AWAY if name != here)
                epoch = _newest_epoch(tally)
                until(partial(_settled, tally, epoch), WITHIN_S, "steady items")
                time.sleep(STILL_S)
                began_s = time.monotonic()
                wish = {"placement": dict.fromkeys(STEPS, here)}
                answer = system.client.post("services", service_id, "placement", body=wish)
                if not answer["changed"]:
                    raise RuntimeError(f"the move to {here} was not begun: {answer['reason']}")
                until(partial(_settled, tally, epoch + 1), WITHIN_S, f"items of epoch {epoch + 1}")
                windows.append((began_s, time.monotonic()))
            system.client.post("services", service_id, "stop")
            system.play.wait(service_id, {"STOPPED"}, WITHIN_S)
            items = read_tally(tally)
    return _figures(items, windows)


def _figures(items: list[Tallied], windows: list[tuple[float, float]]) -> list[Figure]:
    sequences = [item.sequence for item in items]
    different = set(sequences)
    lost = max(different) + 1 - len(different)
    gaps = tuple(1e3 * (_widest_s(items, *window) - EVERY_S) for window in windows)
    between = [(end, begin) for (_, end), (begin, _) in pairwise(windows)]
    still = [1e3 * (_widest_s(items, *window) - EVERY_S) for window in between]
    details = {
        "median": statistics.median(gaps),
        "without a move": max(still, default=None),
        "took_s": [end - begin for begin, end in windows],
    }
    count = {"items": len(items), "moves": len(windows), "epochs": len({item.epoch for item in items})}
    return [
        Figure("swap: lost", lost, "items", (fixed_at_most(0),), count),
        Figure("swap: doubled", len(sequences) - len(different), "items", (fixed_at_most(0),), count),
        Figure("swap: gap beyond one frame interval, worst", float(np.max(gaps)), "ms", (at_most(20),), details, gaps),
    ]


def _widest_s(items: list[Tallied], begin_s: float, end_s: float) -> float:
    times = sorted(item.at_s for item in items if begin_s <= item.at_s <= end_s)
    return max((after - before for before, after in pairwise(times)), default=float("nan"))


def _newest_epoch(tally: Path) -> int:
    return max((item.epoch for item in read_tally(tally)), default=1)


def _settled(tally: Path, epoch: int) -> bool:
    return sum(item.epoch == epoch for item in read_tally(tally)) >= SETTLED_ITEMS
