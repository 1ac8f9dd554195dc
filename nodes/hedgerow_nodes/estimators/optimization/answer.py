"""The loop's decision as the message that is sent."""

from __future__ import annotations

from hedgerow_idl import Estimate, LoopMove, Optimization
from hedgerow_nodes.estimators.optimization.answers import TARGETS, Answers, figure
from hedgerow_nodes.estimators.optimization.comparison import compare
from hedgerow_nodes.estimators.optimization.decision import decide
from hedgerow_nodes.estimators.optimization.explanation import explain
from hedgerow_nodes.estimators.optimization.moves import expected
from hedgerow_nodes.estimators.optimization.option import Move


def optimization(answers: Answers) -> Optimization:
    """Decide, compare with the iteration before, and put both into words."""
    wish = answers.user_input.optimization
    decided = decide(answers)
    comparison = compare(answers.baselines, answers.model, answers.hardware, answers.carbon)
    best = decided.best
    return Optimization(
        decision=decided.word,
        mode=wish.mode,
        target=wish.target,
        target_value=wish.target_value,
        value=figure(wish.target, answers.hardware, answers.carbon) if wish.target in TARGETS else Estimate(),
        iteration=len(decided.trials),
        max_iterations=wish.max_iterations,
        best=[] if best is None else [best],
        change=[_wire(move, () if best is None else expected(move, best)) for move in decided.moves[:1]],
        previous=answers.baselines.previous,
        comparison=comparison,
        next_input=list(decided.next_inputs),
        explanation=explain(answers, decided, comparison),
    )


def _wire(move: Move, figures: tuple[float, ...]) -> LoopMove:
    estimate = Estimate()
    if figures and figures[0] == figures[0]:
        value, low, high = figures
        estimate = Estimate(value=value, low=low, high=high, method="expected", source=move.reason)
    return LoopMove(what=move.what, before=move.before, after=move.after, expected=estimate, reason=move.reason)
