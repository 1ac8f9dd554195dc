"""Refuse a problem that is none, naming the entry, and say of one without an answer which constraint cannot be met."""

from __future__ import annotations

import numpy as np

from hedgerow_orchestrator.placement.problem import Problem


class Infeasible(Exception):
    """No placement keeps all rules; the text says which cannot be met."""


def check(problem: Problem) -> None:
    """Refuse what is no problem.

    Raises:
        ValueError: an entry is missing, NaN, negative, zero or unknown; the text names it.
    """
    stages, nodes = problem.stage_names, problem.node_names
    for kind, names in (("stage", stages), ("node", nodes)):
        if not names:
            raise ValueError(f"there is no {kind}; a placement needs one at least")
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two {kind}s are called {name!r}; names are unique")
    _check_costs(problem)
    problem.links.check(nodes)
    _check_amounts(problem)
    _check_rules(problem)
    if problem.objective.energy:
        unknown = [node.name for node in problem.nodes if node.power_w is None]
        if unknown:
            raise ValueError(f"energy is an objective and the power of node {unknown[0]!r} is unknown; give power_w")
        if problem.links.energy_j_per_byte is None and len(nodes) > 1:
            raise ValueError("energy is an objective and links.energy_j_per_byte is unknown; give it")


def _check_costs(problem: Problem) -> None:
    stages, nodes, table = problem.stage_names, problem.node_names, problem.costs.seconds
    for name, shape in (("seconds", table.shape), ("scaled_from", problem.costs.scaled_from.shape)):
        if shape != (len(stages), len(nodes)):
            raise ValueError(f"costs.{name} is {shape}; {len(stages)} stages on {len(nodes)} nodes make {table.shape}")
    for at, on in np.argwhere(~(np.isfinite(table) & (table > 0)))[:1]:
        raise ValueError(
            f"costs.seconds of stage {stages[at]!r} on node {nodes[on]!r} is {table[at, on]}; a cost is above 0: "
            "measure it, scale it from another node (`scaled`), or forbid the pair and give any cost"
        )
    sources = problem.costs.scaled_from
    for at, on in np.argwhere((sources < -1) | (sources >= len(nodes)))[:1]:
        raise ValueError(f"costs.scaled_from of {stages[at]!r} on {nodes[on]!r} is {sources[at, on]}, which is no node")


def _check_amounts(problem: Problem) -> None:
    for stage in problem.stages:
        if not (np.isfinite(stage.memory_bytes) and stage.memory_bytes >= 0):
            raise ValueError(f"memory_bytes of stage {stage.name!r} is {stage.memory_bytes}; give 0 or more")
        if not 0 < stage.share <= 1:
            raise ValueError(f"share of stage {stage.name!r} is {stage.share}; give a part of 1")
    for edge in problem.edges:
        if not 0 <= edge.sender < edge.receiver < len(problem.stages):
            raise ValueError(f"edge {edge.sender} to {edge.receiver} does not lead forwards in the order of the stages")
        if not (np.isfinite(edge.size_bytes) and edge.size_bytes >= 0 and 0 < edge.share <= 1):
            names = problem.stage_names
            raise ValueError(
                f"the edge from {names[edge.sender]!r} to {names[edge.receiver]!r} has size_bytes {edge.size_bytes} "
                f"and share {edge.share}; give 0 or more bytes and a part of 1"
            )
    for node in problem.nodes:
        if not node.capacity_bytes >= 0:
            raise ValueError(f"capacity_bytes of node {node.name!r} is {node.capacity_bytes}; give 0 or more")
        if node.power_w is not None and not (np.isfinite(node.power_w) and node.power_w > 0):
            raise ValueError(f"power_w of node {node.name!r} is {node.power_w}; give a number above 0, or None")


