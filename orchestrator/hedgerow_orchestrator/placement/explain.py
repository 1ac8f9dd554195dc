"""A placement in words: what holds it back, what cuts cost, why nodes are idle, and what the figures rest on."""

from __future__ import annotations

import numpy as np

from hedgerow_orchestrator.placement.evaluate import Evaluation, Evaluator
from hedgerow_orchestrator.placement.objective import Objective
from hedgerow_orchestrator.placement.problem import Problem

_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
MOST_LISTED = 8
"""Cuts, nodes or entries told one by one; of more only the number is told."""


def explain(problem: Problem, evaluator: Evaluator, placement: tuple[int, ...], evaluation: Evaluation) -> list[str]:
    """Sentences about a placement, the most important first."""
    return [
        _bottleneck(problem, evaluation),
        *_against_one_node(problem, evaluator, placement, evaluation),
        *_cuts(problem, evaluator, placement),
        *_idle(problem, evaluator, placement, evaluation),
        *_grounds(problem, evaluator, placement),
    ]


def evened(evaluator: Evaluator, found: tuple[int, ...], placement: tuple[int, ...]) -> str:
    """Why a placement is not the best one that was found."""
    best, now = evaluator.evaluate(found), evaluator.evaluate(placement)
    slowest, before = (milliseconds(max(each.node_s.values())) for each in (now, best))
    return (
        f"boundaries were moved so that parts are more alike: the slowest takes {slowest} and not {before}, for which "
        f"{now.bottleneck_s / best.bottleneck_s - 1:.2%} more time between items is accepted"
    )


def milliseconds(seconds: float) -> str:
    """As people read it."""
    return f"{seconds * 1e3:.4g} ms"


def figure(value: float, objective: Objective) -> str:
    """A value of the objective as people read it: throughput as items a second, seconds as milliseconds."""
    if objective.name == "throughput" and objective.unit and value > 0:
        return f"{1 / value:.4g} items/s"
    return milliseconds(value) if objective.unit == "s" else f"{value:.4g} {objective.unit}".strip()


def byte_words(size_bytes: float) -> str:
    """A size in bytes with a decimal prefix: `2 kB`."""
    factor, prefix = next(((at, name) for at, name in _PREFIXES if size_bytes >= at), (1.0, ""))
    return f"{size_bytes / factor:.4g} {prefix}B"


def _bottleneck(problem: Problem, evaluation: Evaluation) -> str:
    names = problem.node_names
    candidates = [(value, f"node {names[node]}") for node, value in evaluation.node_s.items()]
    candidates += [(value, f"link {names[a]} to {names[b]}") for (a, b), value in evaluation.link_s.items()]
    candidates += [
        (value, f"{problem.groups[at].cores:g} cores shared by {', '.join(problem.groups[at].nodes)}")
        for at, value in evaluation.group_s.items()
    ]
    slowest, what = max(candidates)
    return (
        f"the slowest part is {what} with {milliseconds(slowest)} an item, which is {1 / slowest:.4g} items/s; one "
        f"item alone takes {milliseconds(evaluation.latency_s)}"
    )


def _against_one_node(
    problem: Problem, evaluator: Evaluator, placement: tuple[int, ...], evaluation: Evaluation
) -> list[str]:
    """Whether one node would do as well for all that is not pinned."""
    index = {name: at for at, name in enumerate(problem.node_names)}
    pinned = {
        at: index[problem.rules.pins[name]] for at, name in enumerate(problem.stage_names) if name in problem.rules.pins
    }
    whole = []
    for node in range(len(problem.nodes)):
        alone = tuple(pinned.get(at, node) for at in range(len(problem.stages)))
        if not evaluator.broken(alone):
            whole.append((evaluator.evaluate(alone).value, problem.node_names[node]))
    if not whole:
        return ["no single node can hold everything"]
    value, name = min(whole)
    shown, here = figure(value, problem.objective), figure(evaluation.value, problem.objective)
    if len({node for at, node in enumerate(placement) if at not in pinned}) <= 1:
        return [f"everything runs on one node, the best single one is {name} ({shown})"]
    verb = "helps" if evaluation.value < value else "does not help, but rules ask for it"
    return [f"more than one node {verb}: the best single one, {name}, has {shown}, this placement {here}"]


