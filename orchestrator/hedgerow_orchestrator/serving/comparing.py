"""Whether a service that runs should be placed anew: the verdict, and the reason for yes or no."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hedgerow_orchestrator.placement.problem import Problem
from hedgerow_orchestrator.placement.replacement import Decision, Policy, Verdict, decide
from hedgerow_orchestrator.serving.network_ends import is_end
from hedgerow_orchestrator.serving.network_place import nodes_from
from hedgerow_orchestrator.serving.parts import PARTITION, Key
from hedgerow_orchestrator.serving.placement_words import labels_of
from hedgerow_orchestrator.serving.proposal import Placed, Proposal
from hedgerow_orchestrator.serving.workers import Worker

_SAID = {
    Verdict.BROKEN: "better",
    Verdict.BETTER: "better",
    Verdict.SAME: "same",
    Verdict.WORSE: "worse",
    Verdict.SMALL_GAIN: "same",
    Verdict.TOO_SOON: "better",
    Verdict.COSTLY: "worse",
}


@dataclass(frozen=True)
class Comparison:
    """The verdict as it is told (`better`, `same`, `worse`), whether to move, and why."""

    verdict: str
    is_move: bool
    reason: str


def compare(
    proposal: Proposal,
    current: Mapping[Key, str],
    boundaries: Mapping[str, tuple[int, ...]],
    workers: Sequence[Worker],
    since_move_s: float,
    policy: Policy,
) -> Comparison:
    """Hold a proposal that is free to move everything against what runs, both under the newest figures."""
    here = sorted((each for each in workers if each.is_here), key=lambda each: (each.label, each.node_id))
    labels = dict(zip((each.node_id for each in here), labels_of(here), strict=True))
    decisions: list[Decision] = []
    for placed in proposal.placed:
        running = _running(placed, proposal, current, boundaries, labels)
        if running is not None:
            since_s = since_move_s if math.isfinite(since_move_s) else 1e9
            decisions.append(decide(_free(placed, proposal), running, placed.plan, since_s, 0.0, policy))
    if not decisions:
        return Comparison("same", False, "no: nothing that runs can be compared with the plan")
    # The most weighty first: a move, else what comes nearest to one.
    order = [Verdict.BROKEN, Verdict.BETTER, Verdict.TOO_SOON, Verdict.SMALL_GAIN, Verdict.COSTLY]
    order += [Verdict.WORSE, Verdict.SAME]
    best = min(decisions, key=lambda each: order.index(each.verdict))
    return Comparison(_SAID[best.verdict], best.is_move, best.words)


def _free(placed: Placed, proposal: Proposal) -> Problem:
    """The problem by which what runs is judged: the handlers' holds the parts of networks where they are proposed.

    That is no rule which other places would break. Rules of a network's parts are in the network's own problem.
    """
    if placed.what in proposal.boundaries:
        return placed.problem
    parts = {part.label for part in proposal.parts if part.handler == PARTITION}
    rules = placed.problem.rules
    others = tuple((stage, node) for stage, node in rules.forbids if stage not in parts)
    return replace(placed.problem, rules=replace(rules, forbids=others))


def _running(
    placed: Placed,
    proposal: Proposal,
    current: Mapping[Key, str],
    boundaries: Mapping[str, tuple[int, ...]],
    labels: Mapping[str, str],
) -> list[str] | None:
    """The node of each stage as it is now, by the names of the problem; None where the stages are others."""
    bounds = boundaries.get(placed.what)
    if bounds is not None:
        nodes = [current.get((f"{placed.what}/{at}", 0), "") for at in range(len(bounds) - 1)]
        layers = nodes_from(bounds, nodes)
        # A stage is called by its first layer: it is one layer, a few that are planned as one, or a part.
        problem, pins = placed.problem, placed.problem.rules.pins
        firsts = {name: int(name.rpartition("/")[2]) for name in problem.stage_names if not is_end(problem, name)}
        if not set(bounds[:-1]) <= set(firsts.values()):
            return None
        now = {name: labels.get(layers[first], layers[first]) for name, first in firsts.items()}
        return [now[name] if name in now else pins[name] for name in problem.stage_names]
    keys = [part.key for part in proposal.parts]
    if any(key not in current for key in keys) or dict(proposal.boundaries) != dict(boundaries):
        return None
    return [labels.get(current[key], current[key]) for key in keys]
