"""A placement problem as data: stages, what flows between them, nodes, costs, links, rules, and what to be good at."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hedgerow_orchestrator.placement.network import Links, Numbers
from hedgerow_orchestrator.placement.objective import THROUGHPUT, Objective


@dataclass(frozen=True)
class Stage:
    """A piece of work that is not cut further: some layers of a network, or one instance of a handler.

    Attributes:
        memory_bytes: what it holds on its node.
        share: the part of all items that it sees, below 1 for one of several instances.
    """

    name: str
    memory_bytes: float = 0.0
    share: float = 1.0


@dataclass(frozen=True)
class Edge:
    """What one stage sends to a later one, by their places in the list of stages."""

    sender: int
    receiver: int
    size_bytes: float
    share: float = 1.0


@dataclass(frozen=True)
class Node:
    """A worker that stages may run on.

    Attributes:
        capacity_bytes: memory that stages may take together; infinite means that memory is no concern.
        power_w: drawn for the time that a stage runs; None is unknown, and then energy cannot be an objective.
        is_cordoned: takes nothing.
    """

    name: str
    capacity_bytes: float = np.inf
    power_w: float | None = None
    is_cordoned: bool = False


@dataclass(frozen=True)
class Costs:
    """Seconds of processor time of each stage on each node, for one item.

    Attributes:
        seconds: `[stage, node]`.
        scaled_from: `[stage, node]`: the node from whose measurement the entry was scaled; -1 where it was measured.
    """

    seconds: Numbers
    scaled_from: NDArray[np.int64]

    @staticmethod
    def measured(seconds: object) -> Costs:
        """A table of which every entry was measured."""
        table = np.array(seconds, dtype=np.float64)
        return Costs(table, np.full(table.shape, -1))


@dataclass(frozen=True)
class CoreGroup:
    """Workers that share processor cores, so that their times add up.

    Attributes:
        nodes: which.
        cores: how many they share.
        shares: of each node's seconds the part in which a core works: less than 1 where a limit makes it stand still
            the rest of the time; 1 each where none is given.
    """

    nodes: tuple[str, ...]
    cores: float
    shares: tuple[float, ...] = ()

    @property
    def share_of(self) -> dict[str, float]:
        """By node."""
        return dict(zip(self.nodes, self.shares or (1.0,) * len(self.nodes), strict=True))

    def among(self, names: Set[str]) -> CoreGroup:
        """The same cores, shared by some of the nodes."""
        kept = {name: share for name, share in self.share_of.items() if name in names}
        return CoreGroup(tuple(kept), self.cores, tuple(kept.values()))


@dataclass(frozen=True)
class Rules:
    """What a placement must keep.

    Attributes:
        pins: stage to node.
        forbids: pairs of a stage and a node that it must not run on.
        together: pairs of stages on one node; `apart`: pairs on different nodes.
        may_revisit: a node may get several segments of a chain; else its stages are one contiguous segment.
        max_partitions: at most so many segments; a chain of N partitions has N - 1 cuts.
        max_cuts: at most so many cuts; a setting of its own, so that neither is taken for the other.
    """

    pins: Mapping[str, str] = field(default_factory=dict)
    forbids: tuple[tuple[str, str], ...] = ()
    together: tuple[tuple[str, str], ...] = ()
    apart: tuple[tuple[str, str], ...] = ()
    may_revisit: bool = False
    max_partitions: int | None = None
    max_cuts: int | None = None

    @property
    def most_partitions(self) -> int | None:
        """What both limits come to, in partitions; None without any."""
        limits = [self.max_partitions, None if self.max_cuts is None else self.max_cuts + 1]
        return min((limit for limit in limits if limit is not None), default=None)


@dataclass(frozen=True)
class Problem:
    """Everything that a placement is found from. Stages stand in an order in which every edge leads forwards.

    `moving_s` is, of each node, the processor time that it takes to send an item to another node or to get one from
    there: work for the cores of its group, beside its stages; none where it is empty.
    """

    stages: tuple[Stage, ...]
    edges: tuple[Edge, ...]
    nodes: tuple[Node, ...]
    costs: Costs
    links: Links
    objective: Objective = THROUGHPUT
    rules: Rules = field(default_factory=Rules)
    groups: tuple[CoreGroup, ...] = ()
    moving_s: tuple[float, ...] = ()

    @property
    def stage_names(self) -> tuple[str, ...]:
        """In order."""
        return tuple(stage.name for stage in self.stages)

    @property
    def node_names(self) -> tuple[str, ...]:
        """In order."""
        return tuple(node.name for node in self.nodes)

    @property
    def is_chain(self) -> bool:
        """Each stage feeds exactly the next one, and sees every item."""
        follows = [(edge.sender, edge.receiver) for edge in self.edges]
        alone = all(stage.share == 1 for stage in self.stages)
        return alone and follows == [(at, at + 1) for at in range(len(self.stages) - 1)]

    def allowed(self) -> NDArray[np.bool_]:
        """`[stage, node]`: what pins, forbids and cordons leave."""
        stages = {name: at for at, name in enumerate(self.stage_names)}
        nodes = {name: at for at, name in enumerate(self.node_names)}
        table = np.ones((len(stages), len(nodes)), dtype=np.bool_)
        table[:, [node.is_cordoned for node in self.nodes]] = False
        for stage, node in self.rules.forbids:
            table[stages[stage], nodes[node]] = False
        for stage, node in self.rules.pins.items():
            others = np.arange(len(nodes)) != nodes[node]
            table[stages[stage], others] = False
        return table


def chain(
    names: tuple[str, ...], cut_bytes: object, memory_bytes: object = None
) -> tuple[tuple[Stage, ...], tuple[Edge, ...]]:
    """Stages and edges of a network that can be cut after every stage.

    Args:
        names: of the stages.
        cut_bytes: live at the cut after each stage but the last, tensors that skip over stages included.
        memory_bytes: of each stage; None is none.

    Raises:
        ValueError: the lists do not fit each other.
    """
    sizes = np.atleast_1d(np.array(cut_bytes, dtype=np.float64))
    memory = np.zeros(len(names)) if memory_bytes is None else np.array(memory_bytes, dtype=np.float64)
    if len(sizes) != len(names) - 1 or len(memory) != len(names):
        raise ValueError(
            f"{len(names)} stages have {len(names) - 1} cuts and {len(names)} memory figures, not {len(sizes)} "
            f"and {len(memory)}"
        )
    stages = tuple(Stage(name, float(held)) for name, held in zip(names, memory, strict=True))
    return stages, tuple(Edge(at, at + 1, float(size)) for at, size in enumerate(sizes))
