"""Make a chain placement better: give a stretch of it anew to its own nodes and to idle ones, again and again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hedgerow_orchestrator.placement.network import Numbers
from hedgerow_orchestrator.placement.prices import Priced, Segments, Stretch

WIDTH = (3, 10)
"""Segments in a stretch, at random in between."""

NEWCOMERS = 10
"""Idle nodes offered to a stretch, so that a step stays short."""


def violations(priced: Priced, segments: Segments) -> list[int]:
    """Places of segments that do not keep the limit of `priced`, by themselves or by the cut before them."""
    found = []
    for at, (node, begin, end) in enumerate(segments):
        is_cut_closed = at > 0 and np.isinf(priced.cut[begin, segments[at - 1][0], node])
        if begin < priced.low[end, node] or is_cut_closed:
            found.append(at)
    return found


def repair(
    priced: Priced,
    segments: Segments,
    prices: Numbers,
    rng: np.random.Generator,
    tries: int,
    is_over: Callable[[], bool],
) -> Segments:
    """Change a placement until no segment and no cut breaks the limit; empty where that was not reached.

    Nodes are priced at random around `prices`, so that scarce ones stay idle for stretches that need them.
    """
    segments = list(segments)
    for _ in range(tries):
        broken = violations(priced, segments)
        if not broken:
            return segments
        if is_over():
            break
        middle = int(rng.choice(broken)) if rng.random() < 0.75 else int(rng.integers(len(segments)))
        noisy = prices * np.exp(rng.normal(0.0, 0.4, len(prices)))
        new = _again(priced, segments, middle, noisy, rng)
        if new:
            segments = new
    return [] if violations(priced, segments) else segments


def cheaper(priced: Priced, segments: Segments, prices: Numbers, rng: np.random.Generator) -> Segments:
    """One try at a stretch; the caller keeps what is better. Empty where nothing was found."""
    noisy = prices * rng.uniform(0, 1)
    return _again(priced, list(segments), int(rng.integers(len(segments))), noisy, rng)


def _again(priced: Priced, segments: Segments, middle: int, prices: Numbers, rng: np.random.Generator) -> Segments:
    width = int(rng.integers(WIDTH[0], WIDTH[1] + 1))
    left = max(0, middle - int(rng.integers(width)))
    right = min(len(segments), left + width)
    own = [node for node, _, _ in segments[left:right]]
    taken = {node for node, _, _ in segments}
    idle = np.array([node for node in range(len(prices)) if node not in taken], dtype=np.int64)
    if len(idle) > NEWCOMERS:
        idle = rng.choice(idle, NEWCOMERS, replace=False)
    stretch = Stretch(
        begin=segments[left][1],
        end=segments[right - 1][2],
        nodes=np.concatenate([np.array(own, dtype=np.int64), idle]),
        most=priced.tables.most - (len(segments) - (right - left)),
        before=segments[left - 1][0] if left else None,
        after=segments[right][0] if right < len(segments) else None,
    )
    part = priced.without_repeats(prices, stretch)
    return segments[:left] + part + segments[right:] if part else []
