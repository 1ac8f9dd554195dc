"""Energy and carbon of training a model: its FLOPs of one inference, times three, times samples and epochs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hedgerow_nodes.estimators.figure import Figure
from hedgerow_nodes.estimators.interval import Interval

# The backward pass takes two matrix products for each one of the forward pass (Kaplan et al. 2020, arXiv 2001.08361:
# 6 FLOPs a parameter and token in training, 2 in inference).
FORWARD_AND_BACKWARD = 3.0
# Training works in batches, in another precision and with an optimiser; nobody measured what that makes of the joules
# a FLOP that one inference took here.
TRAINING_FACTOR = 4.0
ASSUMPTIONS = (
    f"assumed: {FORWARD_AND_BACKWARD:g} x the FLOPs of an inference for a sample, one pass an epoch, the joules a FLOP "
    f"of an inference on the same device at the same place, x/÷ {TRAINING_FACTOR:g} for batching, precision, optimiser"
)


@dataclass(frozen=True)
class Training:
    """A training: samples and epochs as the user gave them, FLOPs of one inference, all above 0."""

    samples: float
    epochs: float
    flops_per_inference: float

    @property
    def flops(self) -> float:
        """FLOPs of the whole training."""
        return FORWARD_AND_BACKWARD * self.flops_per_inference * self.samples * self.epochs

    def of(self, per_inference: Figure, what: str) -> Figure:
        """What a figure of one inference becomes over the whole training."""
        times = FORWARD_AND_BACKWARD * self.samples * self.epochs
        scaled = per_inference.interval * times
        wide = Interval(scaled.value, scaled.low / TRAINING_FACTOR, scaled.high * TRAINING_FACTOR)
        return Figure(wide, f"{what} a FLOP x FLOPs", f"{self.formula}; {ASSUMPTIONS}; {per_inference.source}")

    @property
    def formula(self) -> str:
        """The FLOPs with their numbers."""
        return (
            f"{FORWARD_AND_BACKWARD:g} x {self.flops_per_inference:.3g} FLOP x {self.samples:.6g} samples x "
            f"{self.epochs:.6g} epochs = {self.flops:.3g} FLOP"
        )


def training_of(samples: float, epochs: float, flops_per_inference: float) -> tuple[Training | None, str]:
    """The training, or None and what is missing; the reason is empty where nobody asked for one."""
    if math.isnan(samples) and math.isnan(epochs):
        return None, ""
    missing = [
        name
        for name, value in (
            ("training_samples", samples),
            ("epochs", epochs),
            ("FLOPs of the model", flops_per_inference),
        )
        if not value > 0
    ]
    if missing:
        return None, f"The training cannot be estimated: unknown is {', '.join(missing)}."
    return Training(samples, epochs, flops_per_inference), ""
