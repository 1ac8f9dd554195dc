"""From a blueprint, the workers and what was measured to a placement: the planner of services. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from hedgerow_orchestrator.placement.checks import Infeasible
from hedgerow_orchestrator.placement.problem import Edge, Node, Problem, Rules, Stage
from hedgerow_orchestrator.placement.solve import NotFound, describe, solve
from hedgerow_orchestrator.serving.blueprint import Blueprint
from hedgerow_orchestrator.serving.costs import Table, assumption_words, cost_table, groups_of, link_table
from hedgerow_orchestrator.serving.figures import Figures
from hedgerow_orchestrator.serving.graph import ordered
from hedgerow_orchestrator.serving.item_sizes import item_bytes
from hedgerow_orchestrator.serving.network_ends import Ends, ends_of
from hedgerow_orchestrator.serving.network_place import Cut, cut
from hedgerow_orchestrator.serving.parts import PARTITION, Key, Part, Wire, handler_parts, network_parts, wires
from hedgerow_orchestrator.serving.placement_words import labels_of, nobody_can, objective_of
from hedgerow_orchestrator.serving.proposal import NoPlace, Placed, Proposal, Request, predicted
from hedgerow_orchestrator.serving.requirements import handler_on, parameters_on, provider_for, why_not
from hedgerow_orchestrator.serving.simple_strategies import by_strategy
from hedgerow_orchestrator.serving.workers import Worker

SECONDS = 0.2
"""About how long a search may take that is not exact sooner."""


def propose(
    blueprint: Blueprint,
    every: Sequence[Worker],
    figures: Figures,
    request: Request,
    clock: Callable[[], float],
) -> Proposal:
    """Find a place for every instance.

    Raises:
        NoPlace: it cannot be; the text says why.
    """
    workers = sorted((each for each in every if each.is_here), key=lambda each: (each.label, each.node_id))
    if not workers:
        raise NoPlace("no worker is here; start one")
    ends = _ends(blueprint, workers, request)
    cuts = {
        network.name: cut(network, blueprint.placement, workers, figures, request, clock, ends[network.name])
        for network in blueprint.networks
    }
    boundaries = {name: each.boundaries for name, each in cuts.items()}
    fixed = {(f"{name}/{at}", 0): node for name, each in cuts.items() for at, node in enumerate(each.nodes)}
    digests = {network.name: figures.sha256_of(network) for network in blueprint.networks}
    parts, links = _in_order(blueprint, boundaries, digests)
    possible = {part.key: _possible(part, workers, request, fixed) for part in parts}
    problem, table = _problem(blueprint, parts, links, workers, figures, possible, cuts, request.held)
    placed, turn = _solve(blueprint, parts, workers, problem, possible, request, clock)
    ids = dict(zip(problem.node_names, (each.node_id for each in workers), strict=True))
    nodes = {part.key: ids[label] for part, label in zip(parts, placed.plan.nodes, strict=True)}
    by_id = {worker.node_id: worker for worker in workers}
    providers: dict[Key, str] = {}
    used: dict[str, int] = {}
    for part in parts:
        provider = providers[part.key] = provider_for(part, by_id[nodes[part.key]], used)
        used[provider] = used.get(provider, 0) + 1
    placed_parameters = {part.key: parameters_on(part, by_id[nodes[part.key]], providers[part.key]) for part in parts}
    placed_handlers = {part.key: handler_on(part, by_id[nodes[part.key]]) for part in parts}
    wakings = [figures.waking(placed_handlers[key], placed_parameters[key], nodes[key]) for key in nodes]
    network_words = [word for each in cuts.values() for word in (*each.placed.plan.words, *each.words)]
    return Proposal(
        parts=parts,
        wires=links,
        nodes=nodes,
        providers=providers,
        parameters=placed_parameters,
        handlers=placed_handlers,
        boundaries=boundaries,
        placed=(*(each.placed for each in cuts.values()), placed),
        predicted=predicted(placed, workers, [*assumption_words(table), *network_words], table.assumed, wakings),
        turn=turn,
    )


def _ends(blueprint: Blueprint, workers: Sequence[Worker], request: Request) -> dict[str, Ends]:
    """What each network hangs on, by its name."""
    possible = {part.key: _possible(part, workers, request, {}) for part in handler_parts(blueprint)}
    whole: dict[str, tuple[int, ...]] = {network.name: (0, 1) for network in blueprint.networks}
    links = wires(blueprint, whole)
    return {name: ends_of(f"{name}/0", links, possible) for name in whole}


def _in_order(
    blueprint: Blueprint, boundaries: Mapping[str, tuple[int, ...]], digests: Mapping[str, str]
) -> tuple[tuple[Part, ...], tuple[Wire, ...]]:
    parts = [*handler_parts(blueprint), *network_parts(blueprint, dict(boundaries), digests)]
    links = tuple(wires(blueprint, dict(boundaries)))
    names = list(dict.fromkeys(part.name for part in parts))
    order = {name: at for at, name in enumerate(ordered(names, ((w.sender[0], w.receiver[0]) for w in links)))}
    return tuple(sorted(parts, key=lambda part: (order[part.name], part.replica))), links


def _possible(part: Part, workers: Sequence[Worker], request: Request, fixed: Mapping[Key, str]) -> tuple[int, ...]:
    """The places among the workers that a part may take.

    Raises:
        NoPlace: none; of each worker it is told why not.
    """
    if part.key in fixed:
        return tuple(at for at, worker in enumerate(workers) if worker.node_id == fixed[part.key])
    reasons = []
    for worker in workers:
        has_it = request.current.get(part.key) == worker.node_id
        why = why_not(part, worker, has_it=has_it)
        if not why and ((part.key, worker.node_id) in request.avoid or (None, worker.node_id) in request.avoid):
            why = "did not work lately"
        reasons.append(why)
    open_at = tuple(at for at, why in enumerate(reasons) if not why)
    wanted = request.moves.get(part.key)
    if wanted is not None:
        open_at = tuple(at for at in open_at if workers[at].node_id == wanted)
        if not open_at:
            told = next((why for each, why in zip(workers, reasons, strict=True) if each.node_id == wanted), "")
            label = next((each.label for each in workers if each.node_id == wanted), wanted)
            raise NoPlace(f"{part.label!r} cannot move to {label}: it {told or 'is not here'}")
    elif part.key in request.stay:
        open_at = tuple(at for at in open_at if workers[at].node_id == request.current.get(part.key)) or open_at
    if not open_at:
        raise NoPlace(nobody_can(part.label, workers, reasons))
    return open_at


def _problem(
    blueprint: Blueprint,
    parts: Sequence[Part],
    links: Sequence[Wire],
    workers: Sequence[Worker],
    figures: Figures,
    possible: Mapping[Key, tuple[int, ...]],
    cuts: Mapping[str, Cut],
    held: Mapping[str, float],
) -> tuple[Problem, Table]:
    labels = labels_of(workers)
    names = [part.label for part in parts]
    seconds = np.array(
        [
            [
                figures.cost_of(
                    handler_on(part, each), parameters_on(part, each, provider_for(part, each)), each.node_id
                )
                for each in workers
            ]
            for part in parts
        ]
    )
    table = cost_table(names, seconds, workers)
    places = {part.key: at for at, part in enumerate(parts)}
    edges = tuple(
        Edge(
            places[link.sender],
            places[link.receiver],
            item_bytes(blueprint, link, parts, workers, figures, cuts),
            link.share,
        )
        for link in links
    )
    forbids = [(part.label, labels[at]) for part in parts for at in range(len(workers)) if at not in possible[part.key]]
    problem = Problem(
        stages=tuple(Stage(part.label, part.requires.memory_bytes, part.share) for part in parts),
        edges=edges,
        nodes=tuple(
            Node(
                label,
                each.free_bytes + held.get(each.node_id, 0.0),
                each.status.power_w if each.status.power_w > 0 else None,
            )
            for label, each in zip(labels, workers, strict=True)
        ),
        costs=table.costs,
        links=link_table(workers),
        objective=objective_of(blueprint.placement),
        rules=Rules(
            forbids=tuple(forbids),
            together=tuple(_pairs(parts, "with_")),
            apart=tuple(_pairs(parts, "apart_from")),
            # Handlers may go to and fro between workers; the limits on partitions are those of networks.
            may_revisit=True,
        ),
        groups=groups_of(workers, labels),
    )
    return problem, table


def _pairs(parts: Sequence[Part], wish: str) -> list[tuple[str, str]]:
    """Pairs of labels that are to be together or apart; together, each replica has one of the other's beside it."""
    found = []
    for part in parts:
        other = getattr(part.requires, wish)
        others = [each for each in parts if each.name == other]
        if wish == "with_" and others:
            others = [others[min(part.replica, len(others) - 1)]]
        found += [(part.label, each.label) for each in others]
    return found


def _solve(
    blueprint: Blueprint,
    parts: Sequence[Part],
    workers: Sequence[Worker],
    problem: Problem,
    possible: Mapping[Key, tuple[int, ...]],
    request: Request,
    clock: Callable[[], float],
) -> tuple[Placed, int]:
    strategy, turn = blueprint.placement.strategy, request.turn
    try:
        if strategy == "optimal" or all(len(each) == 1 for each in possible.values()):
            return Placed("handlers", problem, solve(problem, clock, seconds=SECONDS, seed=request.seed)), turn
        if strategy == "manual":
            unplaced = [part.label for part in parts if len(possible[part.key]) > 1 and part.handler != PARTITION]
            raise NoPlace(
                f"the strategy is manual and {', '.join(unplaced)} has no place; give a pin, or `service.place`"
            )
        chosen, turn = by_strategy(strategy, parts, workers, problem, possible, request)
        plan = describe(problem, chosen, -np.inf, strategy)
        return Placed("handlers", problem, replace(plan, lower_bound=0.0)), turn
    except (Infeasible, NotFound, ValueError) as error:
        raise NoPlace(str(error)) from error
