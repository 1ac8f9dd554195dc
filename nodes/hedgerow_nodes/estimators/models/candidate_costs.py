"""What a catalogue model would take on this host: latency by roofline over the stored calibration, and memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hedgerow_idl import Calibration, Estimate
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.models.catalogue import RUNTIME_BYTES, CatalogueModel
from hedgerow_nodes.estimators.models.traffic import EFFICIENCY_KINDS, Footprint, footprint

LATENCY_METHOD = "roofline"
MEMORY_METHOD = "catalogue"


@dataclass(frozen=True)
class Efficiency:
    """What share of the calibrated rates a kind of model reaches, and the time that neither rate explains.

    Compute is relative to numpy's float32 matrix product on the same threads. ONNX Runtime's kernels are faster than
    that on some processors, so it may be above 1.
    """

    compute: Interval
    memory: Interval
    dispatch_s: Interval


_TORCH_CALLS = Interval(0.001, 0.0002, 0.004)
_RUNTIME_CALLS = Interval(0.00001, 0.000002, 0.0005)

# Measured with estimators/execution.py on one thread of an AMD EPYC (family 25, AVX-512; numpy at 98 GFLOP/s and
# 20 GB/s) over 72 models of the catalogue, by CPU time. The value is the middle of what was seen; the bounds are what
# was seen, widened because other processors differ in what numpy and the run times make of them.
EFFICIENCIES: Mapping[str, Efficiency] = MappingProxyType(
    {
        "dense cnn, onnxruntime": Efficiency(Interval(1.3, 0.6, 2.0), Interval(0.8, 0.4, 1.0), _RUNTIME_CALLS),
        "depthwise cnn, onnxruntime": Efficiency(Interval(1.0, 0.45, 1.6), Interval(0.9, 0.4, 1.2), _RUNTIME_CALLS),
        "mlp, onnxruntime": Efficiency(Interval(0.5, 0.05, 1.0), Interval(0.5, 0.1, 1.0), _RUNTIME_CALLS),
        # One model each, seen at 1.5 and 0.8 of numpy's rate.
        "text encoder, onnxruntime": Efficiency(Interval(1.3, 0.5, 2.0), Interval(0.8, 0.3, 1.0), _RUNTIME_CALLS),
        "reader of lines, onnxruntime": Efficiency(Interval(0.8, 0.4, 1.6), Interval(0.8, 0.3, 1.0), _RUNTIME_CALLS),
        "dense cnn, torch": Efficiency(Interval(0.65, 0.4, 0.95), Interval(0.5, 0.25, 1.0), _TORCH_CALLS),
        "depthwise cnn, torch": Efficiency(Interval(0.28, 0.15, 0.5), Interval(0.3, 0.15, 0.6), _TORCH_CALLS),
        "vision transformer, torch": Efficiency(Interval(0.65, 0.4, 0.95), Interval(0.4, 0.2, 0.8), _TORCH_CALLS),
        "text encoder, torch": Efficiency(Interval(0.7, 0.4, 1.0), Interval(0.4, 0.2, 0.8), _TORCH_CALLS),
        "audio encoder, torch": Efficiency(Interval(0.5, 0.2, 0.9), Interval(0.3, 0.12, 0.6), _TORCH_CALLS),
        "generation, torch": Efficiency(Interval(0.6, 0.35, 0.95), Interval(0.47, 0.3, 0.8), _TORCH_CALLS),
    }
)


class UnknownEfficiency(Exception):
    """The catalogue names a kind of model that the table of efficiencies does not have."""


def latency(model: CatalogueModel, calibration: Calibration) -> Interval:
    """Seconds of one inference on the calibrated threads.

    t = max(FLOPs / (compute rate x share), bytes moved / (copy rate x share)) + dispatch: the roofline of Williams,
    Waterman and Patterson, Communications of the ACM 52(4), 2009, with the rates of the calibration as roofs.

    Raises:
        UnknownEfficiency: the model's kind is not in the table.
    """
    share = EFFICIENCIES.get(model.efficiency)
    if share is None:
        raise UnknownEfficiency(f"efficiency {model.efficiency!r} unknown; known: {', '.join(EFFICIENCIES)}")
    compute_s = Interval.exactly(model.flops / calibration.compute_flops_per_s) / share.compute
    memory_s = _moved_bytes(model) / calibration.bandwidth_bytes_per_s / share.memory
    longer = Interval(
        max(compute_s.value, memory_s.value), max(compute_s.low, memory_s.low), max(compute_s.high, memory_s.high)
    )
    return longer + share.dispatch_s


def memory(model: CatalogueModel) -> Interval:
    """Bytes of weights and live activations; above, as seen, as much again and `RUNTIME_BYTES` for the run time."""
    known = float(model.memory_bytes)
    if model.published_only:
        estimated = _footprint(model).memory_bytes
        return Interval(known, min(known, estimated.low), 2 * estimated.high + RUNTIME_BYTES)
    return Interval(known, float(model.weights_bytes), 2 * known + RUNTIME_BYTES)


def latency_estimate(interval: Interval, calibration: Calibration) -> Estimate:
    """The wire form, with the calibration as its source."""
    return interval.estimate(LATENCY_METHOD, f"calibration {calibration.id} of {calibration.host}")


def memory_estimate(interval: Interval, model: CatalogueModel) -> Estimate:
    """The wire form."""
    if model.published_only:
        return interval.estimate(MEMORY_METHOD, f"weights, and activations by ratio to FLOPs; {model.counted_by}")
    if model.weights.kind == "hub":
        return interval.estimate(MEMORY_METHOD, f"weights and peak of live activations, {model.counted_by}")
    return interval.estimate(MEMORY_METHOD, "weights and peak of live activations, data/models.json")


def _moved_bytes(model: CatalogueModel) -> Interval:
    return _footprint(model).moved_bytes if model.published_only else Interval.exactly(model.moved_bytes)


def _footprint(model: CatalogueModel) -> Footprint:
    kinds = {f"{name}, torch": kind for kind, name in EFFICIENCY_KINDS.items()}
    return footprint(kinds[model.efficiency], model.parameters, model.flops)