def _cuts(problem: Problem, evaluator: Evaluator, placement: tuple[int, ...]) -> list[str]:
    crossing = [edge for edge in problem.edges if placement[edge.sender] != placement[edge.receiver]]
    if len(crossing) > MOST_LISTED:
        total = sum(edge.size_bytes for edge in crossing)
        return [f"{len(crossing)} cuts send {byte_words(total)} an item"]
    names, nodes, words = problem.stage_names, problem.node_names, []
    for edge in crossing:
        sender, receiver = placement[edge.sender], placement[edge.receiver]
        over = edge.size_bytes * float(evaluator.per_byte[sender, receiver])
        words.append(
            f"the cut between {names[edge.sender]} and {names[edge.receiver]} sends {byte_words(edge.size_bytes)} from "
            f"{nodes[sender]} to {nodes[receiver]}: {milliseconds(over)} on the link and "
            f"{milliseconds(float(evaluator.first_byte[sender, receiver]))} until the first byte"
        )
    return words


def _idle(problem: Problem, evaluator: Evaluator, placement: tuple[int, ...], evaluation: Evaluation) -> list[str]:
    idle = [node for node in range(len(problem.nodes)) if node not in placement]
    words = [
        f"{problem.node_names[node]} is not used: {_why_idle(problem, evaluator, node)}" for node in idle[:MOST_LISTED]
    ]
    if len(idle) > MOST_LISTED:
        words.append(f"{len(idle) - MOST_LISTED} more nodes are not used")
    return words


def _why_idle(problem: Problem, evaluator: Evaluator, node: int) -> str:
    if problem.nodes[node].is_cordoned:
        return "it is cordoned"
    if not evaluator.allowed[:, node].any():
        return "pins and forbids leave it nothing"
    if min(stage.memory_bytes for stage in problem.stages) > problem.nodes[node].capacity_bytes:
        return "no stage fits its memory"
    others = np.arange(len(problem.nodes)) != node
    if (
        others.any()
        and np.isinf(evaluator.per_byte[node, others]).all()
        and np.isinf(evaluator.per_byte[others, node]).all()
    ):
        return "none of its links was ever measured"
    speed = evaluator.seconds.sum(axis=0)
    rank = int((speed < speed[node]).sum()) + 1
    return f"no placement that was found and uses it is better (it is number {rank} of {len(speed)} by speed)"


def scaled_entries(problem: Problem, placement: tuple[int, ...]) -> tuple[tuple[str, str, str], ...]:
    """Costs that a placement uses and nobody measured, as (stage, node, source)."""
    names, nodes = problem.stage_names, problem.node_names
    sources = [(at, node, int(problem.costs.scaled_from[at, node])) for at, node in enumerate(placement)]
    return tuple((names[at], nodes[node], nodes[source]) for at, node, source in sources if source >= 0)


def assumed_links(problem: Problem, placement: tuple[int, ...]) -> tuple[tuple[str, str], ...]:
    """Links that a placement uses and nobody measured."""
    pairs = {(placement[edge.sender], placement[edge.receiver]) for edge in problem.edges}
    nodes = problem.node_names
    return tuple((nodes[a], nodes[b]) for a, b in sorted(pairs) if not problem.links.measured[a, b])


def _grounds(problem: Problem, evaluator: Evaluator, placement: tuple[int, ...]) -> list[str]:
    words = []
    scaled = scaled_entries(problem, placement)
    if len(scaled) > MOST_LISTED:
        words.append(f"{len(scaled)} of {len(placement)} costs were not measured but scaled from another node")
    else:
        words += [f"the cost of {a} on {b} was not measured but scaled from {source}" for a, b, source in scaled]
    given = problem.links.assumption
    for sender, receiver in assumed_links(problem, placement)[:MOST_LISTED]:
        if given is not None:
            words.append(
                f"the link {sender} to {receiver} was never measured; assumed are "
                f"{byte_words(given.bandwidth_bytes_per_s)}/s and {milliseconds(given.latency_s)}"
            )
    if problem.links.age_s is not None:
        used = {(placement[edge.sender], placement[edge.receiver]) for edge in problem.edges}
        ages = [float(problem.links.age_s[pair]) for pair in used if pair[0] != pair[1]]
        known = [age for age in ages if np.isfinite(age)]
        if known:
            words.append(f"the oldest measurement of a link in use is {max(known):.0f} s old")
    return words
