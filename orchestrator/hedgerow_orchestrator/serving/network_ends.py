"""What a network hangs on: a source or a sink that can be on one worker only makes that worker's links count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hedgerow_orchestrator.placement.network import Links
from hedgerow_orchestrator.placement.problem import Costs, Edge, Node, Problem, Stage
from hedgerow_orchestrator.serving.parts import Key, Wire

FREE_BYTES_PER_S = 1e15
"""Between a handler and a part on the same worker: nothing that a link could be taken for."""

NOTHING_S = 1e-9


@dataclass(frozen=True)
class Ends:
    """The handlers before and behind a network, each with the only place among the workers that it can have."""

    before: tuple[str, int] | None = None
    behind: tuple[str, int] | None = None


NO_ENDS = Ends()


def ends_of(network: str, wires: Iterable[Wire], possible: Mapping[Key, Sequence[int]]) -> Ends:
    """The ends of a network that has one handler at a side, which can be on one worker only."""
    wires = list(wires)
    before = {wire.sender for wire in wires if wire.receiver[0] == network and wire.sender[0] != network}
    behind = {wire.receiver for wire in wires if wire.sender[0] == network and wire.receiver[0] != network}
    return Ends(_end(before, possible), _end(behind, possible))


def with_ends(problem: Problem, ends: Ends, input_bytes: float, output_bytes: float) -> Problem:
    """The same chain between its ends.

    Each end is a stage that costs nothing, on a twin of its worker where no layer may be: so a worker with the source
    and the sink can be used for layers as any other, once.
    """
    for end, size_bytes, is_before in ((ends.before, input_bytes, True), (ends.behind, output_bytes, False)):
        if end is not None:
            problem = _with_end(problem, *end, size_bytes, is_before)
    return problem


def without_ends(problem: Problem, nodes: Sequence[str]) -> tuple[str, ...]:
    """The node of each layer, of a placement of `with_ends`."""
    return tuple(node for stage, node in zip(problem.stage_names, nodes, strict=True) if not is_end(problem, stage))


def is_end(problem: Problem, stage: str) -> bool:
    """Whether a stage was added by `with_ends`."""
    return problem.rules.pins.get(stage, "").endswith(_twin_name("", stage))


def _twin_name(worker: str, handler: str) -> str:
    return f"{worker} (where {handler} is)"


def _end(handlers: set[Key], possible: Mapping[Key, Sequence[int]]) -> tuple[str, int] | None:
    if len(handlers) != 1:
        return None
    (key,) = handlers
    places = possible.get(key, ())
    return (key[0], places[0]) if len(places) == 1 else None


def _with_end(problem: Problem, handler: str, at: int, size_bytes: float, is_before: bool) -> Problem:
    twin = _twin_name(problem.node_names[at], handler)
    rules, layers = problem.rules, problem.stage_names
    stages, edges = list(problem.stages), list(problem.edges)
    if is_before:
        stages.insert(0, Stage(handler))
        edges = [Edge(0, 1, size_bytes), *(replace(e, sender=e.sender + 1, receiver=e.receiver + 1) for e in edges)]
    else:
        stages.append(Stage(handler))
        edges.append(Edge(len(stages) - 2, len(stages) - 1, size_bytes))
    own_row = 0 if is_before else len(layers)
    seconds = np.hstack([problem.costs.seconds, problem.costs.seconds[:, [at]]])
    sources = np.hstack([problem.costs.scaled_from, np.full((len(layers), 1), -1)])
    return replace(
        problem,
        stages=tuple(stages),
        edges=tuple(edges),
        nodes=(*problem.nodes, Node(twin, np.inf, problem.nodes[at].power_w)),
        costs=Costs(np.insert(seconds, own_row, NOTHING_S, axis=0), np.insert(sources, own_row, -1, axis=0)),
        links=_twinned(problem.links, at),
        moving_s=(*problem.moving_s, 0.0) if problem.moving_s else (),
        rules=replace(
            rules,
            pins={**rules.pins, handler: twin},
            forbids=(*rules.forbids, *((layer, twin) for layer in layers)),
            max_partitions=None if rules.max_partitions is None else rules.max_partitions + 1,
            max_cuts=None if rules.max_cuts is None else rules.max_cuts + 1,
        ),
    )


def _twinned(links: Links, at: int) -> Links:
    """One more node that stands where another does."""

    def twinned(table: NDArray[np.float64], between: float) -> NDArray[np.float64]:
        size = len(table)
        order = [*range(size), at]
        grown: NDArray[np.float64] = table[np.ix_(order, order)]
        grown[size, at] = grown[at, size] = between
        return grown

    return Links(
        twinned(links.bandwidth_bytes_per_s, FREE_BYTES_PER_S),
        twinned(links.latency_s, 0.0),
        None if links.age_s is None else twinned(links.age_s, 0.0),
        None if links.energy_j_per_byte is None else twinned(links.energy_j_per_byte, 0.0),
        links.assumption,
    )
