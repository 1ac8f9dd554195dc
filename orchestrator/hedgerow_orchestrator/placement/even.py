"""Of placements about as good, one whose slowest part has less to do: there is room where something goes wrong."""

from __future__ import annotations

from collections.abc import Iterator

from hedgerow_orchestrator.placement.chains import SAME
from hedgerow_orchestrator.placement.evaluate import Evaluator
from hedgerow_orchestrator.placement.objective import THROUGHPUT
from hedgerow_orchestrator.placement.problem import Problem

MOST_ROUNDS = 3

MOVED_S_PER_BYTE = 1e-9
"""What a byte more between two nodes counts for: workers of one machine moved 0.8 to 1.3 GB/s, held back by their
processors alone."""


def evened(evaluator: Evaluator, placement: tuple[int, ...], worth: float = 0.0) -> tuple[int, ...]:
    """Move the boundaries of a chain, so that its slowest part gets faster and the rate hardly changes.

    Where links or shared cores bound the rate, many cuts have the same. One part that does most of the work falls
    behind the others whenever it has to share its processor, and they then stand still: of two cores that bound the
    rate nine to twelve per cent were seen idle with parts of 1.8 and 2.8 ms, five to seven with 2.3 and 2.6 ms.

    Args:
        worth: seconds between two items that a second less in the slowest part may cost. With 0 the rate stays what it
            is; costs that were measured apart on each node differ by some per cent, though, and then no two cuts have
            the same.

    Returns:
        A placement on the same nodes in the same order. It is the given one where that is no chain, and where something
        else than the rate counts.
    """
    problem = evaluator.problem
    if not problem.is_chain or problem.objective.name != THROUGHPUT.name:
        return placement
    found = evaluator.evaluate(placement)
    slowest_s = max(found.node_s.values())
    both_s, crossing_bytes = found.bottleneck_s + worth * slowest_s, _crossing_bytes(problem, placement)
    for _ in range(MOST_ROUNDS):
        before_s = slowest_s
        for tried in _with_a_boundary_moved(placement):
            now = evaluator.evaluate(tried)
            now_s = max(now.node_s.values())
            more_bytes = max(0.0, _crossing_bytes(problem, tried) - crossing_bytes)
            now_both_s = now.bottleneck_s + worth * now_s + more_bytes * MOVED_S_PER_BYTE
            if now_s >= slowest_s * (1 - SAME) or now_both_s > both_s * (1 + SAME) or evaluator.broken(tried):
                continue
            placement, slowest_s, both_s = tried, now_s, min(both_s, now_both_s)
        if slowest_s == before_s:
            break
    return placement


def _crossing_bytes(problem: Problem, placement: tuple[int, ...]) -> float:
    return sum(edge.size_bytes for edge in problem.edges if placement[edge.sender] != placement[edge.receiver])


def _with_a_boundary_moved(placement: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """All placements in which one boundary lies elsewhere between its two neighbours."""
    starts = [at for at in range(len(placement)) if at == 0 or placement[at - 1] != placement[at]]
    ends = [*starts[1:], len(placement)]
    for first, middle, last in zip(starts, starts[1:], ends[1:], strict=False):
        for at in range(first + 1, last):
            if at != middle:
                behind = placement[middle]
                yield (
                    *placement[:first],
                    *[placement[first]] * (at - first),
                    *[behind] * (last - at),
                    *placement[last:],
                )
