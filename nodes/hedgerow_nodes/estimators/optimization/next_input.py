"""The user input of the next iteration: the best one's settings with one thing changed, and what was tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hedgerow_idl import Header, TaskId, Trial, UserInput
from hedgerow_nodes.estimators.optimization.option import Move


def with_move(user_input: UserInput, trials: Sequence[Trial], best: Trial, moves: Sequence[Move]) -> UserInput:
    """What asks for the last of these moves, in the case that the iterations of those before it have failed."""
    settings = [asked_by(best, move) for move in moves]
    wanted = settings[-1]
    asked = replace(
        user_input,
        header=Header(),
        previous=TaskId(),
        required_model=wanted.model,
        precision=wanted.precision,
        required_device=wanted.device,
        location=wanted.region,
    )
    return _remembering(asked, [*trials, *settings[:-1]])


def without_model(user_input: UserInput, trials: Sequence[Trial], model: str) -> UserInput:
    """What asks for another model."""
    excluded = [*user_input.excluded_models, model]
    asked = replace(user_input, header=Header(), previous=TaskId(), excluded_models=excluded)
    return _remembering(asked, trials)


def asked_by(best: Trial, move: Move) -> Trial:
    """What a move from the best iteration asks for, nothing having come of it yet."""
    asked = {"model": best.model, "precision": best.precision, "device": best.device, "region": best.region}
    asked[move.what] = move.after
    return Trial(model=asked["model"], precision=asked["precision"], device=asked["device"], region=asked["region"])


def _remembering(user_input: UserInput, trials: Sequence[Trial]) -> UserInput:
    return replace(user_input, optimization=replace(user_input.optimization, trials=list(trials)))
