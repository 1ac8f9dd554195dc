"""The outputs that the loop decides by, and the figure of its target in them."""

from __future__ import annotations

from dataclasses import dataclass, field

from hedgerow_idl import Baselines, CarbonFootprint, Estimate, HWConstraints, HWResources, MLModel, Trial, UserInput
from hedgerow_nodes.estimators.quantity_text import quantity

MS_PER_S = 1e3
MB_PER_BYTE = 1e-6
PRECISION_NAMES = {"": "fp32", "float32": "fp32", "float16": "fp16", "half": "fp16"}
# Target: its unit, and how many base units one of its own is.
_UNITS = {"gco2e": ("gCO2e", 1.0), "latency_ms": ("s", 1e-3), "energy_j": ("J", 1.0), "memory_mb": ("B", 1e6)}
TARGETS = tuple(_UNITS)


@dataclass(frozen=True)
class Answers:
    """What one iteration was asked and what it answered."""

    user_input: UserInput
    model: MLModel
    hardware: HWResources
    carbon: CarbonFootprint
    constraints: HWConstraints = field(default_factory=HWConstraints)
    baselines: Baselines = field(default_factory=Baselines)


def figure(target: str, hardware: HWResources, carbon: CarbonFootprint) -> Estimate:
    """The target's figure in the target's unit.

    Raises:
        KeyError: there is no such target.
    """
    found, factor = {
        "gco2e": (carbon.carbon_gco2e, 1.0),
        "latency_ms": (hardware.latency_s, MS_PER_S),
        "energy_j": (hardware.energy_j, 1.0),
        "memory_mb": (hardware.memory_required_bytes, MB_PER_BYTE),
    }[target]
    return scaled(found, factor)


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """The same figure in another unit, or a multiple of it."""
    value, low, high = (number * factor for number in (estimate.value, estimate.low, estimate.high))
    return Estimate(value=value, low=low, high=high, method=estimate.method, source=estimate.source)


def in_words(value: float, target: str) -> str:
    """A figure of a target with its unit, such as `12.3 ms`."""
    unit, size = _UNITS[target]
    return quantity(value * size, unit)


def trial_of(answers: Answers) -> Trial:
    """This iteration as the loop remembers it.

    Of the first one the device that the text asks for counts as asked for, too, so that the loop leaves it alone.
    """
    asked, wish = answers.user_input, answers.user_input.optimization
    device = asked.required_device
    if not wish.trials:
        device = device or answers.constraints.required_device
    found = figure(wish.target, answers.hardware, answers.carbon) if wish.target in TARGETS else Estimate()
    return Trial(
        iteration_id=answers.model.header.task.iteration_id,
        model=asked.required_model,
        precision=asked.precision,
        device=device,
        region=asked.location,
        chosen_model=answers.model.chosen,
        chosen_precision=PRECISION_NAMES.get(answers.model.precision, answers.model.precision),
        chosen_device=answers.hardware.chosen,
        location=answers.carbon.location,
        value=found.value,
        low=found.low,
        high=found.high,
    )
