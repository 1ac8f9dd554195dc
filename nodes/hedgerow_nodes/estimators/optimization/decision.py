"""What the loop decides after an iteration: to go on, with what, or why it ends."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hedgerow_idl import Trial, UserInput
from hedgerow_nodes.estimators.optimization.answers import Answers, trial_of
from hedgerow_nodes.estimators.optimization.models import open_candidates
from hedgerow_nodes.estimators.optimization.moves import moves
from hedgerow_nodes.estimators.optimization.next_input import with_move, without_model
from hedgerow_nodes.estimators.optimization.option import Move

OFF, CONTINUE, WAITS = "off", "continue", "waits_for_user"
TARGET_MET, NOTHING_BETTER, BUDGET_SPENT, DELIVERED = "target_met", "nothing_better", "budget_spent", "delivered"
DECISIONS = (OFF, CONTINUE, WAITS, TARGET_MET, NOTHING_BETTER, BUDGET_SPENT, DELIVERED)

IN_RESERVE = 3
"""So many moves are handed out at once: where the first one's iteration fails, the next is made instead."""


@dataclass(frozen=True)
class Decision:
    """The decision and what it rests on.

    Attributes:
        word: one of `DECISIONS`.
        trials: the iterations of this loop, this one last.
        best: the one with the smallest figure; None where no figure is known, or none is asked for.
        moves: what may be changed next, the first by the rule first; empty where the loop ends.
        next_inputs: the user inputs for them.
    """

    word: str
    trials: tuple[Trial, ...] = ()
    best: Trial | None = None
    moves: tuple[Move, ...] = ()
    next_inputs: tuple[UserInput, ...] = ()

    @property
    def goes_on(self) -> bool:
        """A further iteration follows, at once or when the user wants it."""
        return self.word in (CONTINUE, WAITS)


def decide(answers: Answers) -> Decision:
    """Decide by what was asked, what came out and what was tried before.

    It ends always: an iteration is one trial, and there are at most `max_iterations`.
    """
    wish = answers.user_input.optimization
    if not wish.mode:
        return Decision(OFF)
    trials = (*wish.trials, trial_of(answers))
    if wish.mode == "candidates":
        return _next_candidate(answers, trials)
    best = best_of(trials)
    if best is None:
        return Decision(NOTHING_BETTER, trials)
    if best.value <= wish.target_value:
        return Decision(TARGET_MET, trials, best)
    if len(trials) >= wish.max_iterations:
        return Decision(BUDGET_SPENT, trials, best)
    found = moves(answers, trials, best)
    if not found:
        return Decision(NOTHING_BETTER, trials, best)
    some = tuple(found[: min(IN_RESERVE, wish.max_iterations - len(trials))])
    if wish.mode == "manual":
        some = some[:1]
    inputs = tuple(with_move(answers.user_input, trials, best, some[: n + 1]) for n in range(len(some)))
    return Decision(WAITS if wish.mode == "manual" else CONTINUE, trials, best, some, inputs)


def best_of(trials: tuple[Trial, ...]) -> Trial | None:
    """The trial with the smallest known figure, the first of several."""
    known = [trial for trial in trials if not math.isnan(trial.value)]
    return min(known, key=lambda trial: trial.value, default=None)


def _next_candidate(answers: Answers, trials: tuple[Trial, ...]) -> Decision:
    """Every iteration leaves out the models of those before."""
    wish, chosen = answers.user_input.optimization, answers.model.chosen
    if len(trials) >= wish.max_iterations:
        return Decision(DELIVERED, trials)
    names = {chosen.lower(), chosen.lower().rpartition("/")[2]}
    left = [
        one
        for one in open_candidates(answers)
        if not names & {one.id.lower(), one.id.lower().rpartition("/")[2], one.family.lower()}
    ]
    if not left:
        return Decision(NOTHING_BETTER, trials)
    move = Move("model", chosen, left[0].id, reason=f"{len(left)} candidates are left")
    return Decision(CONTINUE, trials, None, (move,), (without_model(answers.user_input, trials, chosen),))
