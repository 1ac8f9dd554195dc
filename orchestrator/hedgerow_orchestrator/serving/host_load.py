"""The cores that a host has for its workers, beside what everything else on it takes. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hedgerow_orchestrator.serving.workers import Worker

LEAST_SHARE = 0.25
"""However busy a host is otherwise, so much of its cores counts as there: the others have to share."""

WORTH_TELLING_CORES = 0.1


def host_of(worker: Worker) -> str:
    """The host of a worker; one that does not tell is taken for a host of its own."""
    return worker.info.host_id or worker.node_id


def others_cores(workers: Sequence[Worker]) -> float:
    """Processor time a second that is taken on the workers' host by none of them; 0 while one has not told.

    It is the mean of what they see taken in all, less what each takes with its processes.
    """
    busy = [worker.status.busy_cores for worker in workers]
    used = [worker.status.used_cores for worker in workers]
    if not workers or not all(map(math.isfinite, [*busy, *used])):
        return 0.0
    return max(0.0, sum(busy) / len(busy) - sum(used))


def cores_left(workers: Sequence[Worker]) -> dict[str, float]:
    """By host the cores that all workers given have together."""
    left = {}
    for host, together in _by_host(workers).items():
        cores = _cores(together)
        left[host] = max(LEAST_SHARE * cores, cores - others_cores(together))
    return left


def load_words(workers: Sequence[Worker]) -> list[str]:
    """What others take, a sentence for each host where that is worth telling."""
    words = []
    for together in _by_host(workers).values():
        others = others_cores(together)
        if others >= WORTH_TELLING_CORES:
            names = ", ".join(worker.label for worker in together)
            words.append(f"processes beside {names} take {others:.2g} of the {_cores(together):g} cores of their host")
    return words


def _by_host(workers: Sequence[Worker]) -> dict[str, list[Worker]]:
    by_host: dict[str, list[Worker]] = {}
    for worker in workers:
        by_host.setdefault(host_of(worker), []).append(worker)
    return by_host


def _cores(together: Sequence[Worker]) -> float:
    return float(max(worker.info.cores for worker in together) or 1)
