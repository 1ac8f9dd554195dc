"""Ranking: every model of every task on every device, filtered, put on its Pareto front and chosen from."""

from __future__ import annotations

import statistics
import time

from benchmarks.figures import Figure, at_most, fixed_at_most
from hedgerow_nodes.estimators.devices.catalogue import load_devices
from hedgerow_nodes.estimators.models import catalogue, grid, published, text_costs
from hedgerow_nodes.estimators.models.filters import Ask
from hedgerow_nodes.estimators.models.pool import gather
from hedgerow_nodes.estimators.models.selection import suggest

TRIALS = 7
CANDIDATES = 5


def measure() -> list[Figure]:
    """Load both catalogues once as a node does, then rank everything some times."""
    began = time.process_time()
    theirs = published.decode(published.packaged())
    load_s = time.process_time() - began
    ours, texts, devices = catalogue.load(), text_costs.load(), load_devices()
    tasks = sorted({*ours.tasks(), *theirs.tasks()})
    trials = []
    pairs = 0
    for _ in range(TRIALS):
        began, pairs = time.process_time(), 0
        on = grid.machines(devices)
        for task in tasks:
            pool = gather(task, theirs, ours, texts)
            suggest(pool, grid.costs(pool, on), Ask(), CANDIDATES)
            pairs += len(pool) * len(on.ids)
        trials.append(time.process_time() - began)
    details = {"tasks": len(tasks), "models": len(theirs.models) + len(ours.models), "pairs": pairs}
    return [
        Figure("ranking", statistics.median(trials), "s", (at_most(1),), details, tuple(trials)),
        Figure("ranking: loading the published models", load_s, "s", (fixed_at_most(0.3),)),
    ]
