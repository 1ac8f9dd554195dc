"""What can be wrong with a network of a blueprint before it is cut, each with the field that it is in."""

from __future__ import annotations

from collections.abc import Iterator

from hedgerow_orchestrator.serving.blueprint import Blueprint, Problem
from hedgerow_orchestrator.serving.network_by_hand import given_twice, revisited


def check_network(blueprint: Blueprint, at: int) -> Iterator[Problem]:
    """The problems of one network of a blueprint."""
    network, field = blueprint.networks[at], f"networks[{at}]"
    if not network.model:
        yield Problem(f"{field}.model", "is empty; give a path, a URL or upload:SHA256")
    if network.profile_iterations < 1:
        yield Problem(f"{field}.profile_iterations", f"{network.profile_iterations}; give 1 or more")
    if isinstance(network.partitions, int):
        if network.partitions < 1:
            yield Problem(f"{field}.partitions", f"{network.partitions}; one part is the whole, give 1 or more")
        if network.placement and len(network.placement) != network.partitions:
            parts = f"{network.partitions} parts need {network.partitions} workers, not {len(network.placement)}"
            yield Problem(f"{field}.placement", parts)
        for last, worker in enumerate(network.placement):
            if network.placement.index(worker) < last:
                first = network.placement.index(worker)
                yield Problem(f"{field}.placement", given_twice(network.name, worker, first, last))
    elif network.partitions != "auto":
        inner = list(network.partitions)
        if inner != sorted(set(inner)) or (inner and inner[0] < 1):
            yield Problem(f"{field}.partitions", f"{inner} do not ascend from 1; each is the layer a part begins at")
        if network.placement and len(network.placement) != len(inner) + 1:
            parts = f"{len(inner) + 1} parts need {len(inner) + 1} workers, not {len(network.placement)}"
            yield Problem(f"{field}.placement", parts)
        if not blueprint.placement.may_revisit and (why := revisited(network.name, network.placement)):
            yield Problem(f"{field}.placement", why)
