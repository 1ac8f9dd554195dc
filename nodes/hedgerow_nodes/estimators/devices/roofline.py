"""How long one inference takes on a device that is not here: the roofline, with an interval from its efficiencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.quantity_text import quantity

Bound = Literal["compute", "memory"]


@dataclass(frozen=True)
class Work:
    """What one call asks of a device: floating-point operations (2 a multiply-add), and bytes moved.

    `weights_bytes` are read in one stream, `activation_bytes` are written and read layer by layer.
    """

    flops: float
    weights_bytes: float
    activation_bytes: Interval

    @property
    def bytes_moved(self) -> float:
        """Weights and the likely activations together."""
        return self.weights_bytes + self.activation_bytes.value


@dataclass(frozen=True)
class Roofs:
    """The two roofs of a device and how near to them it comes.

    Attributes:
        peak_flops_per_s, bandwidth_bytes_per_s: the stated peaks, above 0.
        compute_efficiency: achieved over peak, above 0 and at most 1.
        weights_efficiency, activation_efficiency: achieved over peak bandwidth, by what is moved.
        dispatch_s: time that neither roof explains.
    """

    peak_flops_per_s: float
    bandwidth_bytes_per_s: float
    compute_efficiency: Interval
    weights_efficiency: Interval
    activation_efficiency: Interval
    dispatch_s: Interval


@dataclass(frozen=True)
class RooflineTime:
    """The answer: latency, which roof binds at the likely efficiencies, and how busy the device is.

    `at_peak_s` is the time at full efficiency; `utilisation` is that over the latency, 0 to 1.
    """

    latency_s: Interval
    bound: Bound
    at_peak_s: float
    utilisation: Interval


def work_of(
    flops: float, weights_bytes: float, activation_traffic_bytes: Interval, passes: int = 1, batch: int = 1
) -> Work:
    """The work of one call: each pass reads the weights once, each inference of a batch moves its own activations.

    A generated token is a pass of its own. `flops` and `activation_traffic_bytes` are of one inference.

    Raises:
        ValueError: the batch or the number of passes is below 1.
    """
    if passes < 1 or batch < 1:
        raise ValueError(f"passes {passes!r} and batch {batch!r} must be 1 or more")
    return Work(batch * flops, passes * weights_bytes, activation_traffic_bytes * float(batch))


def roofline_time(work: Work, roofs: Roofs) -> RooflineTime:
    """t = max(FLOPs / (peak x efficiency), bytes / (bandwidth x efficiency)) + dispatch.

    Weights and activations have an efficiency each: weights are streamed, while an activation passes through norms,
    additions and changes of layout that no count of it shows, so that more bytes move than are counted.
    The roofline model: Williams, Waterman and Patterson, Communications of the ACM 52(4), 2009. The utilisation is
    achieved over peak of the binding roof, dispatch time included.

    Raises:
        ValueError: an efficiency is above 1.
    """
    for efficiency in (roofs.compute_efficiency, roofs.weights_efficiency, roofs.activation_efficiency):
        if efficiency.high > 1:
            raise ValueError(f"efficiency {efficiency.high!r} is above 1")
    compute_s = Interval.exactly(work.flops / roofs.peak_flops_per_s) / roofs.compute_efficiency
    bandwidth = roofs.bandwidth_bytes_per_s
    weights_s = Interval.exactly(work.weights_bytes / bandwidth) / roofs.weights_efficiency
    memory_s = weights_s + work.activation_bytes / bandwidth / roofs.activation_efficiency
    latency_s = _longest(compute_s, memory_s) + roofs.dispatch_s
    at_peak_s = max(work.flops / roofs.peak_flops_per_s, (work.weights_bytes + work.activation_bytes.value) / bandwidth)
    return RooflineTime(
        latency_s=latency_s,
        bound="compute" if compute_s.value >= memory_s.value else "memory",
        at_peak_s=at_peak_s,
        utilisation=_share(at_peak_s, latency_s),
    )


def formula_text(work: Work, roofs: Roofs) -> str:
    """The formula with its likely numbers, as a sentence."""
    peak, bandwidth = quantity(roofs.peak_flops_per_s, "FLOP/s"), quantity(roofs.bandwidth_bytes_per_s, "B/s")
    compute = f"{quantity(work.flops, 'FLOP')} / ({peak} x {roofs.compute_efficiency.value:.2g})"
    weights = f"weights {quantity(work.weights_bytes, 'B')} / ({bandwidth} x {roofs.weights_efficiency.value:.2g})"
    moved = quantity(work.activation_bytes.value, "B")
    activations = f"activations {moved} / ({bandwidth} x {roofs.activation_efficiency.value:.2g})"
    dispatch = quantity(roofs.dispatch_s.value, "s")
    return f"Latency = max({compute}, {weights} + {activations}) + dispatch {dispatch}."


def _longest(first: Interval, second: Interval) -> Interval:
    return Interval(
        max(first.value, second.value),
        max(first.low, second.low),
        max(first.high, second.high),
    )


def _share(at_peak_s: float, latency_s: Interval) -> Interval:
    if at_peak_s == 0:
        return Interval.exactly(0.0)
    return (Interval.exactly(at_peak_s) / latency_s).at_most(1.0)
