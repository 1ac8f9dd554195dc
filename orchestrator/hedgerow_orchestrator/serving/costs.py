"""Tables of costs and links for the placement engine, and in words what they rest on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hedgerow_orchestrator.placement.network import Links, as_bad_as_the_worst
from hedgerow_orchestrator.placement.problem import CoreGroup, Costs
from hedgerow_orchestrator.placement.scaling import scaled
from hedgerow_orchestrator.serving.host_load import cores_left, host_of
from hedgerow_orchestrator.serving.workers import Worker

ASSUMED_COST_S = 0.01
"""Of a handler that nobody ever measured, on a worker of middling speed."""

ASSUMED_BYTES = {
    "image": 921_600.0,
    "encoded_image": 100_000.0,
    "boxes": 2_000.0,
    "tensors": 600_000.0,
    "record": 1_000.0,
    "text": 1_000.0,
    "blob": 100_000.0,
}
"""An item by its type, where no cut tells it."""

ASSUMED_J_PER_BYTE = 1e-7

ASSUMED_ITEM_CPU_S = 3e-4
"""To move an item from one worker to another, at each of them, where none was moved yet: seen were 0.25 to 0.45 ms."""


@dataclass(frozen=True)
class Table:
    """Costs with the names of the stages of which nobody measured any, and the reason where one must be told."""

    costs: Costs
    assumed: tuple[str, ...] = field(default=())


def speeds(workers: Sequence[Worker]) -> NDArray[np.float64]:
    """Of each worker; where one is unknown the middle of the others, or 1."""
    known = np.array([worker.speed for worker in workers], dtype=np.float64)
    finite = known[np.isfinite(known)]
    known[~np.isfinite(known)] = float(np.median(finite)) if len(finite) else 1.0
    return known


def cost_table(names: Sequence[str], seconds: NDArray[np.float64], workers: Sequence[Worker]) -> Table:
    """Seconds that an item takes of each stage at each worker.

    What was measured stays, the rest is scaled by clock times cores, else assumed. Where a limit gives a worker less
    than one core's time, its items take the longer for it.

    Args:
        seconds: processor time an item, `[stage, worker]`; NaN where it was not measured.
    """
    speed = speeds(workers)
    table = np.where(seconds > 0, seconds, np.nan)
    known: NDArray[np.bool_] = np.asarray(np.isfinite(table).any(axis=1))
    filled = np.empty(table.shape)
    sources = np.full(table.shape, -1)
    if known.any():
        told = scaled(table[known], speed)
        filled[known], sources[known] = told.seconds, told.scaled_from
    filled[~known] = ASSUMED_COST_S * float(np.median(speed)) / speed
    filled /= np.array([worker.core_share for worker in workers])
    return Table(
        Costs(filled, sources), tuple(name for name, is_known in zip(names, known, strict=True) if not is_known)
    )


def assumption_words(table: Table) -> list[str]:
    """What was assumed of costs."""
    if not table.assumed:
        return []
    names = ", ".join(table.assumed[:8]) + (", …" if len(table.assumed) > 8 else "")
    return [
        f"the cost of {names} was never measured anywhere; {ASSUMED_COST_S * 1e3:g} ms on a worker of middling speed "
        "are assumed"
    ]


def link_table(workers: Sequence[Worker]) -> Links:
    """All links as their senders measured them; one never measured is as bad as the worst that was, never free."""
    size = len(workers)
    bandwidth, latency, age = (np.full((size, size), np.nan) for _ in range(3))
    for a, sender in enumerate(workers):
        for b, receiver in enumerate(workers):
            figure = sender.link_to(receiver.node_id) if a != b else None
            if figure is not None and figure.bandwidth_bytes_per_s > 0 and figure.latency_s >= 0:
                bandwidth[a, b], latency[a, b] = figure.bandwidth_bytes_per_s, figure.latency_s
                age[a, b] = max(figure.age_s, 0.0) if math.isfinite(figure.age_s) else np.nan
    assumption = as_bad_as_the_worst(bandwidth, latency)
    energy = np.full((size, size), ASSUMED_J_PER_BYTE)
    return Links(bandwidth, latency, age_s=age, energy_j_per_byte=energy, assumption=assumption)


def groups_of(workers: Sequence[Worker], names: Sequence[str]) -> tuple[CoreGroup, ...]:
    """Workers of one host share the cores that others leave them; a host with one worker needs no group."""
    left = cores_left(workers)
    by_host: dict[str, list[int]] = {}
    for at, worker in enumerate(workers):
        by_host.setdefault(host_of(worker), []).append(at)
    return tuple(
        CoreGroup(
            tuple(names[at] for at in places),
            left[host],
            tuple(workers[at].core_share for at in places),
        )
        for host, places in by_host.items()
        if len(places) > 1
    )
