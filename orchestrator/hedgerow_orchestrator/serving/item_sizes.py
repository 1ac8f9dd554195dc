"""How many bytes an item has on a link: as its network was profiled, else by its type."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hedgerow_orchestrator.serving.blueprint import Blueprint
from hedgerow_orchestrator.serving.costs import ASSUMED_BYTES
from hedgerow_orchestrator.serving.figures import Figures, network_key
from hedgerow_orchestrator.serving.network_place import Cut
from hedgerow_orchestrator.serving.parts import Part, Wire
from hedgerow_orchestrator.serving.requirements import handler_on
from hedgerow_orchestrator.serving.workers import Worker


def item_bytes(
    blueprint: Blueprint,
    link: Wire,
    parts: Sequence[Part],
    workers: Sequence[Worker],
    figures: Figures,
    cuts: Mapping[str, Cut],
) -> float:
    """The size of an item on a link: of a cut as it was profiled, else by its type."""
    network = next((each for each in blueprint.networks if link.sender[0].startswith(f"{each.name}/")), None)
    if network is not None:
        profile = next(iter(figures.profiles[network_key(network)].values()))
        last = cuts[network.name].boundaries[int(link.sender[0].rpartition("/")[2]) + 1]
        return _known(profile.output_bytes if last == profile.count else profile.bytes_at(last))
    fed = next((each for each in blueprint.networks if link.receiver[0] == f"{each.name}/0"), None)
    if fed is not None and link.input == "tensors":
        return _known(next(iter(figures.profiles[network_key(fed)].values())).input_bytes)
    part = next(each for each in parts if each.key == link.sender)
    for worker in workers:
        described = worker.catalogue.get(handler_on(part, worker))
        if described is not None:
            kind = next((port.type for port in described.outputs if port.name == link.output), "")
            return ASSUMED_BYTES.get(kind, ASSUMED_BYTES["blob"])
    return ASSUMED_BYTES["blob"]


def _known(tensors_bytes: float) -> float:
    return tensors_bytes if math.isfinite(tensors_bytes) else ASSUMED_BYTES["tensors"]
