"""What a placement comes to: loads of nodes, links and shared cores, latency, energy, and which rule it breaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hedgerow_orchestrator.placement.problem import Problem


@dataclass(frozen=True)
class Evaluation:
    """The prediction for one placement.

    Attributes:
        node_s: seconds of work for one item, by node in use.
        link_s: seconds that the bytes of one item occupy a link, by (sender, receiver), all edges of the pair summed.
        group_s: seconds of work divided by the cores, by place of the group of cores.
        bottleneck_s: the greatest of the three: the time between two items when the pipeline is full.
        latency_s: of one item that meets no other, along the slowest path; a link's latency counts here only, for in a
            full pipeline items follow each other without waiting for it.
        energy_j: of one item; NaN where a power is unknown.
        value: of the objective.
    """

    node_s: dict[int, float]
    link_s: dict[tuple[int, int], float]
    group_s: dict[int, float]
    bottleneck_s: float
    latency_s: float
    energy_j: float
    value: float


class Evaluator:
    """Evaluates placements of one problem; makes the tables once."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.seconds = problem.costs.seconds
        self.per_byte = problem.links.seconds_per_byte()
        self.first_byte = problem.links.first_byte_s()
        self.allowed = problem.allowed()
        self.power = np.array([np.nan if node.power_w is None else node.power_w for node in problem.nodes])
        joules = problem.links.energy_j_per_byte
        self.joules = np.full(self.per_byte.shape, np.nan) if joules is None else joules.copy()
        np.fill_diagonal(self.joules, 0.0)
        index = {name: at for at, name in enumerate(problem.node_names)}
        self.groups = [
            ({index[name]: share for name, share in group.share_of.items()}, group.cores) for group in problem.groups
        ]
        places = {name: at for at, name in enumerate(problem.stage_names)}
        self.together = [(places[one], places[two]) for one, two in problem.rules.together]
        self.apart = [(places[one], places[two]) for one, two in problem.rules.apart]

    def evaluate(self, placement: Sequence[int]) -> Evaluation:
        """The prediction; infinite where a link that is needed is unusable.

        Args:
            placement: the node of each stage.
        """
        problem = self.problem
        node_s: dict[int, float] = {}
        link_s: dict[tuple[int, int], float] = {}
        ready = [0.0] * len(placement)
        energy = 0.0
        arriving: dict[int, list[int]] = {}
        for at, edge in enumerate(problem.edges):
            arriving.setdefault(edge.receiver, []).append(at)
        for at, stage in enumerate(problem.stages):
            node = int(placement[at])
            cost = float(self.seconds[at, node])
            node_s[node] = node_s.get(node, 0.0) + cost * stage.share
            energy += cost * stage.share * float(self.power[node])
            begin = 0.0
            for place in arriving.get(at, ()):
                edge = problem.edges[place]
                sender = int(placement[edge.sender])
                there = ready[edge.sender]
                if sender != node:
                    over = edge.size_bytes * float(self.per_byte[sender, node]) if edge.size_bytes else 0.0
                    if np.isinf(self.per_byte[sender, node]):
                        over = np.inf
                    link_s[sender, node] = link_s.get((sender, node), 0.0) + over * edge.share
                    there += over + float(self.first_byte[sender, node])
                    energy += edge.size_bytes * edge.share * float(self.joules[sender, node])
                begin = max(begin, there)
            ready[at] = begin + cost
        moved_s = self._moved_s(placement) if problem.moving_s and self.groups else {}
        group_s = {
            at: sum(node_s.get(node, 0.0) * share + moved_s.get(node, 0.0) for node, share in members.items()) / cores
            for at, (members, cores) in enumerate(self.groups)
        }
        bottleneck = max([*node_s.values(), *link_s.values(), *group_s.values()])
        latency = max(ready)
        value = problem.objective.value(bottleneck, latency, energy)
        return Evaluation(node_s, link_s, group_s, bottleneck, latency, energy, value)

    def _moved_s(self, placement: Sequence[int]) -> dict[int, float]:
        moved: dict[int, float] = {}
        for edge in self.problem.edges:
            ends = {int(placement[edge.sender]), int(placement[edge.receiver])}
            for node in ends if len(ends) > 1 else ():
                moved[node] = moved.get(node, 0.0) + self.problem.moving_s[node] * edge.share
        return moved

    def broken(self, placement: Sequence[int]) -> str:
        """The first rule that a placement breaks, in words; empty where it keeps all."""
        problem = self.problem
        names, nodes = problem.stage_names, problem.node_names
        held = [0.0] * len(nodes)
        for at, stage in enumerate(problem.stages):
            node = int(placement[at])
            held[node] += stage.memory_bytes
            if not self.allowed[at, node]:
                return f"stage {names[at]!r} must not run on node {nodes[node]!r}: a pin, a forbid or a cordon"
        for at, worker in enumerate(problem.nodes):
            if held[at] > worker.capacity_bytes * (1 + 1e-12):
                return f"memory: node {worker.name!r} would hold {held[at]:.0f} bytes of {worker.capacity_bytes:.0f}"
        for edge in problem.edges:
            sender, receiver = int(placement[edge.sender]), int(placement[edge.receiver])
            if np.isinf(self.per_byte[sender, receiver]):
                return f"the link from {nodes[sender]!r} to {nodes[receiver]!r} was never measured, so it is unusable"
        for one, two in self.together:
            if placement[one] != placement[two]:
                return f"stages {names[one]!r} and {names[two]!r} are to be on one node"
        for one, two in self.apart:
            if placement[one] == placement[two]:
                return f"stages {names[one]!r} and {names[two]!r} are to be on different nodes"
        return self._broken_segments(placement) if problem.is_chain else ""

    def _broken_segments(self, placement: Sequence[int]) -> str:
        rules = self.problem.rules
        order = [int(node) for at, node in enumerate(placement) if at == 0 or placement[at - 1] != node]
        if not rules.may_revisit and len(set(order)) < len(order):
            twice = next(node for node in order if order.count(node) > 1)
            return f"node {self.problem.node_names[twice]!r} has {order.count(twice)} segments; may_revisit is off"
        most = rules.most_partitions
        if most is not None and len(order) > most:
            return f"{len(order)} partitions, which is {len(order) - 1} cuts, and {most} partitions are allowed"
        return ""
