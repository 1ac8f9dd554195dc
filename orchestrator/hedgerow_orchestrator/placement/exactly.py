"""Cuts a chain into exactly N parts on N different nodes: over all sets of nodes, by the boundary of the last part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hedgerow_orchestrator.placement.checks import Infeasible
from hedgerow_orchestrator.placement.evaluate import Evaluator
from hedgerow_orchestrator.placement.problem import Problem

MOST_NODES = 8
"""Of more nodes the fastest are looked at, for the sets of nodes grow as their powers of two."""

Table = NDArray[np.float64]


def exactly(problem: Problem, parts: int, order: Sequence[int] = ()) -> tuple[tuple[int, ...], bool]:
    """The best placement found with so many parts, and whether nothing is better.

    Args:
        problem: a chain.
        parts: at least 1.
        order: the node of each part, where that is given.

    Raises:
        Infeasible: there are fewer stages, or fewer nodes that may have them.
    """
    stages = len(problem.stages)
    if parts > stages:
        raise Infeasible(f"{stages} layers cannot be cut into {parts} parts")
    evaluator = Evaluator(problem)
    able = [at for at in range(len(problem.nodes)) if evaluator.allowed[:, at].all()]
    if len(able) < parts:
        names = ", ".join(problem.node_names[at] for at in able) or "none"
        raise Infeasible(f"{parts} parts need {parts} workers, each its own, and {len(able)} can host one: {names}")
    looked_at = sorted(able, key=lambda at: float(evaluator.seconds[:, at].sum()))[: max(MOST_NODES, parts)]
    looked_at = sorted(set(looked_at) | set(order))
    goal = problem.objective
    found = []
    for by_slowest in (True, False):
        if goal.bottleneck > 0 if by_slowest else goal.latency > 0 or goal.energy > 0:
            placement = _best(evaluator, parts, looked_at, order, by_slowest=by_slowest)
            found.append((evaluator.evaluate(placement).value, placement))
    value, placement = min(found)
    if not np.isfinite(value):
        raise Infeasible(f"no {parts} workers have links to each other that can be used")
    is_exact = len(found) == 1 and len(looked_at) == len(able) and not problem.groups
    return placement, is_exact or (len(found) == 1 and bool(order) and not problem.groups)


def _best(
    evaluator: Evaluator, parts: int, nodes: Sequence[int], order: Sequence[int], *, by_slowest: bool
) -> tuple[int, ...]:
    """By the slowest part or link, or by what adds up; `reached[nodes, last node][l]` is the best of l layers."""
    spans = {node: _spans(evaluator, node, by_slowest=by_slowest) for node in nodes}
    bits = {node: 1 << at for at, node in enumerate(nodes)}
    level: dict[tuple[int, int], Table] = {
        (bits[node], node): spans[node][0] for node in nodes if not order or node == order[0]
    }
    came: list[dict[tuple[int, int], tuple[NDArray[np.int64], NDArray[np.int64]]]] = []
    for part in range(1, parts):
        reached: dict[tuple[int, int], Table] = {}
        back: dict[tuple[int, int], tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        for (mask, last), before in level.items():
            for node in nodes:
                if mask & bits[node] or (order and node != order[part]):
                    continue
                cut = _cuts(evaluator, last, node, by_slowest=by_slowest)
                joined = np.maximum(before, cut) if by_slowest else before + cut
                every = np.maximum(joined[:, None], spans[node]) if by_slowest else joined[:, None] + spans[node]
                at = every.argmin(axis=0)
                value = every[at, np.arange(every.shape[1])]
                key = mask | bits[node], node
                if key not in reached:
                    reached[key], back[key] = value, (at, np.full(len(at), last))
                else:
                    better = value < reached[key]
                    old_at, old_last = back[key]
                    reached[key] = np.where(better, value, reached[key])
                    back[key] = np.where(better, at, old_at), np.where(better, last, old_last)
        level = reached
        came.append(back)
    mask, node = min(level, key=lambda key: float(level[key][-1]))
    end, placed = len(evaluator.problem.stages), []
    for back in reversed(came):
        ats, lasts = back[mask, node]
        begin = int(ats[end])
        placed.append((node, end - begin))
        mask, node, end = mask & ~bits[node], int(lasts[end]), begin
    placed.append((node, end))
    return tuple(node for node, count in reversed(placed) for _ in range(count))


def _spans(evaluator: Evaluator, node: int, *, by_slowest: bool) -> Table:
    """Of layers [first, last) on a node `[first, last]`; infinite where there is none."""
    goal = evaluator.problem.objective
    energy = goal.energy * float(evaluator.power[node]) if goal.energy else 0.0
    weight = 1.0 if by_slowest else goal.latency + energy
    until = np.concatenate(([0.0], np.cumsum(evaluator.seconds[:, node]))) * weight
    spans: Table = until[None, :] - until[:, None]
    spans[np.tril_indices(len(until))] = np.inf
    return spans


def _cuts(evaluator: Evaluator, sender: int, receiver: int, *, by_slowest: bool) -> Table:
    """Of a cut before each layer what the link costs; none before the first and behind the last."""
    problem = evaluator.problem
    size = np.zeros(len(problem.stages) + 1)
    for edge in problem.edges:
        size[edge.receiver] += edge.size_bytes
    over = size * float(evaluator.per_byte[sender, receiver])
    if by_slowest:
        return over
    goal = problem.objective
    joules = goal.energy * float(evaluator.joules[sender, receiver]) if goal.energy else 0.0
    costs: Table = goal.latency * (over + float(evaluator.first_byte[sender, receiver])) + joules * size
    return costs
