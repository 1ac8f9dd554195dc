"""Branch and bound over nodes for one stage after another: exact for every rule, on chains and on graphs."""

from __future__ import annotations

from typing import Any

import numpy as np

from hedgerow_orchestrator.placement.budget import Budget
from hedgerow_orchestrator.placement.evaluate import Evaluator
from hedgerow_orchestrator.placement.layered import to_go
from hedgerow_orchestrator.placement.problem import Problem
from hedgerow_orchestrator.placement.tables import SLACK, ChainTables


class Search:
    """Depth first, the most promising node first; what it had no time for still counts in `lower`.

    Attributes:
        placement: the best found; empty before there is one.
        upper: its value.
        lower: a lower bound on the optimum; `upper` when the search has ended.
        is_complete: everything was looked at or pruned.
    """

    def __init__(self, problem: Problem, evaluator: Evaluator, budget: Budget) -> None:
        self.problem, self.evaluator, self.budget = problem, evaluator, budget
        self.placement: tuple[int, ...] = ()
        self.upper = np.inf
        self.is_complete = False
        self._open = np.inf
        self._steps = 0
        self._is_over = False
        self._prepare()

    @property
    def lower(self) -> float:
        """The least of the best placement and of all branches left open."""
        return min(self.upper, self._open)

    def offer(self, placement: tuple[int, ...]) -> None:
        """A placement to begin with, if it keeps the rules."""
        if placement and not self.evaluator.broken(placement):
            value = self.evaluator.evaluate(placement).value
            if value < self.upper:
                self.upper, self.placement = value, placement

    def run(self) -> None:
        """Search until the end or until the time is up."""
        nodes = len(self.problem.nodes)
        self._chosen = [-1] * len(self.problem.stages)
        self._ready = [0.0] * len(self.problem.stages)
        self._load, self._held, self._moved = [0.0] * nodes, [0.0] * nodes, [0.0] * nodes
        self._traffic: dict[tuple[int, int], float] = {}
        self._branch(0, 0.0, 0.0, 0.0, 1)
        self.is_complete = not self._is_over

    def _prepare(self) -> None:
        problem, evaluator = self.problem, self.evaluator
        stages = len(problem.stages)
        allowed = np.where(evaluator.allowed, 1.0, np.inf)
        share = np.array([stage.share for stage in problem.stages])
        cost = evaluator.seconds * allowed
        work = cost * share[:, None]
        self._arriving: list[list[int]] = [[] for _ in range(stages)]
        for at, edge in enumerate(problem.edges):
            self._arriving[edge.receiver].append(at)
        # What is left to do after stage i - 1, at least.
        self._largest = np.append(np.maximum.accumulate(work.min(axis=1)[::-1])[::-1], 0.0)
        weights = 1 / evaluator.seconds.sum(axis=0)
        self._weights = weights / weights.sum()
        self._spread = _suffix_sums((work * self._weights).min(axis=1))
        self._grouped = [
            _suffix_sums(
                np.where(
                    np.delete(evaluator.allowed, list(members), axis=1).any(axis=1),
                    0.0,
                    (work[:, list(members)] * list(members.values())).min(axis=1),
                )
            )
            for members, _ in evaluator.groups
        ]
        power = np.where(np.isnan(evaluator.power), 0.0, evaluator.power)
        # Where a stage must not run there is no product: infinite times a power that is unknown is none.
        joules = np.multiply(work, power, where=np.isfinite(work), out=np.full(work.shape, np.inf))
        self._joules_left = _suffix_sums(joules.min(axis=1))
        tail = np.zeros(stages)
        for at in range(stages - 1, -1, -1):
            for edge in problem.edges:
                if edge.sender == at:
                    tail[at] = max(tail[at], cost[edge.receiver].min() + tail[edge.receiver])
        self._tail = tail
        self._to_go = to_go(ChainTables(problem)) if problem.is_chain else None

    def _bound(self, at: int, node: int, slowest: float, latency: float, joules: float) -> float:
        objective = self.problem.objective
        weighted = sum(weight * load for weight, load in zip(self._weights, self._load, strict=True) if load)
        slowest = max(slowest, self._largest[at + 1], float(weighted + self._spread[at + 1]))
        for (members, cores), left in zip(self.evaluator.groups, self._grouped, strict=True):
            working = sum(self._load[member] * share + self._moved[member] for member, share in members.items())
            slowest = max(slowest, (working + float(left[at + 1])) / cores)
        if self._to_go is not None:
            # In a chain both sums are one path, so what is left of them can be bounded together, links included.
            done = objective.latency * self._ready[at] + (objective.energy * joules if objective.energy else 0.0)
            return objective.bottleneck * slowest + done + float(self._to_go[at + 1, node])
        joules = joules + float(self._joules_left[at + 1]) if objective.energy else 0.0
        return objective.value(slowest, latency, joules)

    def _branch(self, at: int, slowest: float, latency: float, joules: float, partitions: int) -> None:
        if at == len(self.problem.stages):
            self.offer(tuple(self._chosen))
            return
        children = []
        for node in range(len(self.problem.nodes)):
            step = self._try(at, node, slowest, latency, joules, partitions)
            if step is not None:
                children.append((step[0], node, step[1:]))
        children.sort(key=lambda child: child[:2])
        for bound, node, _ in children:
            if bound >= self.upper * (1 - 1e-12):
                break
            self._steps += 1
            if self._steps % 64 == 0 and self.budget.is_over():
                self._is_over = True
            if self._is_over:
                self._open = min(self._open, bound)
                continue
            undo = self._place(at, node)
            now = self._measure(at, node, slowest, latency, joules)
            moved = at > 0 and self._chosen[at - 1] != node
            self._branch(at + 1, *now, partitions + moved)
            self._take_back(at, undo)

    def _try(
        self, at: int, node: int, slowest: float, latency: float, joules: float, partitions: int
    ) -> tuple[float, float] | None:
        """The bound when a stage goes to a node; None where a rule forbids it."""
        if self._is_forbidden(at, node, partitions):
            return None
        undo = self._place(at, node)
        now = self._measure(at, node, slowest, latency, joules)
        bound = self._bound(at, node, *now)
        self._take_back(at, undo)
        return (bound, 0.0) if np.isfinite(bound) else None

    def _is_forbidden(self, at: int, node: int, partitions: int) -> bool:
        evaluator, problem, rules = self.evaluator, self.problem, self.problem.rules
        stage = problem.stages[at]
        if not evaluator.allowed[at, node] or (
            self._held[node] + stage.memory_bytes > problem.nodes[node].capacity_bytes * SLACK
        ):
            return True
        for pairs, is_same in ((evaluator.together, True), (evaluator.apart, False)):
            for pair in pairs:
                if at == max(pair) and (self._chosen[min(pair)] == node) is not is_same:
                    return True
        if problem.is_chain and at > 0 and self._chosen[at - 1] != node:
            if rules.most_partitions is not None and partitions + 1 > rules.most_partitions:
                return True
            if not rules.may_revisit and node in self._chosen[:at]:
                return True
        senders = (self._chosen[problem.edges[place].sender] for place in self._arriving[at])
        return any(np.isinf(evaluator.per_byte[sender, node]) for sender in senders)

    def _place(self, at: int, node: int) -> list[tuple[Any, Any, float]]:
        """Returns what to undo it by: tables, the keys in them, and what stood there."""
        self._chosen[at] = node
        stage = self.problem.stages[at]
        undo: list[tuple[Any, Any, float]] = [
            (self._load, node, self._load[node]),
            (self._held, node, self._held[node]),
        ]
        self._load[node] += float(self.evaluator.seconds[at, node]) * stage.share
        self._held[node] += stage.memory_bytes
        for place in self._arriving[at]:
            edge = self.problem.edges[place]
            pair = (self._chosen[edge.sender], node)
            if pair[0] != node:
                undo.append((self._traffic, pair, self._traffic.get(pair, 0.0)))
                over = edge.size_bytes * edge.share * float(self.evaluator.per_byte[pair])
                self._traffic[pair] = self._traffic.get(pair, 0.0) + over
                for end in pair if self.problem.moving_s else ():
                    undo.append((self._moved, end, self._moved[end]))
                    self._moved[end] += self.problem.moving_s[end] * edge.share
        return undo

    def _take_back(self, at: int, undo: list[tuple[Any, Any, float]]) -> None:
        self._chosen[at] = -1
        for table, key, before in reversed(undo):
            table[key] = before

    def _measure(self, at: int, node: int, slowest: float, latency: float, joules: float) -> tuple[float, float, float]:
        """Bottleneck, latency and energy after a stage was placed."""
        evaluator = self.evaluator
        cost = float(evaluator.seconds[at, node])
        slowest, begin = max(slowest, self._load[node]), 0.0
        joules += cost * self.problem.stages[at].share * float(evaluator.power[node])
        for place in self._arriving[at]:
            edge = self.problem.edges[place]
            pair = (self._chosen[edge.sender], node)
            there = self._ready[edge.sender]
            if pair[0] != node:
                slowest = max(slowest, self._traffic[pair])
                there += edge.size_bytes * float(evaluator.per_byte[pair]) + float(evaluator.first_byte[pair])
                joules += edge.size_bytes * edge.share * float(evaluator.joules[pair])
            begin = max(begin, there)
        self._ready[at] = begin + cost
        return slowest, max(latency, self._ready[at] + float(self._tail[at])), joules


def _suffix_sums(values: np.ndarray) -> np.ndarray:
    return np.append(np.cumsum(values[::-1])[::-1], 0.0)
