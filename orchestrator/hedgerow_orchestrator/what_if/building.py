"""Makes a placement problem out of a question: gaps in costs are scaled, links that are not listed assumed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hedgerow_orchestrator.placement.graphs import Flow, Function, graph_problem
from hedgerow_orchestrator.placement.network import Links, Numbers, as_bad_as_the_worst
from hedgerow_orchestrator.placement.problem import CoreGroup, Costs, Node, Problem, Rules
from hedgerow_orchestrator.placement.scaling import CannotScale, scaled
from hedgerow_orchestrator.what_if.fields import Mistake
from hedgerow_orchestrator.what_if.question import OPTIMAL, Question

UNKNOWN_COST_S = 1.0
"""Stands in the table for a stage of which no cost is known; nothing is predicted from it."""


@dataclass(frozen=True)
class Built:
    """A problem, and what it was made from.

    Attributes:
        unknown: stages of which no cost is known, which only strategies that need none may have.
        variant_rows: costs of all variants, those of one stage after those of another; empty without any.
    """

    problem: Problem
    unknown: tuple[str, ...]
    variant_rows: Costs | None = None


def build(question: Question) -> Built:
    """The problem.

    Raises:
        Mistake: the flows make a cycle, a cost can be told from nothing, or rules for chains stand beside a graph.
    """
    ways = [stage.variants or (stage,) for stage in question.stages]
    allowed = _allowed(question)
    unknown = tuple(stage.name for stage in question.stages if not stage.seconds and not stage.variants)
    table, owners = _table(question)
    rows = _costs(question, table, owners, allowed)
    firsts = np.concatenate(([0], np.cumsum([len(each) for each in ways])[:-1])).astype(np.int64)
    costs = Costs(rows.seconds[firsts], rows.scaled_from[firsts])
    base = Problem(
        stages=(),
        edges=(),
        nodes=tuple(Node(node.name, node.memory_bytes, node.power_w, node.is_cordoned) for node in question.nodes),
        costs=costs,
        links=_links(question),
        objective=question.objective,
        rules=_rules(question),
        groups=_groups(question),
    )
    functions = [Function(each.name, each.memory_bytes, each.instances, each.is_spread) for each in question.stages]
    flows = [Flow(each.sender, each.receiver, each.size_bytes) for each in question.flows]
    try:
        problem = graph_problem(functions, flows, costs, base)
    except ValueError as error:
        raise Mistake(question.path("flows"), f"{error}; leave one of them out") from error
    problem = replace(problem, edges=tuple(sorted(problem.edges, key=lambda edge: (edge.sender, edge.receiver))))
    _check_chain(question, problem)
    if not question.has_variants:
        return Built(problem, unknown)
    # Variants are wanted in the order of the problem's stages, which flows may have changed.
    order = [[stage.name for stage in question.stages].index(name) for name in problem.stage_names]
    chosen = np.concatenate([np.flatnonzero(np.array(owners) == at) for at in order])
    return Built(problem, unknown, Costs(rows.seconds[chosen], rows.scaled_from[chosen]))


def _table(question: Question) -> tuple[Numbers, list[int]]:
    """Seconds of each stage, or of each of its variants, by node, NaN where nothing is said; and the stage of each."""
    rows, owners = [], []
    for at, stage in enumerate(question.stages):
        for way in stage.variants or (stage,):
            rows.append([way.seconds.get(node.name, np.nan) for node in question.nodes])
            owners.append(at)
    return np.array(rows, dtype=np.float64), owners


def _allowed(question: Question) -> NDArray[np.bool_]:
    return np.array(
        [
            [
                not node.is_cordoned and node.name not in stage.forbid and stage.pin in ("", node.name)
                for node in question.nodes
            ]
            for stage in question.stages
        ],
        dtype=np.bool_,
    )


def _costs(question: Question, table: Numbers, owners: list[int], allowed: NDArray[np.bool_]) -> Costs:
    is_known = np.isfinite(table).any(axis=1)
    filled, sources = np.full(table.shape, UNKNOWN_COST_S), np.full(table.shape, -1)
    if not is_known.any():
        return Costs(filled, sources)
    rows = np.flatnonzero(is_known)
    needed = allowed[[owners[row] for row in rows]]
    try:
        told = scaled(table[rows], [node.speed for node in question.nodes], needed)
    except CannotScale as error:
        row = rows[error.stage]
        stage, node = question.stages[owners[row]], question.nodes[error.node]
        key = "seconds" if not stage.variants else f"variants[{int(row) - owners.index(owners[row])}].seconds"
        raise Mistake(
            f"{stage.at}.{key}.{node.name}",
            f"is missing and cannot be scaled: no stage was measured both on {node.name!r} and where {stage.name!r} "
            f"was; measure it, give cores and clock_hz of the nodes, or forbid {node.name!r}",
        ) from error
    filled[rows], sources[rows] = told.seconds, told.scaled_from
    return Costs(filled, sources)


def _links(question: Question) -> Links:
    names = [node.name for node in question.nodes]
    bandwidth, latency, energy = (np.full((len(names), len(names)), np.nan) for _ in range(3))
    for link in question.links:
        at = names.index(link.sender), names.index(link.receiver)
        bandwidth[at], latency[at] = link.bandwidth_bytes_per_s, link.latency_s
        energy[at] = np.nan if link.energy_j_per_byte is None else link.energy_j_per_byte
    assumption = question.unmeasured or as_bad_as_the_worst(bandwidth, latency)
    return Links(
        bandwidth,
        latency,
        energy_j_per_byte=_energy(question, energy, np.isfinite(bandwidth)),
        assumption=assumption if question.is_unmeasured_usable else None,
    )


def _energy(question: Question, energy: Numbers, measured: NDArray[np.bool_]) -> Numbers | None:
    """Joules a byte of each link; of one that is not listed the worst of those that are, None where that is unknown."""
    names = [node.name for node in question.nodes]
    missing = np.argwhere(measured & np.isnan(energy))
    if question.objective.energy and len(missing):
        sender, receiver = (names[int(at)] for at in missing[0])
        raise Mistake(
            question.path("links"),
            f"the link from {sender!r} to {receiver!r} has no energy_j_per_byte, and energy is an objective; give it",
        )
    if len(missing) or not measured.any():
        return None
    return np.where(np.isnan(energy), float(np.nanmax(energy)), energy)


def _rules(question: Question) -> Rules:
    stages = question.stages
    return Rules(
        pins={stage.name: stage.pin for stage in stages if stage.pin},
        forbids=tuple((stage.name, node) for stage in stages for node in stage.forbid),
        together=tuple((stage.name, other) for stage in stages for other in stage.with_),
        apart=tuple((stage.name, other) for stage in stages for other in stage.apart_from),
        # Strategies that place one stage after another look at no segments.
        may_revisit=bool(question.may_revisit) or question.strategy != OPTIMAL,
        max_partitions=question.max_partitions,
        max_cuts=question.max_cuts,
    )


def _groups(question: Question) -> tuple[CoreGroup, ...]:
    hosts = dict.fromkeys(node.host for node in question.nodes if node.host)
    shared = {host: [node for node in question.nodes if node.host == host] for host in hosts}
    return tuple(
        CoreGroup(tuple(node.name for node in nodes), nodes[0].cores or 1.0)
        for nodes in shared.values()
        if len(nodes) > 1
    )


def _check_chain(question: Question, problem: Problem) -> None:
    if problem.is_chain:
        return
    for key, value in (
        ("max_partitions", question.max_partitions),
        ("max_cuts", question.max_cuts),
        ("may_revisit", question.may_revisit),
    ):
        # To allow what is allowed anyway is no mistake.
        if value is not None and value is not True:
            raise Mistake(
                question.path(key),
                f"{value} belongs to a chain; here stages do not each feed exactly the next one: leave it out, or give "
                "flows between neighbours only, one instance a stage",
            )
    if question.has_variants:
        raise Mistake(
            question.path("stages"), "have variants, which are for chains; give flows from each stage to the next only"
        )
