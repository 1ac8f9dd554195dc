"""What a person asks of the placement engine, as data: stages, flows, nodes, links, rules, and how to choose."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from hedgerow_orchestrator.placement.network import Assumption
from hedgerow_orchestrator.placement.objective import THROUGHPUT, Objective

OPTIMAL = "optimal"
"""The strategy that looks for the best; the others place one stage after another."""

NEEDED_CORES = 0.1
"""Of a stage of which nothing is said: what it will take is unknown, and this much tells it from none."""


@dataclass(frozen=True)
class VariantFact:
    """One way to do a stage; `seconds` by node, gaps are scaled."""

    name: str
    accuracy: float
    seconds: dict[str, float]
    memory_bytes: float = 0.0


@dataclass(frozen=True)
class StageWish:
    """A stage.

    Attributes:
        at: its path in the file.
        seconds: of processor time for one item, by node; gaps are scaled from other nodes.
        memory_bytes: of each instance.
        needs_cores: cores that it keeps busy; the strategy `load_aware` counts them.
        pin, forbid: the node that it must run on, nodes that it must not.
        with_, apart_from: stages on the same node, on different ones.
    """

    name: str
    at: str
    seconds: dict[str, float] = field(default_factory=dict)
    memory_bytes: float = 0.0
    needs_cores: float = NEEDED_CORES
    instances: int = 1
    is_spread: bool = False
    pin: str = ""
    forbid: tuple[str, ...] = ()
    with_: tuple[str, ...] = ()
    apart_from: tuple[str, ...] = ()
    variants: tuple[VariantFact, ...] = ()


@dataclass(frozen=True)
class FlowFact:
    """What one stage sends to another for each item."""

    sender: str
    receiver: str
    size_bytes: float


@dataclass(frozen=True)
class NodeFact:
    """A node; nodes of one `host` share its cores, and None is unknown."""

    name: str
    host: str = ""
    cores: float | None = None
    clock_hz: float | None = None
    memory_bytes: float = math.inf
    power_w: float | None = None
    busy_cores: float = 0.0
    is_cordoned: bool = False

    @property
    def speed(self) -> float:
        """Clock times cores, by which costs are scaled where nothing better is known; NaN where either is unknown."""
        return math.nan if self.cores is None or self.clock_hz is None else self.cores * self.clock_hz


@dataclass(frozen=True)
class LinkFact:
    """One direction of a link, as it was measured."""

    sender: str
    receiver: str
    bandwidth_bytes_per_s: float
    latency_s: float
    energy_j_per_byte: float | None = None


@dataclass(frozen=True)
class Question:
    """One problem of a file.

    Attributes:
        at: its path in the file; empty where the file is one problem.
        may_revisit, max_partitions, max_cuts: see `placement.problem.Rules`; of chains only, None if left out.
        unmeasured: what is taken for a link that is not listed; None leaves the choice to the worst that is.
        is_unmeasured_usable: false makes such links unusable.
        turn: of the strategy `round_robin`, the place among the nodes that is asked first.
        most_latency_s, least_accuracy: limits within which variants are chosen.
    """

    name: str
    at: str
    stages: tuple[StageWish, ...]
    flows: tuple[FlowFact, ...]
    nodes: tuple[NodeFact, ...]
    links: tuple[LinkFact, ...]
    objective: Objective = THROUGHPUT
    strategy: str = OPTIMAL
    max_partitions: int | None = None
    max_cuts: int | None = None
    may_revisit: bool | None = None
    unmeasured: Assumption | None = None
    is_unmeasured_usable: bool = True
    time_limit_s: float = 1.0
    seed: int = 0
    turn: int = 0
    most_latency_s: float | None = None
    least_accuracy: float | None = None

    @property
    def has_variants(self) -> bool:
        """Whether any stage can be done in several ways."""
        return any(stage.variants for stage in self.stages)

    def path(self, key: str) -> str:
        """Of one of its keys in the file."""
        return f"{self.at}.{key}" if self.at else key
