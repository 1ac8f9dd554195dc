"""Where a person, or what runs already, puts the parts of a network, and that no worker gets two runs unasked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from hedgerow_orchestrator.serving.blueprint import NetworkWish
from hedgerow_orchestrator.serving.proposal import NoPlace, Request
from hedgerow_orchestrator.serving.workers import Worker


def revisit(places: Sequence[str | None]) -> tuple[int, int] | None:
    """Two parts of one worker that have another worker's part between them; None where there are none.

    Args:
        places: the worker of each part, None where it is open.
    """
    for first, last in combinations(range(len(places)), 2):
        between = [place for place in places[first + 1 : last] if place is not None]
        if places[first] is not None and places[first] == places[last] and set(between) - {places[first]}:
            return first, last
    return None


def revisited(network: str, places: Sequence[str | None]) -> str:
    """Which worker would have two runs of a network's parts, in words; empty where none would."""
    found = revisit(places)
    if found is None:
        return ""
    first, last = found
    return (
        f"worker {places[first]!r} would have the parts {network}/{first} and {network}/{last} with another worker's "
        "between them, and may_revisit is false; put its parts side by side, or set may_revisit = true in [placement]"
    )


def given_twice(network: str, worker: str, first: int, last: int) -> str:
    """That a number of parts leaves each a worker of its own."""
    return (
        f"worker {worker!r} has the parts {network}/{first} and {network}/{last}, and with a number of partitions each "
        "part has a worker of its own; name another one, or give the layers at which parts begin"
    )


def refuse_revisits(network: str, places: Sequence[str | None]) -> None:
    """Refuse places that give one worker two runs of parts.

    Raises:
        NoPlace: there are such; the text names the worker and the parts.
    """
    if why := revisited(network, places):
        raise NoPlace(f"network {network!r}: {why}")


def order_of(network: NetworkWish, workers: Sequence[Worker]) -> tuple[int, ...]:
    """The places among the workers that a person gave for the parts, each of which has a worker of its own.

    Raises:
        NoPlace: a worker is not here, or named twice.
    """
    found: list[int] = []
    for wanted in network.placement:
        at = next((at for at, each in enumerate(workers) if wanted in (each.node_id, each.name, each.label)), None)
        if at is None:
            raise NoPlace(f"placement of network {network.name!r}: no worker {wanted!r} is here")
        if at in found:
            why = given_twice(network.name, wanted, found.index(at), len(found))
            raise NoPlace(f"placement of network {network.name!r}: {why}")
        found.append(at)
    return tuple(found)


def pins_of(
    network: NetworkWish, request: Request, names: Sequence[str], workers: Sequence[Worker], labels: Sequence[str]
) -> dict[str, str]:
    """Of each part that has a place by a person's wish, or that shall stay, its worker.

    Raises:
        NoPlace: a worker is not here.
    """
    by_id = {worker.node_id: label for worker, label in zip(workers, labels, strict=True)}
    by_name = {word: label for worker, label in zip(workers, labels, strict=True) for word in (worker.name, label)}
    pins = {}
    for at, name in enumerate(names):
        key = (f"{network.name}/{at}", 0)
        if at < len(network.placement) and len(names) == len(network.placement):
            wanted = network.placement[at]
            label = by_id.get(wanted) or by_name.get(wanted)
            if label is None:
                raise NoPlace(f"placement of network {network.name!r}: no worker {wanted!r} is here")
            pins[name] = label
        if key in request.stay and request.current.get(key) in by_id and network.name in request.boundaries:
            pins[name] = by_id[request.current[key]]
        if key in request.moves:
            if request.moves[key] not in by_id:
                raise NoPlace(f"part {key[0]!r} cannot move: its worker is not here")
            pins[name] = by_id[request.moves[key]]
    return pins
