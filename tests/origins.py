"""Walks an output whole: each number is an estimate with interval, method and source, or of one closed table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from cyclonedds.idl import IdlStruct

from hedgerow_idl import (
    AppRequirements,
    CarbonFootprint,
    Estimate,
    HWConstraints,
    HWResources,
    MLModel,
    MLModelMetadata,
    Optimization,
)
from hedgerow_idl.fields import Primitive, Sequence, Struct, types_in
from hedgerow_idl.reflection import tree_of

OUTPUTS: Mapping[str, type[IdlStruct]] = {
    "app_requirements": AppRequirements,
    "ml_model_metadata": MLModelMetadata,
    "hw_constraints": HWConstraints,
    "ml_model_provider": MLModel,
    "hw_resources": HWResources,
    "carbon_footprint": CarbonFootprint,
    "optimizer": Optimization,
}
# Not walked: the framework's own fields, and what the next iteration is asked: the user's own words and limits.
LEFT_OUT = frozenset({"Header", "TaskId", "UserInput", "LoopRequest"})

# Counts, echoes and scores, by type and field: why no method and no interval belongs to them.
EXACT: Mapping[str, str] = {
    "Limit.value": "echo of the user's limit; `found_in` and `excerpt` say where it stands",
    "HWConstraints.max_memory_bytes": "echo of a limit that `limits` holds with its origin",
    "HWConstraints.max_power_w": "echo of a limit that `limits` holds with its origin",
    "Optimization.target_value": "echo of the user's target",
    "Optimization.iteration": "a count",
    "Optimization.max_iterations": "echo of the user's budget",
    "TaskScore.score": "a score of likeness, without unit; `decided_by` says by what",
    "MLModelMetadata.margin": "difference of two scores",
    "ClassCount.rows": "counted in the data set",
    "ColumnFacts.missing": "counted in the data set",
    "ColumnFacts.distinct": "counted in the data set",
    "ColumnFacts.odd": "counted in the data set",
    "ColumnFacts.minimum": "a value of the data set",
    "ColumnFacts.maximum": "a value of the data set",
    "DatasetFacts.rows": "counted in the data set",
    "DatasetFacts.rows_read": "counted in the data set",
    "DatasetFacts.columns_total": "counted in the data set",
    "DatasetFacts.rows_about": "shown as `about N, estimated from the M read`; `rows_read` is M",
    "HostFacts.physical_cores": "counted by the operating system of the host named beside it",
    "HostFacts.logical_cores": "counted by the operating system of the host named beside it",
    "HostFacts.memory_bytes": "stated by the operating system of the host named beside it",
    "HostFacts.available_memory_bytes": "stated by the operating system of the host named beside it, at that moment",
    "Calibration.calibrated_at_s": "a time",
    "Calibration.threads": "a setting",
    "MLModel.passes_per_inference": "a count: the tokens of the inference that is described",
    "Trial.iteration_id": "a number of an iteration",
    "Trial.value": "of another iteration, whose own output holds method and source",
    "Trial.low": "of another iteration, whose own output holds method and source",
    "Trial.high": "of another iteration, whose own output holds method and source",
    "ComparedFigure.ratio": "quotient of the two estimates beside it",
}
# Exact figures that somebody counted, measured or published: the field beside them that says who.
SOURCED: Mapping[str, str] = {
    "MLModel.parameters": "counted_by",
    "MLModel.flops_per_inference": "counted_by",
    "MLModel.weights_bytes": "counted_by",
    "MLModel.activation_bytes": "counted_by",
    "ModelCandidate.parameters": "counted_by",
    "ModelCandidate.flops_per_inference": "counted_by",
    "ModelCandidate.weights_bytes": "counted_by",
    "ModelCandidate.activation_bytes": "counted_by",
    "ModelCandidate.accuracy": "accuracy_source",
    "ModelVariant.weights_bytes": "weights_bytes_source",
    "Calibration.compute_flops_per_s": "software",
    "Calibration.bandwidth_bytes_per_s": "software",
    "HWResources.memory_bytes": "memory_bytes_source",
    "HWResources.lifetime_years": "lifetime_years_source",
    "DeviceCandidate.memory_bytes": "memory_bytes_source",
    # The value of the estimate that the output itself holds under this name, with its interval.
    "DeviceCandidate.memory_required_bytes": "memory_required_bytes_source",
}


def faults(stage: str, output: Mapping[str, Any]) -> list[str]:
    """What is wrong with the numbers of a stage's output in its plain form, each with its path."""
    return list(_struct(tree_of(OUTPUTS[stage]), output, stage))


def number_fields() -> set[str]:
    """Every field of the outputs that holds a bare number, as `Type.field`."""
    found = set()
    for wire_type in OUTPUTS.values():
        for struct in types_in(tree_of(wire_type)):
            if isinstance(struct, Struct) and struct.type is not Estimate and _name(struct) not in LEFT_OUT:
                found |= {f"{_name(struct)}.{field.name}" for field in struct.fields if _is_number(field.kind)}
    return found


def figures(output: Any) -> Iterator[Mapping[str, Any]]:
    """Every known estimate in a plain output."""
    if isinstance(output, Mapping):
        if output.keys() == {"value", "low", "high", "method", "source"}:
            if output["value"] is not None:
                yield output
        else:
            for inner in output.values():
                yield from figures(inner)
    elif isinstance(output, list):
        for inner in output:
            yield from figures(inner)


def _name(struct: Struct) -> str:
    return struct.name.rpartition(".")[2]


def _is_number(kind: Any) -> bool:
    if isinstance(kind, Sequence):
        return _is_number(kind.element)
    return isinstance(kind, Primitive) and not kind.is_bool


def _struct(struct: Struct, value: Mapping[str, Any], path: str) -> Iterator[str]:
    if struct.type is Estimate:
        yield from _estimate(value, path)
        return
    if _name(struct) in LEFT_OUT:
        return
    for field in struct.fields:
        # The store leaves the header out.
        if field.name in value:
            yield from _field(
                field.kind, value[field.name], f"{path}.{field.name}", f"{_name(struct)}.{field.name}", value
            )


def _field(kind: Any, value: Any, path: str, name: str, beside: Mapping[str, Any]) -> Iterator[str]:
    match kind:
        case Struct():
            yield from _struct(kind, value, path)
        case Sequence():
            for place, element in enumerate(value):
                yield from _field(kind.element, element, f"{path}[{place}]", name, beside)
        case Primitive() if not kind.is_bool:
            yield from _number(value, path, name, beside)


def _number(value: Any, path: str, name: str, beside: Mapping[str, Any]) -> Iterator[str]:
    if name in EXACT or value is None:
        return
    if name not in SOURCED:
        yield f"{path} = {value!r} is a bare number, and {name} stands in neither table"
    elif not _finite(value):
        yield f"{path} = {value!r} is neither finite nor unknown"
    elif value != 0 and not str(beside.get(SOURCED[name]) or "").strip():
        yield f"{path} = {value!r} has no {SOURCED[name]}"


def _estimate(found: Mapping[str, Any], path: str) -> Iterator[str]:
    value, low, high = found["value"], found["low"], found["high"]
    if value is None:
        return
    if not (_finite(value) and _finite(low) and _finite(high)):
        yield f"{path} = {value!r}, {low!r} to {high!r}: not finite"
    elif not low <= value <= high:
        yield f"{path} = {value!r} lies outside its interval {low!r} to {high!r}"
    for part in ("method", "source"):
        if not str(found[part] or "").strip():
            yield f"{path} = {value!r} has no {part}"


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
