"""Graphs of functions in several instances, as a placement problem: one stage for each instance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np

from hedgerow_orchestrator.placement.problem import Costs, Edge, Problem, Rules, Stage


@dataclass(frozen=True)
class Function:
    """A handler of which a number of instances is wanted; they share its items evenly.

    Attributes:
        memory_bytes: of each instance.
        is_spread: no two instances on one node.
    """

    name: str
    memory_bytes: float = 0.0
    instances: int = 1
    is_spread: bool = False


@dataclass(frozen=True)
class Flow:
    """What one function sends to another for each item."""

    sender: str
    receiver: str
    size_bytes: float


def instance_name(function: Function, number: int) -> str:
    """`detect` where there is one instance, else `detect#1`, `detect#2` and so on."""
    return function.name if function.instances == 1 else f"{function.name}#{number + 1}"


def graph_problem(functions: Sequence[Function], flows: Sequence[Flow], costs: Costs, base: Problem) -> Problem:
    """The problem for a graph; nodes, links, groups and objective are those of `base`.

    Rules of `base` name functions. Pins and forbids hold for every instance. Functions that are to be apart have no two
    instances on one node; of functions that are to be together, the n-th instance of the one with more goes with the
    n-th of the other, counted round.

    Args:
        costs: by function and node.

    Raises:
        ValueError: a name is unknown or doubled, a number of instances is below 1, or the flows make a cycle, named.
    """
    by_name = {function.name: function for function in functions}
    if len(by_name) < len(functions):
        raise ValueError(f"functions need different names: {', '.join(function.name for function in functions)}")
    for function in functions:
        if function.instances < 1:
            raise ValueError(f"function {function.name!r} wants {function.instances} instances; give 1 or more")
    mentioned = [name for flow in flows for name in (flow.sender, flow.receiver)]
    mentioned += [*base.rules.pins, *(stage for stage, _ in base.rules.forbids)]
    mentioned += [name for pair in (*base.rules.together, *base.rules.apart) for name in pair]
    for name in mentioned:
        if name not in by_name:
            raise ValueError(f"a flow or a rule names function {name!r}; known: {', '.join(by_name)}")
    order = _in_order(list(by_name), flows)
    rows = {function.name: at for at, function in enumerate(functions)}
    stages: list[Stage] = []
    places: dict[str, list[int]] = {}
    for name in order:
        function = by_name[name]
        places[name] = list(range(len(stages), len(stages) + function.instances))
        stages += [
            Stage(instance_name(function, number), function.memory_bytes, 1 / function.instances)
            for number in range(function.instances)
        ]
    edges = tuple(
        Edge(one, two, flow.size_bytes, 1 / (by_name[flow.sender].instances * by_name[flow.receiver].instances))
        for flow in flows
        for one, two in product(places[flow.sender], places[flow.receiver])
    )
    row_of_stage = np.repeat([rows[name] for name in order], [by_name[name].instances for name in order])
    names = {name: [stages[at].name for at in places[name]] for name in order}
    return replace(
        base,
        stages=tuple(stages),
        edges=edges,
        costs=Costs(costs.seconds[row_of_stage], costs.scaled_from[row_of_stage]),
        rules=_rules(base.rules, functions, names),
    )


def _rules(rules: Rules, functions: Sequence[Function], names: dict[str, list[str]]) -> Rules:
    together = []
    for one, two in rules.together:
        more, fewer = sorted((names[one], names[two]), key=len, reverse=True)
        together += [(name, fewer[at % len(fewer)]) for at, name in enumerate(more)]
    apart = [pair for one, two in rules.apart for pair in product(names[one], names[two])]
    for function in functions:
        if function.is_spread:
            apart += list(combinations(names[function.name], 2))
    return replace(
        rules,
        pins={name: node for function, node in rules.pins.items() for name in names[function]},
        forbids=tuple((name, node) for function, node in rules.forbids for name in names[function]),
        together=tuple(together),
        apart=tuple(apart),
    )


def _in_order(names: list[str], flows: Sequence[Flow]) -> list[str]:
    """Functions so that every flow leads forwards; else in the order given."""
    waiting, order = list(names), []
    while waiting:
        ready = [
            name for name in waiting if not any(flow.receiver == name and flow.sender in waiting for flow in flows)
        ]
        if not ready:
            raise ValueError(f"the flows among {', '.join(waiting)} make a cycle; a graph must lead forwards")
        order.append(ready[0])
        waiting.remove(ready[0])
    return order
