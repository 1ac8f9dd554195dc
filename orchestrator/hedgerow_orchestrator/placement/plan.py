"""A placement with all that is known about it: its value, how far it may be from the best, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass

from hedgerow_orchestrator.placement.evaluate import Evaluation


@dataclass(frozen=True)
class Segment:
    """Stages `begin` to `end - 1` on one node."""

    node: str
    begin: int
    end: int


@dataclass(frozen=True)
class Plan:
    """The answer of a solver.

    Attributes:
        nodes: the node of each stage.
        segments: runs of stages on one node, in order; of a graph, the stages one by one.
        evaluation: the prediction.
        objective, value, unit: what was made small, and what came out.
        lower_bound: no placement has a lower value.
        solver: which one found it.
        is_exact: nothing is better: `value` is the optimum.
        used_s: on the clock that was handed in.
        idle: nodes that get nothing.
        assumed_links: links in use that were never measured, as (sender, receiver).
        scaled: costs in use that were not measured, as (stage, node, the node that they were scaled from).
        words: the explanation, one sentence each.
    """

    nodes: tuple[str, ...]
    segments: tuple[Segment, ...]
    evaluation: Evaluation
    objective: str
    value: float
    unit: str
    lower_bound: float
    solver: str
    is_exact: bool
    used_s: float
    idle: tuple[str, ...]
    assumed_links: tuple[tuple[str, str], ...]
    scaled: tuple[tuple[str, str, str], ...]
    words: tuple[str, ...]

    @property
    def gap(self) -> float:
        """How much above the optimum the value is at most, as a part of the lower bound; infinite without a bound."""
        if self.is_exact:
            return 0.0
        return self.value / self.lower_bound - 1 if self.lower_bound > 0 else float("inf")
