"""What the loop may change next, each with what the figures at hand say that it would bring.

One move changes one thing: the model, the precision, the device or the region. What the user has fixed stays. The
expected figure is that of the best iteration so far times a ratio of two figures of one kind from the newest outputs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hedgerow_idl import NAN, Trial
from hedgerow_nodes.estimators.optimization.answers import Answers
from hedgerow_nodes.estimators.optimization.devices import device_moves
from hedgerow_nodes.estimators.optimization.models import model_moves
from hedgerow_nodes.estimators.optimization.option import Move
from hedgerow_nodes.estimators.optimization.precisions import not_given, precision_moves
from hedgerow_nodes.estimators.optimization.regions import region_moves

LEAST_GAIN = 0.01
"""A move that promises less than this share is not made: no estimate here is that exact."""

# Of two moves that promise the same, the one that changes less of what was asked for.
_ORDER = ("region", "device", "precision", "model")


@dataclass(frozen=True)
class Setting:
    """What can be changed, as it is asked for."""

    model: str
    precision: str
    device: str
    region: str

    @classmethod
    def asked(cls, trial: Trial) -> Setting:
        """What an iteration asked for."""
        return cls(trial.model, trial.precision, trial.device, trial.region)

    @classmethod
    def chosen(cls, trial: Trial) -> Setting:
        """What came of it."""
        return cls(trial.chosen_model, trial.chosen_precision, trial.chosen_device, trial.location)

    def after(self, move: Move) -> Setting:
        """The same with one thing changed."""
        return replace(self, **{move.what: move.after})


def moves(answers: Answers, trials: Sequence[Trial], best: Trial) -> list[Move]:
    """Every move from the best iteration that leads to something new and may gain, the first by the rule first.

    The rule: moves that are expected to reach the target before all others, and of these the one that gives up least
    accuracy and rounds least; then the greatest expected improvement; then moves of which nothing at hand tells what
    they bring.
    """
    wish = answers.user_input.optimization
    asked = {Setting.asked(trial) for trial in trials}
    chosen = {Setting.chosen(trial) for trial in trials if trial.chosen_model}
    found = [
        move
        for move in _all(answers, trials, best)
        if not move.ratio > 1 - LEAST_GAIN
        and Setting.asked(best).after(move) not in asked
        and Setting.chosen(best).after(move) not in chosen
    ]
    return sorted(found, key=lambda move: _rank(move, best.value, wish.target_value))


def _all(answers: Answers, trials: Sequence[Trial], best: Trial) -> Iterator[Move]:
    """The moves of each kind that the user leaves open."""
    first = trials[0]
    if answers.user_input.optimization.allow_regions:
        yield from region_moves(answers, best)
    if not first.device:
        yield from device_moves(answers, best)
    if not first.precision and not not_given(trials, best.chosen_model):
        yield from precision_moves(answers, best)
    if not first.model:
        yield from model_moves(answers, best)


def _rank(move: Move, best: float, target_value: float) -> tuple[bool, bool, float, int, float, int, str]:
    unknown = math.isnan(move.ratio)
    reaches = best * move.ratio <= target_value
    given_up, risk = (move.accuracy_lost, move.risk) if reaches else (0.0, 0)
    ratio = math.inf if unknown else move.ratio
    return unknown, not reaches, given_up, risk, ratio, _ORDER.index(move.what), move.after


def expected(move: Move, best: Trial) -> tuple[float, float, float]:
    """The figure that a move is expected to bring, with bounds; NaN where nothing tells."""
    if math.isnan(move.ratio):
        return NAN, NAN, NAN
    return best.value * move.ratio, best.low * move.ratio, best.high * move.ratio
