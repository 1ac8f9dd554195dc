"""Places instances one after another: at random by weight, in turn, or where there is least to do."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from hedgerow_orchestrator.placement.problem import Problem
from hedgerow_orchestrator.placement.strategies import Candidate, Strategy, Wish, place
from hedgerow_orchestrator.serving.parts import Key, Part
from hedgerow_orchestrator.serving.proposal import Request
from hedgerow_orchestrator.serving.workers import Worker

_STRATEGIES = {
    "random": Strategy.RANDOM_WEIGHTED,
    "round_robin": Strategy.ROUND_ROBIN,
    "load_aware": Strategy.LOAD_AWARE,
}


def by_strategy(
    strategy: str,
    parts: Sequence[Part],
    workers: Sequence[Worker],
    problem: Problem,
    possible: Mapping[Key, tuple[int, ...]],
    request: Request,
) -> tuple[tuple[int, ...], int]:
    """The place among the workers of each part, and the turn at which the next call goes on.

    Raises:
        Infeasible: no worker can take an instance; the text says of each worker why not.
    """
    labels = problem.node_names
    unknown = max((_busy_share(each, 0.0) for each in workers), default=0.0)
    candidates = [
        Candidate(
            label,
            float(each.info.cores),
            each.info.clock_hz,
            _busy_share(each, unknown) * each.info.cores,
            each.free_bytes,
        )
        for label, each in zip(labels, workers, strict=True)
    ]
    together, apart = dict(problem.rules.together), problem.rules.apart
    chosen: dict[str, str] = {}
    turn = request.turn
    seeds = random.Random(request.seed)
    shy = {one for one, _ in apart}
    # First those that others want to be beside, then these, last those that keep away from any.
    for part in sorted(parts, key=lambda each: (each.label in shy, each.label in together)):
        near = frozenset(labels[at] for at in possible[part.key])
        if together.get(part.label) in chosen:
            near &= {chosen[together[part.label]]}
        away = frozenset(
            chosen[other]
            for one, two in apart
            for mine, other in ((one, two), (two, one))
            if mine == part.label and other in chosen
        )
        wish = Wish(part.label, 0.0, part.requires.memory_bytes, near or frozenset({""}), away)
        picked, turn = place([wish], candidates, _STRATEGIES[strategy], seeds.randrange(2**32), turn)
        chosen |= picked
        at = labels.index(chosen[part.label])
        held = candidates[at]
        candidates[at] = Candidate(
            held.name,
            held.cores,
            held.clock_hz,
            # What an instance will take is unknown: one core for a little while tells them apart.
            held.busy_cores + _LOAD_OF_ONE,
            held.free_bytes - part.requires.memory_bytes,
        )
    return tuple(labels.index(chosen[part.label]) for part in parts), turn


_LOAD_OF_ONE = 0.1


def _busy_share(worker: Worker, unknown: float) -> float:
    """The part of its processors that is in use; one that has not told it yet is no idle one: it gets what is given."""
    percent = worker.status.cpu_percent
    return percent / 100 if percent >= 0 else unknown
