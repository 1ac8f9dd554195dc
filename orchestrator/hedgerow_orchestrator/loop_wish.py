"""The wish to have a problem answered again and again: what of it is accepted, and what a new iteration takes over."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hedgerow_idl import LoopRequest, UserInput
from hedgerow_orchestrator.refusal import SubmissionRefused

FIELD = "optimization"
MODES = ("auto", "manual", "candidates")
TARGETS = ("gco2e", "latency_ms", "energy_j", "memory_mb")
DEFAULT_ITERATIONS = 8
MOST_ITERATIONS = 100
TARGET_OF_OBJECTIVE = {"": "gco2e", "carbon": "gco2e", "energy": "energy_j", "latency": "latency_ms"}


def changed_wish(asked: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The wish of an earlier iteration with some of its fields changed; what its loop has tried is left behind.

    A person who changes something asks something else, so a new loop begins, which counts from one.
    """
    given = changes.get(FIELD, {})
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise SubmissionRefused(f"{FIELD} {given!r} is no object", FIELD)
    before = asked.get(FIELD) or {}
    modes = {before.get("mode"), given.get("mode", before.get("mode"))}
    if "candidates" in modes and len(modes) == 2:
        return given  # a target means nothing to candidates, and their number nothing to a target
    return {name: value for name, value in before.items() if name != "trials"} | given


def check_wish(user_input: UserInput) -> None:
    """Complete the wish of a user input.

    Raises:
        SubmissionRefused: it cannot be used.
    """
    wish = user_input.optimization
    if wish.trials:
        raise SubmissionRefused("what a loop has tried is filled by the system; leave it out", f"{FIELD}.trials")
    if not wish.mode:
        if not _says_nothing(wish):
            known = ", ".join(MODES)
            raise SubmissionRefused(f"a target needs a mode; known: {known}", f"{FIELD}.mode")
        return
    if wish.mode not in MODES:
        raise SubmissionRefused(f"mode {wish.mode!r} unknown; known: {', '.join(MODES)}", f"{FIELD}.mode")
    wish.max_iterations = wish.max_iterations or DEFAULT_ITERATIONS
    least = 2 if wish.mode == "candidates" else 1
    if not least <= wish.max_iterations <= MOST_ITERATIONS:
        text = f"max_iterations {wish.max_iterations}: give a number from {least} to {MOST_ITERATIONS}"
        raise SubmissionRefused(text, f"{FIELD}.max_iterations")
    if wish.mode == "candidates":
        _check_candidates(user_input)
    else:
        _check_target(user_input)


def _says_nothing(wish: LoopRequest) -> bool:
    return not (wish.target or wish.max_iterations or wish.allow_regions) and math.isnan(wish.target_value)


def _check_candidates(user_input: UserInput) -> None:
    wish = user_input.optimization
    if wish.target or not math.isnan(wish.target_value):
        raise SubmissionRefused("the mode candidates has no target; leave it out", f"{FIELD}.target")
    if user_input.required_model:
        text = f"required_model {user_input.required_model!r} leaves no other candidate; leave it out"
        raise SubmissionRefused(text, "required_model")


def _check_target(user_input: UserInput) -> None:
    wish = user_input.optimization
    if not wish.target:
        if not math.isnan(wish.target_value):
            text = f"target_value {wish.target_value:g} of what? known targets: {', '.join(TARGETS)}"
            raise SubmissionRefused(text, f"{FIELD}.target")
        wish.target = TARGET_OF_OBJECTIVE.get(user_input.objective, "")
    if wish.target not in TARGETS:
        said = f"target {wish.target!r} unknown" if wish.target else "the objective cost cannot be made small by a loop"
        raise SubmissionRefused(f"{said}; give a target, known: {', '.join(TARGETS)}", f"{FIELD}.target")
    if wish.target_value <= 0 or math.isinf(wish.target_value):
        text = f"{wish.target} = {wish.target_value!r} is no target; give a number above 0"
        raise SubmissionRefused(text, f"{FIELD}.target_value")
