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
from hedgerow_nodes.estimators.devices.efficiency import efficiency_for
from hedgerow_nodes.estimators.devices.layer_kinds import ANY, KINDS, layer_kind
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.models.candidate_costs import EFFICIENCIES
from hedgerow_nodes.estimators.models.catalogue import BYTES_PER_PARAMETER
from hedgerow_nodes.estimators.models.pool import Numbers, Pool

LAYER_KINDS = (*KINDS, ANY)
_VALUE, _LOW, _HIGH = 0, 1, 2
HOST = "this host"


@dataclass(frozen=True)
class Machines:
    """Devices as columns. Intervals have the rows value, low and high; efficiencies have a row for each kind too.

    Attributes:
        kinds: the efficiencies that are told apart, by name: kinds of layers, or those measured on this host.
        peak_flops_per_s, bandwidth_bytes_per_s, memory_bytes, rated_w: (devices,); NaN is unknown.
        compute_share, weights_share, activation_share: achieved over peak, (3, kinds, devices); dispatch_s: the same.
        idle_w: (3, devices).
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
    weights_share: Numbers
    activation_share: Numbers
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
    """The devices that the roofline can judge at a precision, in their order, with an efficiency for each kind."""
    taken, left_out = [], []
    for device in devices:
        missing = [figure for figure in device.missing_figures(precision) if figure != "power"]
        peak = device.peak_for(precision)
        if missing or peak is None:
            left_out.append((device.id, " and ".join(missing)))
        else:
            taken.append((device, peak))
    reached = [[efficiency_for(device, peak[0], kind) for device, peak in taken] for kind in LAYER_KINDS]
    rated_w = np.array([device.power_w for device, _ in taken], dtype=float)
    return Machines(
        ids=tuple(device.id for device, _ in taken),
        kinds=LAYER_KINDS,
        peak_flops_per_s=np.array([peak[1] for _, peak in taken], dtype=float),
        bandwidth_bytes_per_s=np.array([device.bandwidth_bytes_per_s for device, _ in taken], dtype=float),
        memory_bytes=np.array([device.memory_bytes for device, _ in taken], dtype=float),
        rated_w=rated_w,
        compute_share=_table([[one.compute for one in row] for row in reached]),
        weights_share=_table([[one.weights for one in row] for row in reached]),
        activation_share=_table([[one.activations for one in row] for row in reached]),
        dispatch_s=_table([[one.dispatch_s for one in row] for row in reached]),
        idle_w=np.minimum(_table([[_idle_w(device) for device, _ in taken]])[:, 0, :], rated_w),
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
        compute_share=_table([[share.compute] for share in shares]),
        weights_share=_table([[share.memory] for share in shares]),
        activation_share=_table([[share.memory] for share in shares]),
        dispatch_s=_table([[share.dispatch_s] for share in shares]),
        idle_w=np.full((3, 1), math.nan),
        bytes_per_number=0,
    )


def costs(pool: Pool, on: Machines) -> Costs:
    """The formulas of devices/roofline.py and devices/energy.py for all pairs.

    t = max(FLOPs / (peak x share), weights / (bandwidth x share) + activations / (bandwidth x share)) + dispatch, and
    energy = idle x t + (rated - idle) x the time at full efficiency.

    Raises:
        KeyError: a model's kind has no efficiency where each kind has its own.
    """
    place = _places(pool, on)
    own = np.full(len(pool), on.bytes_per_number) if on.bytes_per_number else pool.own_bytes
    scale = own / 4
    weights, moved = pool.weights_bytes * scale, pool.moved_bytes * scale
    compute_s = pool.flops[:, None] / on.peak_flops_per_s
    weights_s = weights[:, None] / on.bandwidth_bytes_per_s
    activations_s = (moved - weights)[:, :, None] / on.bandwidth_bytes_per_s
    latency_s = np.empty((3, len(pool), len(on.ids)))
    # The fastest case has the highest shares and the fewest bytes, so low and high change places under the fraction.
    for row, share in ((_VALUE, _VALUE), (_LOW, _HIGH), (_HIGH, _LOW)):
        compute = compute_s / on.compute_share[share][place]
        memory = weights_s / on.weights_share[share][place] + activations_s[row] / on.activation_share[share][place]
        latency_s[row] = np.maximum(compute, memory) + on.dispatch_s[row][place]
        if row == _VALUE:
            compute_bound = compute >= memory
    at_peak_s = np.maximum(compute_s, weights_s + activations_s[_VALUE])
    energy_j = on.idle_w[:, None, :] * latency_s + (on.rated_w - on.idle_w)[:, None, :] * np.minimum(
        at_peak_s, latency_s
    )
    # As in devices/energy.py: load-scaled power may be off by a factor of two, and never above the rated power.
    energy_j[_LOW] /= 2
    energy_j[_HIGH] = np.maximum(energy_j[_VALUE], np.minimum(2 * energy_j[_HIGH], on.rated_w * latency_s[_HIGH]))
    return Costs(latency_s, energy_j, pool.memory_bytes * scale, compute_bound, on)


def _places(pool: Pool, on: Machines) -> NDArray[np.int64]:
    index = {kind: place for place, kind in enumerate(on.kinds)}
    if on.kinds == LAYER_KINDS:
        return np.array([index[layer_kind(row.id, row.family)] for row in pool.rows], dtype=np.int64)
    unknown = sorted({row.efficiency for row in pool.rows} - set(index))
    if unknown:
        raise KeyError(f"kinds of network {', '.join(unknown)} have no efficiency; known: {', '.join(on.kinds)}")
    return np.array([index[row.efficiency] for row in pool.rows], dtype=np.int64)


def _idle_w(device: Device) -> Interval:
    if not math.isnan(device.idle_power_w):
        return Interval.exactly(device.idle_power_w)
    rated_w = 0.0 if math.isnan(device.power_w) else device.power_w
    return assumptions_for(device.device_class, device.classes).idle_share * rated_w


def _table(rows: list[list[Interval]]) -> Numbers:
    """Intervals as an array whose first axis is value, low and high."""
    return np.array([[[getattr(one, part) for one in row] for row in rows] for part in ("value", "low", "high")])
