"""Choose for each stage of a chain a variant and a node together: the exact front of latency and accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hedgerow_orchestrator.placement.checks import Infeasible
from hedgerow_orchestrator.placement.evaluate import Evaluator
from hedgerow_orchestrator.placement.problem import Problem
from hedgerow_orchestrator.placement.tables import SLACK

MOST_LABELS = 20_000
"""Partial choices kept after each stage; beyond, the front may miss a choice and says so."""


@dataclass(frozen=True)
class Variant:
    """One way to do a stage.

    Attributes:
        accuracy: the part of items that it gets right, above 0 and at most 1.
        seconds: on each node.
    """

    name: str
    accuracy: float
    seconds: tuple[float, ...]
    memory_bytes: float = 0.0


@dataclass(frozen=True)
class Choice:
    """A variant and a node for each stage. Accuracy is the product over stages, which takes errors as independent."""

    variants: tuple[str, ...]
    nodes: tuple[str, ...]
    latency_s: float
    accuracy: float


@dataclass(frozen=True)
class Front:
    """Choices that no other one beats in both respects, the quickest first."""

    choices: tuple[Choice, ...]
    is_exact: bool

    def within(self, latency_s: float | None = None, accuracy: float | None = None) -> Choice:
        """The most accurate choice within a latency, or the quickest of at least an accuracy; both may be given.

        Raises:
            Infeasible: none is within; the text says how close one comes.
        """
        left = [choice for choice in self.choices if latency_s is None or choice.latency_s <= latency_s * SLACK]
        if not left:
            quickest = self.choices[0]
            raise Infeasible(f"no choice takes {latency_s} s or less; the quickest takes {quickest.latency_s:.6g} s")
        good = [choice for choice in left if accuracy is None or choice.accuracy >= accuracy / SLACK]
        if not good:
            raise Infeasible(f"no choice reaches an accuracy of {accuracy}; the best has {left[-1].accuracy:.6g}")
        return good[0] if accuracy is not None else good[-1]


@dataclass(frozen=True)
class _Label:
    latency_s: float
    accuracy: float
    held: tuple[float, ...]
    partitions: int
    picks: tuple[tuple[int, int], ...]

    def beats(self, other: _Label) -> bool:
        return (
            self.latency_s <= other.latency_s
            and self.accuracy >= other.accuracy
            and self.partitions <= other.partitions
            and all(mine <= theirs for mine, theirs in zip(self.held, other.held, strict=True))
        )


def front(problem: Problem, variants: Sequence[Sequence[Variant]]) -> Front:
    """The front; costs and memory of the problem's stages are not read, for the variants have their own.

    Args:
        problem: a chain; links, capacities, pins, forbids, cordons, revisits and limits on partitions are kept.
        variants: of each stage.

    Raises:
        ValueError: the problem is no chain, or an entry is none.
        Infeasible: there is no choice at all.
    """
    _check(problem, variants)
    evaluator, rules, nodes = Evaluator(problem), problem.rules, len(problem.nodes)
    capacity = [node.capacity_bytes for node in problem.nodes]
    sizes = [0.0, *(edge.size_bytes for edge in problem.edges)]
    limit = rules.most_partitions if rules.most_partitions is not None else len(variants)
    labels: dict[tuple[int, frozenset[int]], list[_Label]] = {
        (-1, frozenset()): [_Label(0.0, 1.0, (0.0,) * nodes, 0, ())]
    }
    is_exact = True
    for at, options in enumerate(variants):
        grown: dict[tuple[int, frozenset[int]], list[_Label]] = {}
        for (last, used), found in labels.items():
            for node in range(nodes):
                is_move = node != last
                if not evaluator.allowed[at, node] or (is_move and node in used and not rules.may_revisit):
                    continue
                over = 0.0
                if is_move and last >= 0:
                    if np.isinf(evaluator.per_byte[last, node]):
                        continue
                    over = sizes[at] * float(evaluator.per_byte[last, node]) + float(evaluator.first_byte[last, node])
                # Where a node never comes back, only the memory of the present one matters for what follows.
                state = (node, frozenset() if rules.may_revisit else used | {node})
                for label in found:
                    if label.partitions + is_move > limit:
                        continue
                    for number, variant in enumerate(options):
                        held = list(label.held) if rules.may_revisit or not is_move else [0.0] * nodes
                        held[node] += variant.memory_bytes
                        if held[node] <= capacity[node] * SLACK:
                            new = _Label(
                                label.latency_s + over + variant.seconds[node],
                                label.accuracy * variant.accuracy,
                                tuple(held),
                                label.partitions + is_move,
                                (*label.picks, (number, node)),
                            )
                            grown.setdefault(state, []).append(new)
        labels = {state: _unbeaten(found) for state, found in grown.items()}
        count = sum(len(found) for found in labels.values())
        if count > MOST_LABELS:
            is_exact = False
            keep = MOST_LABELS / count
            labels = {state: found[:: max(1, round(1 / keep))] for state, found in labels.items()}
    every = [label for found in labels.values() for label in found]
    if not every:
        raise Infeasible("no choice of variants and nodes keeps memory, pins, forbids, links and partitions together")
    ends = [_Label(label.latency_s, label.accuracy, (), 0, label.picks) for label in every]
    return Front(tuple(_choice(problem, variants, label) for label in _unbeaten(ends)), is_exact)


def _unbeaten(labels: list[_Label]) -> list[_Label]:
    kept: list[_Label] = []
    for label in sorted(labels, key=lambda one: (one.latency_s, -one.accuracy, one.partitions, one.held, one.picks)):
        if not any(other.beats(label) for other in kept):
            kept.append(label)
    return kept


def _choice(problem: Problem, variants: Sequence[Sequence[Variant]], label: _Label) -> Choice:
    return Choice(
        tuple(variants[at][number].name for at, (number, _) in enumerate(label.picks)),
        tuple(problem.node_names[node] for _, node in label.picks),
        label.latency_s,
        label.accuracy,
    )


def _check(problem: Problem, variants: Sequence[Sequence[Variant]]) -> None:
    if not problem.is_chain or len(variants) != len(problem.stages):
        raise ValueError(
            f"variants are for a chain: {len(problem.stages)} stages and {len(variants)} lists of variants"
        )
    problem.links.check(problem.node_names)
    for stage, options in zip(problem.stages, variants, strict=True):
        if not options:
            raise ValueError(f"stage {stage.name!r} has no variant; give one at least")
        for variant in options:
            if len(variant.seconds) != len(problem.nodes):
                raise ValueError(
                    f"variant {variant.name!r} of {stage.name!r} has {len(variant.seconds)} costs, not one a node"
                )
            for node, seconds in zip(problem.nodes, variant.seconds, strict=True):
                if not (np.isfinite(seconds) and seconds > 0):
                    raise ValueError(f"variant {variant.name!r} of {stage.name!r} costs {seconds} s on {node.name!r}")
            if not 0 < variant.accuracy <= 1 or not variant.memory_bytes >= 0:
                raise ValueError(
                    f"variant {variant.name!r} of {stage.name!r}: accuracy {variant.accuracy}, memory_bytes "
                    f"{variant.memory_bytes}; the accuracy is above 0 and at most 1, the memory 0 or more"
                )
