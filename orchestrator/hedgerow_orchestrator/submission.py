"""From a request's JSON to a task: what is accepted, what a new iteration takes over from the one before. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec
from cyclonedds.idl import IdlStruct

from hedgerow_idl import (
    AppRequirements,
    Baselines,
    CarbonFootprint,
    Header,
    HWConstraints,
    HWResources,
    MLModel,
    MLModelMetadata,
    Outcome,
    TaskId,
    UserInput,
)
from hedgerow_idl.codec import codec_of
from hedgerow_idl.loop import FILLED_BY_THE_SYSTEM
from hedgerow_idl.plain import PlainError, from_plain, to_json
from hedgerow_nodes.estimators.carbon.functional_unit import UNITS
from hedgerow_nodes.estimators.models.precisions import UnknownPrecision, precision_of
from hedgerow_orchestrator.loop_wish import changed_wish, check_wish
from hedgerow_orchestrator.older_samples import present
from hedgerow_orchestrator.pipeline import Pipeline
from hedgerow_orchestrator.refusal import SubmissionRefused
from hedgerow_orchestrator.states import TaskState
from hedgerow_orchestrator.store.changes import TaskRow

TITLE_LENGTH = 120
OBJECTIVES = ("", "carbon", "cost", "energy", "latency")

BASELINE_TYPES: Mapping[str, type[IdlStruct]] = {
    "app_requirements": AppRequirements,
    "ml_model_metadata": MLModelMetadata,
    "hw_constraints": HWConstraints,
    "ml_model_provider": MLModel,
    "hw_resources": HWResources,
    "carbon_footprint": CarbonFootprint,
}
"""The stages whose outputs a new iteration gets to see: the fields of `Baselines`."""


def user_input_of(problem: Any) -> UserInput:
    """The user input that a request's JSON object describes.

    Raises:
        SubmissionRefused: no object, an unknown or forbidden field, a wrong type, or an empty problem.
    """
    user_input = _read(problem)
    check_wish(user_input)
    return user_input


def proposed_input(proposal: Any) -> UserInput:
    """The user input that a loop stage proposes, with what the loop has tried; errors as `user_input_of`."""
    return _read(proposal)


def same_request(request: str, proposal: Mapping[str, Any]) -> bool:
    """Whether a stored request is what was proposed."""
    stored: dict[str, Any] = msgspec.json.decode(request)
    return stored == dict(proposal)


def _read(problem: Any) -> UserInput:
    if not isinstance(problem, dict):
        raise SubmissionRefused(f"problem {problem!r} is no object", "problem")
    for name in FILLED_BY_THE_SYSTEM:
        if name in problem:
            raise SubmissionRefused(f"field {name!r} is filled by the system; leave it out", name)
    try:
        user_input = from_plain(UserInput, problem)
    except PlainError as error:
        raise SubmissionRefused(str(error), error.field) from error
    if not user_input.text.strip():
        raise SubmissionRefused("text is empty; describe the problem in words", "text")
    if user_input.objective not in OBJECTIVES:
        known = ", ".join(OBJECTIVES[1:])
        raise SubmissionRefused(f"objective {user_input.objective!r} unknown; known: {known}", "objective")
    if user_input.functional_unit and user_input.functional_unit not in UNITS:
        known = ", ".join(UNITS)
        message = f"functional_unit {user_input.functional_unit!r} unknown; known: {known}"
        raise SubmissionRefused(message, "functional_unit")
    try:
        precision_of(user_input.precision)
    except UnknownPrecision as unknown:
        raise SubmissionRefused(str(unknown), "precision") from unknown
    for name in ("max_latency_s", "max_memory_bytes", "max_carbon_gco2e"):
        value = getattr(user_input, name)
        if value <= 0 or value == float("inf"):
            raise SubmissionRefused(f"{name} = {value!r} is no limit; give a number above 0", name)
    for name in ("inferences_per_year", "intensity_g_per_kwh", "training_samples", "epochs"):
        value = getattr(user_input, name)
        if value <= 0 or value == float("inf"):
            raise SubmissionRefused(f"{name} = {value!r} is no amount; give a number above 0", name)
    return user_input


def with_changes(request: str, changes: Any) -> UserInput:
    """The user input of an earlier iteration (as stored JSON) with some fields changed.

    Raises:
        SubmissionRefused: as `user_input_of`.
    """
    if not isinstance(changes, dict):
        raise SubmissionRefused(f"changes {changes!r} are no object", "changes")
    asked: dict[str, Any] = msgspec.json.decode(request)
    return user_input_of(asked | changes | {"optimization": changed_wish(asked, changes)})


def task_row(task: TaskId, user_input: UserInput, baselines: Baselines, pipeline: Pipeline, now_s: float) -> TaskRow:
    """The row of a new task; fills the headers of its two messages."""
    for message in (user_input, baselines):
        message.header = Header(task=task, attempt=1, outcome=Outcome.SUCCEEDED, stamped_at_s=now_s)
    user_input.previous = baselines.previous
    text = " ".join(user_input.text.split())
    return TaskRow(
        problem_id=task.problem_id,
        iteration_id=task.iteration_id,
        pipeline=pipeline.name,
        state=TaskState.WAITING,
        created_at_s=now_s,
        finished_at_s=None,
        previous_iteration_id=baselines.previous.iteration_id or None,
        title=text if len(text) <= TITLE_LENGTH else text[: TITLE_LENGTH - 1] + "…",
        request=to_json(user_input, skip=FILLED_BY_THE_SYSTEM),
        user_input=codec_of(UserInput).encode(user_input),
        baselines=codec_of(Baselines).encode(baselines),
        error_code="",
        reason="",
    )


def baselines_of(
    previous: TaskId, output_of: Callable[[str], bytes | None], plain_of: Callable[[str], str | None]
) -> Baselines:
    """The previous iteration's outputs, as far as there are any.

    Args:
        previous: the iteration that the new one begins from; {0, 0} for none.
        output_of: the accepted output of a stage, encoded.
        plain_of: its JSON, which is read where an earlier version of Hedgerow encoded it.
    """
    baselines = Baselines(previous=previous)
    if not previous:
        return baselines
    for stage, output_type in BASELINE_TYPES.items():
        cdr = output_of(stage)
        sample = None if cdr is None else present(output_type, cdr, partial(plain_of, stage))
        if sample is not None:
            setattr(baselines, stage, [sample])
    return baselines
