"""What a model asks of a device: work, bytes, precision and memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hedgerow_idl import MLModel
from hedgerow_nodes.estimators.devices.efficiency import load_efficiencies
from hedgerow_nodes.estimators.devices.kv_cache import KvCache
from hedgerow_nodes.estimators.devices.layer_kinds import ANY, layer_kind
from hedgerow_nodes.estimators.hub.names import is_hub_name
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.models.catalogue import BYTES_PER_PARAMETER
from hedgerow_nodes.estimators.quantity_text import quantity


@dataclass(frozen=True)
class Need:
    """What a model asks of a device; `memory_bytes` is None where its size is unknown, `formula` explains it.

    `traffic_bytes` is what one inference moves besides the weights, `passes` how often it reads these, `kind` of
    which layers it mostly is.
    """

    flops: float
    weights_bytes: float
    traffic_bytes: Interval
    precision: str
    memory_bytes: Interval | None
    formula: str
    passes: int = 1
    kind: str = ANY

    @classmethod
    def of(cls, model: MLModel, cache: KvCache | None = None) -> Need:
        """Memory = weights + peak activations + KV cache; the upper bound is what the run here took, if that was more.

        A run time adds its own buffers, which differ from one to the next; they are in the measured bound only. The
        catalogue's peak of activations holds the cache, which is shown apart where it is known.
        """
        weights, peak = model.weights_bytes, model.activation_bytes
        cache_bytes = cache.bytes_at_end if cache else 0.0
        activations = max(0.0, peak - cache_bytes)
        known = 0.0 if math.isnan(peak) else activations
        measured = model.peak_memory_bytes.value
        memory = None
        if not math.isnan(weights):
            total = weights + known + cache_bytes
            memory = Interval(total, total, total if math.isnan(measured) else max(total, measured))
        activations_text = quantity(peak if math.isnan(peak) else activations, "B")
        parts = [f"weights {quantity(weights, 'B')}", f"peak activations {activations_text}"]
        families = [one.family for one in model.candidates if one.id == model.chosen]
        # On a hub anybody calls a model what he likes; its family there is the class that its configuration names.
        names = [*families, model.chosen] if is_hub_name(model.chosen) else [model.chosen, *families]
        kind = layer_kind(*names)
        traffic = activation_traffic_bytes(model.flops_per_inference, kind, model.precision, known)
        if cache:
            parts.append(cache.formula)
            traffic = traffic + Interval.exactly(cache.read_bytes)
        return cls(
            flops=model.flops_per_inference,
            weights_bytes=weights,
            traffic_bytes=traffic,
            precision=model.precision,
            memory_bytes=memory,
            formula=" + ".join(parts),
            passes=max(1, model.passes_per_inference),
            kind=kind,
        )


def activation_traffic_bytes(flops: float, kind: str, precision: str, peak_bytes: float) -> Interval:
    """What one inference writes and reads of activations: 2 x FLOPs x elements a FLOP x bytes an element.

    The elements that layers of a kind write for each FLOP are those of timm's models (median, 5th and 95th
    percentile), since a model's own sum is not told. It is never less than writing and reading the peak once.
    """
    floor = 2 * peak_bytes
    if math.isnan(flops):
        return Interval.exactly(floor)
    rate = load_efficiencies().activation_rate(kind) * (2 * flops * BYTES_PER_PARAMETER.get(precision, 4))
    return Interval(max(rate.value, floor), max(rate.low, floor), max(rate.high, floor))