def _check_rules(problem: Problem) -> None:
    rules, stages, nodes = problem.rules, problem.stage_names, problem.node_names
    pairs = [*rules.pins.items(), *rules.forbids]
    for stage in [pair[0] for pair in pairs] + [name for pair in (*rules.together, *rules.apart) for name in pair]:
        if stage not in stages:
            raise ValueError(f"a rule names stage {stage!r}; known: {', '.join(stages)}")
    for node in [pair[1] for pair in pairs] + [name for group in problem.groups for name in group.nodes]:
        if node not in nodes:
            raise ValueError(f"a rule or a group of cores names node {node!r}; known: {', '.join(nodes)}")
    if rules.max_partitions is not None and rules.max_partitions < 1:
        raise ValueError(f"max_partitions is {rules.max_partitions}; one partition is the whole, give 1 or more")
    if rules.max_cuts is not None and rules.max_cuts < 0:
        raise ValueError(f"max_cuts is {rules.max_cuts}; no cut is the whole, give 0 or more")
    if problem.moving_s and (
        len(problem.moving_s) != len(nodes) or not all(0 <= each < np.inf for each in problem.moving_s)
    ):
        raise ValueError(
            f"moving_s is {problem.moving_s}; give 0 or more seconds for each of {len(nodes)} nodes, or none"
        )
    for group in problem.groups:
        if not group.cores > 0:
            raise ValueError(f"the group of {', '.join(group.nodes)} shares {group.cores} cores; give more than 0")
        if group.shares and (len(group.shares) != len(group.nodes) or not all(0 < each <= 1 for each in group.shares)):
            raise ValueError(
                f"the group of {', '.join(group.nodes)} has shares {group.shares}; give one from 0 to 1 each"
            )
    members = [name for group in problem.groups for name in group.nodes]
    for name in members:
        if members.count(name) > 1:
            raise ValueError(f"node {name!r} is in two groups of cores, or twice in one")
    if rules.most_partitions is not None and not problem.is_chain:
        raise ValueError("max_partitions and max_cuts belong to a chain; this problem is a graph")


def obvious_conflict(problem: Problem) -> str:
    """A constraint that cannot be met whatever the rest, in words; empty where none is seen."""
    allowed = problem.allowed()
    capacity = np.array([node.capacity_bytes for node in problem.nodes])
    pins = dict(problem.rules.pins)
    if all(node.is_cordoned for node in problem.nodes):
        return "every node is cordoned; uncordon one"
    for at, stage in enumerate(problem.stages):
        if not allowed[at].any():
            because = (
                f"pinned to {pins[stage.name]!r}, which is cordoned or forbidden for it"
                if stage.name in pins
                else ("forbidden on, or cordoned away from, every node")
            )
            return f"stage {stage.name!r} can run nowhere: it is {because}"
        room = capacity[allowed[at]].max()
        if stage.memory_bytes > room:
            return (
                f"memory: stage {stage.name!r} needs {stage.memory_bytes:.0f} bytes and the largest node that it may "
                f"run on has {room:.0f}"
            )
    total = sum(stage.memory_bytes for stage in problem.stages)
    usable = allowed.any(axis=0)
    most = problem.rules.most_partitions
    largest = np.sort(capacity[usable])[::-1]
    if total > largest.sum():
        return f"memory: all stages need {total:.0f} bytes and the nodes that may be used have {largest.sum():.0f}"
    if most is not None and total > largest[:most].sum():
        return (
            f"memory and max_partitions: all stages need {total:.0f} bytes and the {most} largest nodes have "
            f"{largest[:most].sum():.0f}; allow more partitions (max_partitions {problem.rules.max_partitions}, "
            f"max_cuts {problem.rules.max_cuts})"
        )
    for first, second in problem.rules.together:
        if (first, second) in problem.rules.apart or (second, first) in problem.rules.apart:
            return f"stages {first!r} and {second!r} are to be together and apart"
        one, two = problem.stage_names.index(first), problem.stage_names.index(second)
        if not (allowed[one] & allowed[two]).any():
            return f"stages {first!r} and {second!r} are to be together and no node may run both"
    return ""
