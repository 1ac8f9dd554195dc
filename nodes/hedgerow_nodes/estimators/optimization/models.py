"""Moves to another model: candidates within the limits, on the front of accuracy and the target's figure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hedgerow_idl import ModelCandidate, Trial
from hedgerow_nodes.estimators.models.required import another_is_required
from hedgerow_nodes.estimators.optimization.answers import Answers
from hedgerow_nodes.estimators.optimization.option import Move, share


def model_moves(answers: Answers, best: Trial) -> Iterator[Move]:
    """A move to each model of the front; none where the best iteration's model is not among the candidates.

    Latency, energy and carbon are taken to go with the candidates' times on this host by its calibration, memory with
    their memory: all other things stay as they are.
    """
    target = answers.user_input.optimization.target
    usable = open_candidates(answers)
    present = next((one for one in answers.model.candidates if one.id == best.chosen_model), None)
    if present is None:
        return
    for one in usable:
        if one.id == present.id or not _comparable(one, present):
            continue
        if any(_dominates(other, one, target) for other in usable):
            continue
        ratio = share(cost(one, target), cost(present, target))
        if math.isnan(ratio):
            continue
        lost = 0.0 if math.isnan(one.accuracy) else max(0.0, present.accuracy - one.accuracy)
        yield Move("model", present.id, one.id, ratio, lost, 0, _reason(one, present, target))


def open_candidates(answers: Answers) -> list[ModelCandidate]:
    """The candidates that keep every limit, whether or not the loop requires another one at the moment."""
    said = another_is_required(answers.user_input.required_model.strip())
    return [one for one in answers.model.candidates if one.rejected in ("", said)]


def cost(one: ModelCandidate, target: str) -> float:
    """What the target's figure goes with."""
    return one.memory_bytes.value if target == "memory_mb" else one.latency_s.value


def _comparable(one: ModelCandidate, present: ModelCandidate) -> bool:
    """No model of which no accuracy is known replaces one of which it is, and no metric another."""
    if math.isnan(present.accuracy):
        return True
    return not math.isnan(one.accuracy) and one.accuracy_metric == present.accuracy_metric


def _dominates(other: ModelCandidate, one: ModelCandidate, target: str) -> bool:
    """At least as good in both, better in one, and judged by the same metric."""
    if other is one or other.accuracy_metric != one.accuracy_metric:
        return False
    pairs = (cost(other, target), cost(one, target)), (-other.accuracy, -one.accuracy)
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def _reason(one: ModelCandidate, present: ModelCandidate, target: str) -> str:
    by = "memory" if target == "memory_mb" else "time on this host by calibration"
    weights = "" if one.weights != "none" else ", no trained weights at hand"
    return f"{by}, {one.id} beside {present.id}{_accuracies(one, present)}{weights}"


def _accuracies(one: ModelCandidate, present: ModelCandidate) -> str:
    if math.isnan(one.accuracy) or math.isnan(present.accuracy):
        return ", accuracy unknown"
    return f", {one.accuracy_metric} {one.accuracy:.3g} beside {present.accuracy:.3g}"
