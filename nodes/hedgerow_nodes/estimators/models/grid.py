"""Every model on every device at once: latency, energy and memory by the roofline, vectorised with numpy."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hedgerow_idl import Calibration
from hedgerow_nodes.estimators.devices.assumptions import assumptions_for
from hedgerow_nodes.estimators.devices.catalogue import Device
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.models.candidate_costs import EFFICIENCIES
from hedgerow_nodes.estimators.models.catalogue import BYTES_PER_PARAMETER
from hedgerow_nodes.estimators.models.pool import Numbers, Pool

_VALUE, _LOW, _HIGH = 0, 1, 2
HOST = "this host"


@dataclass(frozen=True)
class Machines:
    """Devices as columns. Intervals have the rows value, low and high; efficiencies have a row for each kind too.

    Attributes:
        kinds: the efficiencies that are told apart, by name; empty where all models share one.
        peak_flops_per_s, bandwidth_bytes_per_s, memory_bytes, rated_w: (devices,); NaN is unknown.
        compute_share, memory_share: (3, kinds or 1, devices); dispatch_s: the same; idle_w: (3, devices).
        bytes_per_number: that weights and activations take there; 0 where each model keeps its own.
        left_out: devices without a figure that the roofline needs, with what is missing.
    """

    ids: tuple[str, ...]
    kinds: tuple[str, ...]
    peak_flops_per_s: Numbers
    bandwidth_bytes_per_s: Numbers
    memory_bytes: Numbers
    rated_w: Numbers
    compute_share: Numbers
    memory_share: Numbers
    dispatch_s: Numbers
    idle_w: Numbers
    bytes_per_number: int
    left_out: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Costs:
    """What one inference of each model takes on each device: (3, models, devices), value, low and high.

    `energy_j` is NaN where a device's power is unknown; `memory_bytes` is (3, models); `compute_bound` says which roof
    binds at the likely efficiencies.
    """

    latency_s: Numbers
    energy_j: Numbers
    memory_bytes: Numbers
    compute_bound: NDArray[np.bool_]
    machines: Machines


def machines(devices: Iterable[Device], precision: str = "float32") -> Machines:
    """The devices that the roofline can judge at a precision, in their order, with the class's assumed efficiencies."""
    taken, left_out = [], []
    for device in devices:
        missing = [figure for figure in device.missing_figures(precision) if figure != "power"]
        if missing:
            left_out.append((device.id, " and ".join(missing)))
        else:
            taken.append((device, assumptions_for(device.device_class, device.classes)))
    idle = [
        Interval.exactly(device.idle_power_w) if not math.isnan(device.idle_power_w) else assumed.idle_share * power
        for device, assumed in taken
        for power in [device.power_w if not math.isnan(device.power_w) else 0.0]
    ]
    rated_w = np.array([device.power_w for device, _ in taken], dtype=float)
    peaks = [peak[1] if (peak := device.peak_for(precision)) else math.nan for device, _ in taken]
    return Machines(
        ids=tuple(device.id for device, _ in taken),
        kinds=(),
        peak_flops_per_s=np.array(peaks, dtype=float),
        bandwidth_bytes_per_s=np.array([device.bandwidth_bytes_per_s for device, _ in taken], dtype=float),
        memory_bytes=np.array([device.memory_bytes for device, _ in taken], dtype=float),
        rated_w=rated_w,
        compute_share=_columns([assumed.compute_efficiency for _, assumed in taken])[:, None, :],
        memory_share=_columns([assumed.memory_efficiency for _, assumed in taken])[:, None, :],
        dispatch_s=_columns([assumed.dispatch_s for _, assumed in taken])[:, None, :],
        idle_w=np.minimum(_columns(idle), rated_w),
        bytes_per_number=BYTES_PER_PARAMETER[precision],
        left_out=tuple(left_out),
    )


def host(calibration: Calibration, memory_bytes: float = math.nan) -> Machines:
    """This host by its stored calibration, with the efficiencies that were measured for each kind of network.

    Its power is not the provider's business, so its energy is unknown here: on the same threads the least time is the
    least energy too.
    """
    kinds = tuple(EFFICIENCIES)
    shares = [EFFICIENCIES[kind] for kind in kinds]
    return Machines(
        ids=(HOST,),
        kinds=kinds,
        peak_flops_per_s=np.array([calibration.compute_flops_per_s]),
        bandwidth_bytes_per_s=np.array([calibration.bandwidth_bytes_per_s]),
        memory_bytes=np.array([memory_bytes]),
        rated_w=np.array([math.nan]),
        compute_share=_columns([share.compute for share in shares])[:, :, None],
        memory_share=_columns([share.memory for share in shares])[:, :, None],
        dispatch_s=_columns([share.dispatch_s for share in shares])[:, :, None],
        idle_w=np.full((3, 1), math.nan),
        bytes_per_number=0,
    )


def costs(pool: Pool, on: Machines) -> Costs:
    """t = max(FLOPs / (peak x share), bytes / (bandwidth x share)) + dispatch, and energy = idle x t + (rated - idle) x
    the time at full efficiency: the formulas of devices/roofline.py and devices/energy.py, for all pairs.

    Raises:
        KeyError: a model's kind has no efficiency where each kind has its own.
    """
    place = _places(pool, on)
    own = np.full(len(pool), on.bytes_per_number) if on.bytes_per_number else pool.own_bytes
    scale = own / 4
    moved = pool.moved_bytes * scale
    compute_s = pool.flops[:, None] / on.peak_flops_per_s
    memory_s = moved[:, :, None] / on.bandwidth_bytes_per_s
    latency_s = np.empty((3, len(pool), len(on.ids)))
    # The fastest case has the highest shares and the fewest bytes, so low and high change places under the fraction.
    for row, share in ((_VALUE, _VALUE), (_LOW, _HIGH), (_HIGH, _LOW)):
        compute = compute_s / on.compute_share[share][place]
        memory = memory_s[row] / on.memory_share[share][place]
        latency_s[row] = np.maximum(compute, memory) + on.dispatch_s[row][place]
        if row == _VALUE:
            compute_bound = compute >= memory
    at_peak_s = np.maximum(compute_s, memory_s[_VALUE])
    energy_j = on.idle_w[:, None, :] * latency_s + (on.rated_w - on.idle_w)[:, None, :] * np.minimum(
        at_peak_s, latency_s
    )
    # As in devices/energy.py: load-scaled power may be off by a factor of two, and never above the rated power.
    energy_j[_LOW] /= 2
    energy_j[_HIGH] = np.maximum(energy_j[_VALUE], np.minimum(2 * energy_j[_HIGH], on.rated_w * latency_s[_HIGH]))
    return Costs(latency_s, energy_j, pool.memory_bytes * scale, compute_bound, on)


def _places(pool: Pool, on: Machines) -> NDArray[np.int64]:
    if not on.kinds:
        return np.zeros(len(pool), dtype=np.int64)
    index = {kind: place for place, kind in enumerate(on.kinds)}
    unknown = sorted({row.efficiency for row in pool.rows} - set(index))
    if unknown:
        raise KeyError(f"kinds of network {', '.join(unknown)} have no efficiency; known: {', '.join(on.kinds)}")
    return np.array([index[row.efficiency] for row in pool.rows], dtype=np.int64)


def _columns(intervals: list[Interval]) -> Numbers:
    return np.array([[i.value for i in intervals], [i.low for i in intervals], [i.high for i in intervals]])
