"""The units for which a Software Carbon Intensity can be asked: a closed list, each with its R and what R rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hedgerow_idl import MLModel
from hedgerow_nodes.estimators.text.tasks import load_taxonomy

THOUSAND = 1000.0


class UnknownUnit(ValueError):
    """A functional unit that is not in the list; the message names those that are."""


@dataclass(frozen=True)
class FunctionalUnit:
    """What a carbon intensity is counted for: its id, how it is called, and in words how many inferences it takes."""

    id: str
    label: str
    rule: str


_LIST = (
    FunctionalUnit("inference", "one inference", "R = 1 inference"),
    FunctionalUnit("request", "one request", "R = 1 request = 1 inference, as requests are answered one by one"),
    FunctionalUnit("image", "one image", "R = 1 image = 1 inference, for a model that takes one image at a time"),
    FunctionalUnit("token", "one generated token", "R = 1 token = 1 inference / passes, for a model that generates"),
    FunctionalUnit("thousand_inferences", "1,000 inferences", "R = 1,000 inferences"),
)
UNITS: Mapping[str, FunctionalUnit] = MappingProxyType({unit.id: unit for unit in _LIST})
DEFAULT_UNIT = _LIST[0]


def unit_named(name: str) -> FunctionalUnit:
    """The unit of an id; the first of the list where nothing is said.

    Raises:
        UnknownUnit: it is not in the list.
    """
    if not name:
        return DEFAULT_UNIT
    if name not in UNITS:
        raise UnknownUnit(f"functional unit {name!r} unknown; known: {', '.join(UNITS)}")
    return UNITS[name]


def inferences_per_unit(unit: FunctionalUnit, model: MLModel) -> tuple[float | None, str]:
    """How many inferences of a model one unit takes, and why so; None where the model has no such unit."""
    if unit.id == "thousand_inferences":
        return THOUSAND, unit.rule
    if unit.id == "token":
        passes = model.passes_per_inference
        if passes <= 1:
            return None, f"{model.chosen} generates no tokens one by one, so there is none per token"
        return 1.0 / passes, f"{unit.rule}: 1 / {passes}"
    if unit.id == "image" and not _takes_images(model.task):
        return None, f"the task {model.task or 'is unknown and'} takes no image, so there is none per image"
    return 1.0, unit.rule


def _takes_images(task_id: str) -> bool:
    task = next((task for task in load_taxonomy().tasks if task.id == task_id), None)
    return task is not None and "image" in task.takes
