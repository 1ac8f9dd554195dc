"""What a model asks of a device: work, bytes, precision and memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hedgerow_idl import MLModel
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.quantity_text import quantity


@dataclass(frozen=True)
class Need:
    """What a model asks of a device; `memory_bytes` is None where its size is unknown, `formula` explains it.

    `passes` is how often one inference reads the weights.
    """

    flops: float
    weights_bytes: float
    activation_bytes: float
    precision: str
    memory_bytes: Interval | None
    formula: str
    passes: int = 1

    @classmethod
    def of(cls, model: MLModel) -> Need:
        """Memory = weights + peak activations; the upper bound is what the run here took, where that was more.

        A run time adds its own buffers, which differ from one to the next; they are in the measured bound only.
        """
        weights, activations = model.weights_bytes, model.activation_bytes
        known = 0.0 if math.isnan(activations) else activations
        measured = model.peak_memory_bytes.value
        memory = None
        if not math.isnan(weights):
            total = weights + known
            memory = Interval(total, total, total if math.isnan(measured) else max(total, measured))
        formula = f"weights {quantity(weights, 'B')} + peak activations {quantity(activations, 'B')}"
        passes = max(1, model.passes_per_inference)
        return cls(model.flops_per_inference, weights, known, model.precision, memory, formula, passes)
