"""Cuts a network over workers: layers times workers for the placement engine, and its answer back as boundaries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hedgerow_orchestrator.placement.checks import Infeasible
from hedgerow_orchestrator.placement.evaluate import Evaluator
from hedgerow_orchestrator.placement.exactly import exactly
from hedgerow_orchestrator.placement.problem import Node, Problem, Rules, chain
from hedgerow_orchestrator.placement.solve import NotFound, describe, solve
from hedgerow_orchestrator.serving.blueprint import NetworkWish, Wishes
from hedgerow_orchestrator.serving.costs import ASSUMED_ITEM_CPU_S, assumption_words, cost_table, groups_of, link_table
from hedgerow_orchestrator.serving.figures import Figures, Profile, network_key
from hedgerow_orchestrator.serving.long_network import planning_edges
from hedgerow_orchestrator.serving.network_by_hand import order_of, pins_of, refuse_revisits
from hedgerow_orchestrator.serving.network_ends import NO_ENDS, Ends, with_ends, without_ends
from hedgerow_orchestrator.serving.parts import PARTITION, Part
from hedgerow_orchestrator.serving.placement_words import labels_of, nobody_can, objective_of
from hedgerow_orchestrator.serving.proposal import NoPlace, Placed, Request
from hedgerow_orchestrator.serving.requirements import why_not
from hedgerow_orchestrator.serving.workers import Worker


@dataclass(frozen=True)
class Cut:
    """A network with its boundaries, half-open from 0 to the number of layers, and the node id of each part."""

    boundaries: tuple[int, ...]
    nodes: tuple[str, ...]
    placed: Placed
    words: tuple[str, ...] = ()


def boundaries_from(nodes: Sequence[str]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The boundaries and the node of each part, from the node of each layer: part k is [b[k], b[k + 1])."""
    starts = [at for at in range(len(nodes)) if at == 0 or nodes[at] != nodes[at - 1]]
    return (*starts, len(nodes)), tuple(nodes[at] for at in starts)


def nodes_from(boundaries: Sequence[int], nodes: Sequence[str]) -> tuple[str, ...]:
    """The node of each layer, from the boundaries and the node of each part."""
    spans = zip(boundaries[:-1], boundaries[1:], nodes, strict=True)
    return tuple(node for first, last, node in spans for _ in range(last - first))


def grouped(profile: Profile, bounds: Sequence[int] | None) -> list[tuple[int, int]]:
    """The pieces that are not cut further: layers, of a long network neighbours together, or the parts that are wanted.

    Raises:
        NoPlace: a boundary is beyond the last layer, or within layers that were profiled as one.
    """
    if bounds is None:
        return list(pairwise(planning_edges(profile.edges, profile.seconds, profile.cut_bytes, profile.clean)))
    count = profile.count
    if list(bounds) != sorted(set(bounds)) or bounds[0] != 0 or bounds[-1] != count:
        raise NoPlace(f"boundaries {list(bounds)} do not ascend from 0 to {count}, the number of layers")
    inside = [each for each in bounds if each not in profile.edges]
    if inside:
        raise NoPlace(f"boundary {inside[0]} is within layers that were profiled as one; known: {profile.edges}")
    return list(pairwise(bounds))


