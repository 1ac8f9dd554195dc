"""Places instances one after another by a simple strategy, so that rules of together and apart are kept."""

from __future__ import annotations

import random
from dataclasses import replace

from hedgerow_orchestrator.placement.checks import Infeasible, obvious_conflict
from hedgerow_orchestrator.placement.problem import Problem
from hedgerow_orchestrator.placement.strategies import Candidate, Strategy, Wish, place
from hedgerow_orchestrator.what_if.question import NodeFact, Question

NOBODY = frozenset({""})
"""A node that there is not: empty would be any."""


def one_by_one(question: Question, problem: Problem) -> tuple[str, ...]:
    """The node of each stage of the problem.

    First come stages that others are to be beside, then these, last those that keep away from any.

    Raises:
        Infeasible: no node can take one; the text says of each node why not.
    """
    if obvious := obvious_conflict(problem):
        raise Infeasible(obvious)
    nodes = [_candidate(node) for node in question.nodes]
    needs = {stage.name: stage.needs_cores for stage in question.stages}
    allowed, names = problem.allowed(), problem.node_names
    rules, chosen = problem.rules, dict[str, str]()
    together = {one for one, _ in rules.together}
    apart = {one for one, _ in rules.apart}
    order = sorted(
        range(len(problem.stages)),
        key=lambda at: (problem.stages[at].name in apart, problem.stages[at].name in together),
    )
    seeds, turn = random.Random(question.seed), question.turn
    for at in order:
        stage = problem.stages[at]
        near = {names[on] for on in range(len(names)) if allowed[at, on]}
        for mine, other in _pairs(rules.together):
            if mine == stage.name and other in chosen:
                near &= {chosen[other]}
        away = {chosen[other] for mine, other in _pairs(rules.apart) if mine == stage.name and other in chosen}
        needed = needs[stage.name.rpartition("#")[0] if stage.name not in needs else stage.name]
        wish = Wish(stage.name, needed, stage.memory_bytes, frozenset(near) or NOBODY, frozenset(away))
        picked, turn = place([wish], nodes, Strategy(question.strategy), seeds.randrange(2**32), turn)
        chosen |= picked
        on = names.index(chosen[stage.name])
        taken = nodes[on]
        nodes[on] = replace(
            taken, busy_cores=taken.busy_cores + needed, free_bytes=taken.free_bytes - stage.memory_bytes
        )
    return tuple(chosen[name] for name in problem.stage_names)


def busy_words(question: Question) -> str:
    """How much of each node's cores is in use before anything is placed."""
    told = (f"{node.name} {node.busy_cores / (node.cores or 1.0):.0%}" for node in question.nodes)
    return f"cores in use before: {', '.join(told)}"


def _candidate(node: NodeFact) -> Candidate:
    return Candidate(
        name=node.name,
        cores=node.cores or 1.0,
        clock_hz=node.clock_hz or 1.0,
        busy_cores=node.busy_cores,
        free_bytes=node.memory_bytes,
        is_cordoned=node.is_cordoned,
    )


def _pairs(given: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return [pair for one, two in given for pair in ((one, two), (two, one))]
