"""An iteration beside the one before it: figure by figure, better or worse only where the intervals lie apart."""

from __future__ import annotations

import math

from hedgerow_idl import NAN, Baselines, CarbonFootprint, ComparedFigure, Estimate, HWResources, MLModel
from hedgerow_nodes.estimators.interval import Interval

BETTER, WORSE, NO_DIFFERENCE, UNKNOWN = "better", "worse", "no difference", "unknown"
_WANTED_HIGH = ("accuracy",)


def compare(
    baselines: Baselines, model: MLModel, hardware: HWResources, carbon: CarbonFootprint
) -> list[ComparedFigure]:
    """Every figure that both iterations can be compared by; none where there is no iteration before."""
    if not baselines.previous:
        return []
    old_model = baselines.ml_model_provider[0] if baselines.ml_model_provider else MLModel()
    old_hardware = baselines.hw_resources[0] if baselines.hw_resources else HWResources()
    old_carbon = baselines.carbon_footprint[0] if baselines.carbon_footprint else CarbonFootprint()
    old_accuracy, old_metric = accuracy_of(old_model)
    accuracy, metric = accuracy_of(model)
    if metric != old_metric:
        # What one metric says of one model, another cannot say of the other.
        old_accuracy = Estimate()
    return [
        compared("latency_s", old_hardware.latency_s, hardware.latency_s),
        compared("energy_j", old_hardware.energy_j, hardware.energy_j),
        compared("memory_bytes", old_hardware.memory_required_bytes, hardware.memory_required_bytes),
        compared("carbon_gco2e", old_carbon.carbon_gco2e, carbon.carbon_gco2e),
        compared("accuracy", old_accuracy, accuracy),
    ]


def compared(name: str, before: Estimate, after: Estimate) -> ComparedFigure:
    """Two figures of one name; of two points, such as published accuracies, any difference counts."""
    old, new = Interval.of(before), Interval.of(after)
    if old is None or new is None:
        return ComparedFigure(name=name, before=before, after=after, verdict=UNKNOWN)
    ratio = new.value / old.value if old.value > 0 else NAN
    overlap = new.low <= old.high and old.low <= new.high
    return ComparedFigure(
        name=name, before=before, after=after, ratio=ratio, overlap=overlap, verdict=_verdict(name, old, new, overlap)
    )


def accuracy_of(model: MLModel) -> tuple[Estimate, str]:
    """The published accuracy of the chosen model, and its metric; unknown and empty where there is none."""
    found = next((one for one in model.candidates if one.id == model.chosen), None)
    if found is None or math.isnan(found.accuracy):
        return Estimate(), ""
    value = found.accuracy
    return Estimate(value=value, low=value, high=value, method="published", source=found.accuracy_source), (
        found.accuracy_metric
    )


def _verdict(name: str, old: Interval, new: Interval, overlap: bool) -> str:
    if overlap:
        return NO_DIFFERENCE
    lower = new.value < old.value
    return BETTER if lower != (name in _WANTED_HIGH) else WORSE
