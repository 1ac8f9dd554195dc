"""Say in words what the loop decided and why, and how the iteration compares with the one before."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hedgerow_idl import ComparedFigure, LoopRequest, TaskId, Trial
from hedgerow_nodes.estimators.carbon.grid import load_grid
from hedgerow_nodes.estimators.optimization import decision as words
from hedgerow_nodes.estimators.optimization.answers import Answers, in_words
from hedgerow_nodes.estimators.optimization.comparison import NO_DIFFERENCE, UNKNOWN
from hedgerow_nodes.estimators.optimization.decision import Decision
from hedgerow_nodes.estimators.optimization.option import Move
from hedgerow_nodes.estimators.optimization.regions import ANYWHERE, allowed
from hedgerow_nodes.estimators.quantity_text import quantity

RULE = (
    "first what is expected to reach the target, of that what gives up least accuracy; else the greatest expected "
    "improvement; last what nothing at hand can tell"
)
_UNITS = {"latency_s": "s", "energy_j": "J", "memory_bytes": "B", "carbon_gco2e": "gCO2e", "accuracy": ""}


def explain(answers: Answers, decided: Decision, comparison: Sequence[ComparedFigure]) -> str:
    """The explanation of an iteration's optimization."""
    wish = answers.user_input.optimization
    sentences = compared(answers.baselines.previous, comparison)
    if decided.word == words.OFF:
        return " ".join([*sentences, "No loop was asked for."])
    sentences.append(f"Iteration {len(decided.trials)} of at most {wish.max_iterations} of this loop.")
    if wish.mode == "candidates":
        sentences.append(_candidates(decided, wish))
    else:
        sentences += _target(answers, decided)
    return " ".join(sentence for sentence in sentences if sentence)


def compared(previous: TaskId, comparison: Sequence[ComparedFigure]) -> list[str]:
    """Sentences about the figures beside those of the iteration before; none where there is none before."""
    if not comparison:
        return []
    told = [_figure(one) for one in comparison if one.verdict != UNKNOWN]
    unknown = [_name(one) for one in comparison if one.verdict == UNKNOWN]
    sentences = [f"Compared with iteration {previous}: {'; '.join(told) or 'nothing can be compared'}."]
    if unknown and told:
        sentences.append(f"Not to be compared: {', '.join(unknown)}.")
    return sentences


def _figure(one: ComparedFigure) -> str:
    before, after = (_told(value, _UNITS[one.name]) for value in (one.before.value, one.after.value))
    numbers = f"{_name(one)} {before} then, {after} now"
    if one.verdict == NO_DIFFERENCE:
        why = "the same" if one.before.value == one.after.value else "no difference, the intervals overlap"
        return f"{numbers} ({why})"
    return f"{numbers} ({one.verdict}, {one.ratio:.3g} times)"


def _told(value: float, unit: str) -> str:
    return quantity(value, unit) if unit else f"{value:.3g}"


def _name(one: ComparedFigure) -> str:
    return one.name.partition("_")[0]


def _candidates(decided: Decision, wish: LoopRequest) -> str:
    found = [trial.chosen_model for trial in decided.trials]
    if decided.word == words.DELIVERED:
        return f"{len(found)} different models were asked for and delivered: {', '.join(found)}."
    if decided.word == words.NOTHING_BETTER:
        return (
            f"Only {len(found)} of {wish.max_iterations} different models keep the limits: {', '.join(found)}; "
            "loosen a limit or an exclusion to have more."
        )
    return f"Delivered so far: {', '.join(found)}; the next iteration leaves these out."


def _target(answers: Answers, decided: Decision) -> list[str]:
    wish, best, now = answers.user_input.optimization, decided.best, decided.trials[-1]
    goal = (
        "as small as can be" if math.isnan(wish.target_value) else f"at most {in_words(wish.target_value, wish.target)}"
    )
    sentences = [f"Target: {wish.target} {goal}; here it is {in_words(now.value, wish.target)}."]
    if best is None:
        return [*sentences, f"The loop ends: {wish.target} is not known of any iteration, so none can be better."]
    if best is not now:
        sentences.append(f"The best so far is iteration {best.iteration_id} with {in_words(best.value, wish.target)}.")
    sentences.append(_end(decided, best, wish))
    sentences += [_next(decided.moves, best, wish, waits=decided.word == words.WAITS)] if decided.moves else []
    return [*sentences, _unknown_regions(wish)]


def _end(decided: Decision, best: Trial, wish: LoopRequest) -> str:
    if decided.word == words.TARGET_MET:
        sure = "and so is its whole interval" if best.high <= wish.target_value else "though its interval reaches above"
        return f"The target is met by iteration {best.iteration_id}, {sure}."
    if decided.word == words.BUDGET_SPENT:
        return f"The loop ends: its {wish.max_iterations} iterations are spent{_missed(best, wish)}."
    if decided.word == words.NOTHING_BETTER:
        fixed = _fixed(decided.trials[0], wish)
        return f"The loop ends: nothing that may be changed promises less{_missed(best, wish)}{fixed}."
    return ""


def _missed(best: Trial, wish: LoopRequest) -> str:
    if math.isnan(wish.target_value):
        return ""
    return f"; the best is {best.value / wish.target_value:.3g} times the target"


def _fixed(first: Trial, wish: LoopRequest) -> str:
    """What the loop had to leave alone, for that is what the user could change."""
    kept = [
        name
        for name, value in (("model", first.model), ("precision", first.precision), ("device", first.device))
        if value
    ]
    if wish.target == "gco2e" and not wish.allow_regions:
        kept.append("region (no other is allowed)")
    return f". Left alone as asked: {', '.join(kept)}" if kept else ""


def _next(moves: Sequence[Move], best: Trial, wish: LoopRequest, *, waits: bool) -> str:
    first = moves[0]
    before = first.before or "what was there"
    promise = "unknown" if math.isnan(first.ratio) else in_words(best.value * first.ratio, wish.target)
    text = (
        f"{'Proposed' if waits else 'Next'}: {first.what} {first.after} in place of {before}, "
        f"expected {promise} ({first.reason}); rule: {RULE}."
    )
    if len(moves) > 1:
        others = ", ".join(f"{move.what} {move.after}" for move in moves[1:])
        text += f" Should it fail: {others}."
    return text


def _unknown_regions(wish: LoopRequest) -> str:
    names = [name.strip() for name in wish.allow_regions]
    if not names or any(name.casefold() == ANYWHERE for name in names):
        return ""
    unknown = [name for name in names if not allowed([name], load_grid())]
    return f"Not known as regions and left out: {', '.join(unknown)}." if unknown else ""
