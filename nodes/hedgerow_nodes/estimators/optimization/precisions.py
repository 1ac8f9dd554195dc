"""Moves to a smaller precision: fewer bytes of weights, and so less time where the memory is what holds back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hedgerow_idl import NAN, Trial
from hedgerow_nodes.estimators.optimization.answers import Answers
from hedgerow_nodes.estimators.optimization.option import Move

BYTES_PER_WEIGHT = {"fp32": 4.0, "fp16": 2.0, "int8": 1.0}


def precision_moves(answers: Answers, best: Trial) -> Iterator[Move]:
    """The next smaller precisions, those that are more than one step away too."""
    present = best.chosen_precision
    if present not in BYTES_PER_WEIGHT:
        return
    for risk, (name, size) in enumerate(BYTES_PER_WEIGHT.items()):
        if size < BYTES_PER_WEIGHT[present]:
            ratio, reason = _ratio(answers, size / BYTES_PER_WEIGHT[present])
            yield Move("precision", present, name, ratio, 0.0, risk, reason)


def not_given(trials: Sequence[Trial], model: str) -> bool:
    """A precision was asked of this model before, and another one came: it is known in no other."""
    return any(
        trial.precision and trial.chosen_model == model and trial.chosen_precision != trial.precision
        for trial in trials
    )


def _ratio(answers: Answers, of_weights: float) -> tuple[float, str]:
    """What is sure is that the weights shrink; activations may stay as they are."""
    weights, activations = answers.model.weights_bytes, answers.model.activation_bytes
    whole = weights + activations
    shrunk = (weights * of_weights + activations) / whole if whole > 0 else NAN
    target, bound = answers.user_input.optimization.target, answers.hardware.bound
    if target == "memory_mb":
        return shrunk, f"weights of {of_weights:g} times the size, activations as they are"
    if bound == "memory":
        return shrunk, f"the device is held back by memory, and weights take {of_weights:g} times the bytes"
    held_by = bound or "what is unknown"
    return NAN, f"the device is held back by {held_by}: what fewer bytes bring there is not known before it is tried"
