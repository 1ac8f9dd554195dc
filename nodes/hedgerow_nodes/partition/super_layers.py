"""Make a long model a chain of fewer super-layers: cuts that nobody would choose go, those that stay are exact."""

from __future__ import annotations

import math
from itertools import pairwise

import msgspec

from hedgerow_nodes.partition.profile import LayerTime, Profile

MOST_LAYERS = 150
LEAST_CLEAN = 8


def super_layers(profile: Profile, most: int = MOST_LAYERS) -> Profile:
    """The profile of neighbouring layers taken together; what it predicts of a part is what the layers predict.

    First all cuts go that go through something that runs as one, unless fewer than eight would be left. Then, while
    more than `most` layers are left, the cut goes that is worth least: one beside little time (another is near), with
    many bytes. A cut that stays has the boundary, the bytes and the times that it had; `ends` says which it is.

    Raises:
        ValueError: fewer than one super-layer is asked for.
    """
    if most < 1:
        raise ValueError(f"{most} super-layers hold no layer; at least 1 has to be left")
    inner = range(1, len(profile.layers))
    kept = [index for index in inner if profile.clean[index - 1]]
    if len(kept) < LEAST_CLEAN:
        kept = list(inner)
    edges = [0, *kept, len(profile.layers)]
    seconds = [one.seconds_mean for one in profile.layers]
    times = [math.fsum(seconds[first:last]) for first, last in pairwise(edges)]
    while len(times) > most:
        worth = [_worth(profile, edges[at + 1], times[at], times[at + 1]) for at in range(len(times) - 1)]
        least = worth.index(min(worth))
        times[least : least + 2] = [times[least] + times[least + 1]]
        del edges[least + 1]
    return _merged(profile, edges)


def _worth(profile: Profile, edge: int, before_s: float, behind_s: float) -> float:
    worth = min(before_s, behind_s) / max(1, profile.cut_bytes[edge - 1])
    return worth if profile.clean[edge - 1] else worth / 100


def _merged(profile: Profile, edges: list[int]) -> Profile:
    layers = []
    for first, last in pairwise(edges):
        inside = profile.layers[first:last]
        is_one = last - first == 1
        layers.append(
            LayerTime(
                name=inside[0].name if is_one else f"{inside[0].name} … {inside[-1].name}",
                op=inside[0].op if is_one else f"{last - first} layers",
                seconds_mean=math.fsum(one.seconds_mean for one in inside),
                # Layers of one run are slow together, so their deviations add; their squares would say too little.
                seconds_std=math.fsum(one.seconds_std for one in inside),
            )
        )
    return msgspec.structs.replace(
        profile,
        layers=tuple(layers),
        cut_bytes=tuple(profile.cut_bytes[last - 1] for last in edges[1:]),
        memory_bytes=tuple(sum(profile.memory_bytes[first:last]) for first, last in pairwise(edges)),
        ends=tuple(profile.ends[last - 1] for last in edges[1:]),
        clean=tuple(profile.clean[last - 1] for last in edges[1:]),
    )
