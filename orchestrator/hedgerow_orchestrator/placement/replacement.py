"""Whether a running placement should give way to a new one, with the reason for yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hedgerow_orchestrator.placement.evaluate import Evaluator
from hedgerow_orchestrator.placement.explain import figure
from hedgerow_orchestrator.placement.plan import Plan
from hedgerow_orchestrator.placement.problem import Problem

_SAVED = {
    "throughput": "time between items",
    "latency": "time of an item",
    "energy": "energy",
    "weighted": "of the weighted sum",
}
"""What a gain is of, by objective."""


class Verdict(StrEnum):
    """Why a placement moves or stays; the first two move."""

    BROKEN = "broken"
    BETTER = "better"
    SAME = "same"
    WORSE = "worse"
    SMALL_GAIN = "small_gain"
    TOO_SOON = "too_soon"
    COSTLY = "costly"


@dataclass(frozen=True)
class Policy:
    """What holds a placement in its place.

    Attributes:
        least_gain: the part by which the value must fall.
        least_dwell_s: since the last move.
        horizon_s: the time within which a move must have paid for itself.
    """

    least_gain: float = 0.05
    least_dwell_s: float = 10.0
    horizon_s: float = 300.0

    def __post_init__(self) -> None:
        if not (0 <= self.least_gain < 1 and self.least_dwell_s >= 0 and self.horizon_s > 0):
            raise ValueError(f"{self}: the gain is a part of 1, the dwell 0 or more, the horizon above 0")


@dataclass(frozen=True)
class Decision:
    """The answer.

    Attributes:
        gain: the part by which the value would fall; NaN where the running placement has no value any more.
        words: the reason.
    """

    verdict: Verdict
    gain: float
    words: str

    @property
    def is_move(self) -> bool:
        """Whether to deploy the new plan."""
        return self.verdict in (Verdict.BROKEN, Verdict.BETTER)


def decide(
    problem: Problem,
    running: Sequence[str],
    plan: Plan,
    since_move_s: float,
    pause_s: float,
    policy: Policy | None = None,
) -> Decision:
    """Compare the running placement under the newest figures with a plan made from them.

    A move pays when what it gains within the horizon is more than what its pause loses. With a time between items of
    old and new, and a pause d in a horizon h, (h - d) / new > h / old, which is gain > d / h.

    Args:
        problem: with the newest costs, links and nodes.
        running: the node of each stage, by name; one may be gone.
        plan: what the solver found for the problem.
        since_move_s: since the running placement was deployed.
        pause_s: for which nothing would be served; 0 for a swap without one.
    """
    policy = policy or Policy()
    index = {name: at for at, name in enumerate(problem.node_names)}
    gone = [name for name in running if name not in index]
    if gone:
        return Decision(Verdict.BROKEN, float("nan"), f"yes: node {gone[0]!r} is gone")
    evaluator = Evaluator(problem)
    now = [index[name] for name in running]
    if broken := evaluator.broken(now):
        return Decision(Verdict.BROKEN, float("nan"), f"yes: the running placement breaks a rule: {broken}")
    value = evaluator.evaluate(now).value
    gain = 1 - plan.value / value
    told = f"{figure(value, problem.objective)} now, {figure(plan.value, problem.objective)} planned"
    if tuple(running) == plan.nodes:
        proof = "and nothing is better" if plan.is_exact else f"at most {plan.gap:.2%} above the best"
        return Decision(Verdict.SAME, 0.0, f"no: the running placement is the one planned ({told}), {proof}")
    if gain <= 0:
        return Decision(Verdict.WORSE, gain, f"no: the plan is no better ({told})")
    if gain < policy.least_gain:
        words = f"no: the gain of {gain:.2%} is below {policy.least_gain:.2%} ({told})"
        return Decision(Verdict.SMALL_GAIN, gain, words)
    if since_move_s < policy.least_dwell_s:
        words = f"no: the last move was {since_move_s:.1f} s ago, and {policy.least_dwell_s:g} s are to pass ({told})"
        return Decision(Verdict.TOO_SOON, gain, words)
    if gain <= pause_s / policy.horizon_s:
        words = (
            f"no: a pause of {pause_s:.1f} s costs {pause_s / policy.horizon_s:.2%} of {policy.horizon_s:g} s, the "
            f"gain is {gain:.2%} ({told})"
        )
        return Decision(Verdict.COSTLY, gain, words)
    return Decision(Verdict.BETTER, gain, f"yes: {gain:.2%} less {_SAVED[problem.objective.name]} ({told})")
