"""What is asked of a model: the task, the names wanted and unwanted, and the limits, gathered from four messages."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hedgerow_idl import AppRequirements, HWConstraints, Limit, MLModelMetadata, UserInput
from hedgerow_nodes.estimators.models.catalogue import Catalogue
from hedgerow_nodes.estimators.models.precisions import UnknownPrecision, precision_of
from hedgerow_nodes.estimators.models.special_forms import special_form

# What an unsure guess of the task may fall back on: its next best.
_GUESSES = 3


class NoModel(Exception):
    """No model can be given; the message is a sentence that says why."""


@dataclass(frozen=True)
class Wish:
    """What a model must do and keep.

    Attributes:
        task: Hugging Face pipeline tag; `task_note` says how it was arrived at, where that was not plain.
        excluded: ids, last parts of ids or families that are unwanted, as the user wrote them.
        required: a catalogue id, a path, `hf:OWNER/NAME`, or empty.
        limits: those that a model can be judged by.
        latency_note: why latency is not judged on this host; empty if it is.
        special: the form of the task that the user's words ask for, such as `faces`; empty is the plain one.
        precision: `float32`, `float16` or `int8`; empty is that in which a model comes.
    """

    task: str
    task_note: str = ""
    excluded: tuple[str, ...] = ()
    required: str = ""
    limits: tuple[Limit, ...] = ()
    latency_note: str = ""
    special: str = ""
    precision: str = ""


def gather(
    user_input: UserInput,
    metadata: MLModelMetadata,
    requirements: AppRequirements,
    constraints: HWConstraints,
    catalogue: Catalogue,
) -> Wish:
    """Put together what the four messages ask.

    Raises:
        NoModel: there is no task, the catalogue has no model for it, or the precision is unknown.
    """
    try:
        precision = precision_of(user_input.precision)
    except UnknownPrecision as error:
        raise NoModel(str(error)) from error
    task, note = _task(metadata, catalogue) if not user_input.required_model else (_first(metadata), "")
    limits = [*requirements.limits, *constraints.limits]
    limits += [
        Limit(name=name, comparison="<=", value=value, unit=unit, found_in=where)
        for name, value, unit, where in (
            ("latency_s", user_input.max_latency_s, "s", "field:max_latency_s"),
            ("memory_bytes", user_input.max_memory_bytes, "B", "field:max_memory_bytes"),
            ("memory_bytes", constraints.max_memory_bytes, "B", "hw_constraints"),
        )
        if not math.isnan(value)
    ]
    distinct = {(limit.name, limit.comparison, limit.value): limit for limit in reversed(limits)}
    return Wish(
        task=task,
        task_note=note,
        excluded=tuple(name.strip() for name in user_input.excluded_models if name.strip()),
        required=user_input.required_model.strip(),
        limits=tuple(sorted(distinct.values(), key=lambda limit: (limit.name, limit.value))),
        latency_note=_latency_note(user_input, constraints),
        special=special_form(task, user_input.text, *user_input.outputs),
        precision=precision,
    )


def _first(metadata: MLModelMetadata) -> str:
    return metadata.tasks[0].id if metadata.tasks else ""


def _task(metadata: MLModelMetadata, catalogue: Catalogue) -> tuple[str, str]:
    first = _first(metadata)
    if not first:
        raise NoModel("the problem names no ML task, so no model can be looked up; state a goal")
    known = catalogue.tasks()
    if first in known:
        return first, ""
    if metadata.unsure:
        for guess in metadata.tasks[1:_GUESSES]:
            if guess.id in known:
                note = f"The catalogue has no model for {first}; as the guess was unsure, {guess.id} is taken"
                return guess.id, note
    raise NoModel(f"the catalogue has no model for the task {first!r}; it has models for {', '.join(known)}")


def _latency_note(user_input: UserInput, constraints: HWConstraints) -> str:
    """Latency on this host says nothing about a device that may be far faster, so there it is left to hw_resources."""
    device = user_input.required_device or constraints.required_device
    if device:
        return f"latency is judged by hw_resources on the required device {device}, not on this host"
    if constraints.device_class in ("gpu", "server"):
        return f"latency is judged by hw_resources on devices of class {constraints.device_class}, not on this host"
    return ""