def cut(
    network: NetworkWish,
    wishes: Wishes,
    workers: Sequence[Worker],
    figures: Figures,
    request: Request,
    clock: Callable[[], float],
    ends: Ends = NO_ENDS,
) -> Cut:
    """Find the boundaries and the worker of each part.

    Args:
        ends: what it hangs on, whose links count as its own.

    Raises:
        NoPlace: the network was not profiled, or nothing keeps all rules.
    """
    profiles = figures.profiles.get(network_key(network), {})
    if not profiles:
        raise NoPlace(f"network {network.name!r} was profiled on no worker yet")
    profile = next(iter(profiles.values()))
    wanted = _wanted_boundaries(network, request, profile.count)
    pieces = grouped(profile, wanted)
    names = tuple(f"{network.name}/{first}" for first, _ in pieces)
    labels = labels_of(workers)
    seconds = np.full((len(pieces), len(workers)), np.nan)
    for on, worker in enumerate(workers):
        measured = profiles.get(worker.node_id)
        if measured is not None:
            drift = figures.drift(network, worker.node_id)
            seconds[:, on] = [
                drift * measured.part_seconds(first, last, crossing=wanted is not None) for first, last in pieces
            ]
    # A layer that took less than the clock can tell costs something all the same.
    seconds = np.where(np.isfinite(seconds), np.maximum(seconds, 1e-9), np.nan)
    table = cost_table(names, seconds, workers)
    stages, edges = chain(names, [profile.bytes_at(last) for _, last in pieces[:-1]])
    part = Part(name=network.name, handler=PARTITION, requires=network.requires)
    avoided = {node for key, node in request.avoid if key is None or key[0].startswith(f"{network.name}/")}
    reasons = [
        "did not work lately" if each.node_id in avoided else why_not(part, each, has_it=_has(network, request, each))
        for each in workers
    ]
    if all(reasons):
        raise NoPlace(nobody_can(network.name, workers, reasons))
    # Layer by layer nothing is pinned: which part a layer belongs to is what is looked for.
    pins = {} if wanted is None else pins_of(network, request, names, workers, labels)
    if not wishes.may_revisit:
        refuse_revisits(network.name, [pins.get(name) for name in names])
    is_set = wanted is not None or network.partitions != "auto"
    rules = Rules(
        pins=pins,
        forbids=tuple((name, label) for label, why in zip(labels, reasons, strict=True) if why for name in names),
        may_revisit=wishes.may_revisit,
        # What a person has cut is cut; the limits are for what is found.
        max_partitions=None if is_set else wishes.max_partitions,
        max_cuts=None if is_set else wishes.max_cuts,
    )
    nodes = tuple(
        Node(label, each.free_bytes + request.held.get(each.node_id, 0.0), _power(each))
        for label, each in zip(labels, workers, strict=True)
    )
    problem = Problem(
        stages=stages,
        edges=edges,
        nodes=nodes,
        costs=table.costs,
        links=link_table(workers),
        objective=objective_of(wishes),
        rules=rules,
        groups=groups_of(workers, labels),
        moving_s=tuple(each.item_cpu_s or ASSUMED_ITEM_CPU_S for each in workers),
    )
    try:
        if wanted is None and isinstance(network.partitions, int):
            order = order_of(network, workers)
            placement, is_best = exactly(problem, network.partitions, order)
            value = Evaluator(problem).evaluate(placement).value
            plan = describe(problem, placement, value if is_best else 0.0, f"exactly {network.partitions} parts")
        else:
            problem = with_ends(problem, ends, _or_zero(profile.input_bytes), _or_zero(profile.output_bytes))
            plan = solve(problem, clock, seconds=SECONDS, seed=request.seed, evenness=EVENNESS)
    except (Infeasible, NotFound, ValueError) as error:
        raise NoPlace(f"network {network.name!r}: {error}") from error
    ids = {label: worker.node_id for label, worker in zip(labels, workers, strict=True)}
    placed = Placed(network.name, problem, plan)
    on_pieces = without_ends(problem, plan.nodes)
    if wanted is not None:
        return Cut(wanted, tuple(ids[label] for label in on_pieces), placed, tuple(assumption_words(table)))
    at_pieces, on_nodes = boundaries_from(on_pieces)
    edges_of_pieces = (0, *(last for _, last in pieces))
    bounds = tuple(edges_of_pieces[at] for at in at_pieces)
    return Cut(bounds, tuple(ids[label] for label in on_nodes), placed, tuple(assumption_words(table)))


def _or_zero(tensors_bytes: float) -> float:
    return tensors_bytes if np.isfinite(tensors_bytes) else 0.0


SECONDS = 0.3
"""About how long a search may take that is not exact sooner."""

EVENNESS = 0.25
"""What a second less in the slowest part may cost between two items. With parts of 1.8 and 2.8 ms on two cores items
were some 0.2 ms further apart than with parts of 2.3 and 2.6 ms, though both were predicted alike: a second for one. A
quarter of that is accepted, for it was measured on one machine."""


def _wanted_boundaries(network: NetworkWish, request: Request, layers: int) -> tuple[int, ...] | None:
    if network.name in request.boundaries:
        return tuple(request.boundaries[network.name])
    if not isinstance(network.partitions, str | int):
        return (0, *network.partitions, layers)
    return None


def _has(network: NetworkWish, request: Request, worker: Worker) -> bool:
    return any(
        key[0].startswith(f"{network.name}/") and node == worker.node_id for key, node in request.current.items()
    )


def _power(worker: Worker) -> float | None:
    return worker.status.power_w if worker.status.power_w > 0 else None
