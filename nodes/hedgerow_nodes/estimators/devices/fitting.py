"""Fit a device's efficiencies to measured times: a grid search for the least mean logarithmic error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

# A step is 6 %, far below what one kind's models differ by.
EFFICIENCIES: Numbers = np.geomspace(0.01, 1.0, 81)
NO_DISPATCH_S = (0.0,)
DISPATCHES_S = (0.0, 0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01)
LOW, HIGH = 0.05, 0.95


@dataclass(frozen=True)
class AtPeak:
    """Measurements beside a device's peaks: seconds a sample at full compute, at full bandwidth, and in truth.

    `weights_s` is at the bandwidth that weights are assumed to be streamed with, so it is not fitted.
    """

    compute_s: Numbers
    weights_s: Numbers
    activations_s: Numbers
    sample_s: Numbers
    batch: Numbers

    @classmethod
    def joined(cls, parts: Sequence[AtPeak]) -> AtPeak:
        """The measurements of several devices as one."""
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))

    def only(self, mask: NDArray[np.bool_]) -> AtPeak:
        """Those that are marked."""
        return AtPeak(*(getattr(self, one.name)[mask] for one in fields(self)))


@dataclass(frozen=True)
class Fit:
    """Efficiencies, the time of one call that no roof explains, and how far the truth lay from the prediction.

    `ratio_low` and `ratio_high` are the 5th and 95th percentile of measured over predicted time.
    """

    compute: float
    activations: float
    dispatch_s: float
    ratio_low: float = 1.0
    ratio_high: float = 1.0
    models: int = 0

    def predicted_s(self, at: AtPeak) -> Numbers:
        """t = max(compute / efficiency, weights + activations / efficiency) + dispatch / batch, of one sample."""
        roofs: Numbers = np.maximum(at.compute_s / self.compute, at.weights_s + at.activations_s / self.activations)
        return roofs + self.dispatch_s / at.batch


def fit(at: AtPeak, dispatches_s: Sequence[float] = NO_DISPATCH_S) -> Fit:
    """The efficiencies on the grid whose mean |log(predicted / measured)| is least; the absolute value keeps outliers
    from pulling.

    Raises:
        ValueError: there is nothing to fit.
    """
    if not at.sample_s.size:
        raise ValueError("no measurement, so there is nothing to fit")
    best, least = Fit(1.0, 1.0, 0.0), np.inf
    truth = np.log(at.sample_s)
    memory_s = at.weights_s + at.activations_s / EFFICIENCIES[:, None]
    for dispatch_s in dispatches_s:
        for compute in EFFICIENCIES:
            predicted = np.maximum(at.compute_s / compute, memory_s) + dispatch_s / at.batch
            error = np.abs(np.log(predicted) - truth).mean(axis=1)
            place = int(error.argmin())
            if error[place] < least:
                least = error[place]
                best = Fit(float(compute), float(EFFICIENCIES[place]), dispatch_s)
    ratios = at.sample_s / best.predicted_s(at)
    low, high = (float(np.quantile(ratios, share)) for share in (LOW, HIGH))
    # The likely value is part of its own interval, whatever a small sample says.
    return Fit(best.compute, best.activations, best.dispatch_s, min(low, 1.0), max(high, 1.0), at.sample_s.size)
