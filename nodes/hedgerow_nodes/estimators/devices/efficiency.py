"""How near to its peaks a device comes: calibrated by kind of layers where measurements exist, else assumed."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.resources import files

import msgspec

from hedgerow_nodes.estimators.devices.assumptions import EFFICIENCY_SOURCE, Assumptions, assumptions_for
from hedgerow_nodes.estimators.devices.catalogue import Device
from hedgerow_nodes.estimators.devices.layer_kinds import ANY
from hedgerow_nodes.estimators.interval import Interval

# A device that was not measured itself: calibrated on one GPU, the time of the other was 1.2 times off in the median
# (docs/validation.md). Of processors only one was measured, so more is allowed for.
TRANSFER_FACTOR = {"gpu": 1.5, "cpu": 2.0}
# Activations at a peak or in a class that was not measured.
UNMEASURED_FACTOR = 2.0
# Fewer cores come nearer to their peak than the 14 that were measured.
CALIBRATED_CORES = 8
CALIBRATED_CLASSES = ("server", "desktop")


class CalibratedEfficiency(msgspec.Struct, frozen=True, kw_only=True):
    """What was fitted for one kind of layers on one kind of processor.

    `compute` and `activations` are achieved over peak of compute and of bandwidth, `dispatch_s` the time of one call
    that no roof explains. `ratio_low` and `ratio_high` are the 5th and 95th percentile of measured over predicted time
    on the half that calibrated.
    """

    processor: str
    peak: str
    kind: str
    models: int
    compute: float
    activations: float
    dispatch_s: float
    ratio_low: float
    ratio_high: float
    devices: tuple[str, ...]


class ActivationRate(msgspec.Struct, frozen=True, kw_only=True):
    """Elements that layers of a kind write for each FLOP: median, 5th and 95th percentile of the calibrating half."""

    kind: str
    value: float
    low: float
    high: float


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """How the other half was met on one device when the table was made."""

    device: str
    models: int
    within_2x: float
    median_ratio: float
    in_interval: float


class EfficiencyTable(msgspec.Struct, frozen=True, kw_only=True):
    """The data file `data/efficiencies.json`."""

    source: str
    split: str
    efficiencies: tuple[CalibratedEfficiency, ...]
    activation_rates: tuple[ActivationRate, ...]
    validation: tuple[Validation, ...]

    def calibrated(self, processor: str, peak: str, kind: str) -> CalibratedEfficiency | None:
        """The entry of a kind, that of all kinds together where the kind has none, None for another peak."""
        found = {one.kind: one for one in self.efficiencies if (one.processor, one.peak) == (processor, peak)}
        return found.get(kind, found.get(ANY))

    def nearest(self, processor: str, kind: str) -> CalibratedEfficiency:
        """The entry of a sort of processors and a kind at whichever peak was measured."""
        peak = next(one.peak for one in self.efficiencies if one.processor == processor)
        found = self.calibrated(processor, peak, kind)
        if found is None:
            raise LookupError(f"no efficiency for {processor!r} and {kind!r}; known kinds: {ANY} and others")
        return found

    def activation_rate(self, kind: str) -> Interval:
        """Elements written for each FLOP by a model of that kind."""
        found = {one.kind: one for one in self.activation_rates}
        one = found.get(kind, found[ANY])
        return Interval(one.value, one.low, one.high)


@dataclass(frozen=True)
class Efficiency:
    """Achieved over peak of compute and of bandwidth (weights, activations), the dispatch, and where these are from."""

    compute: Interval
    weights: Interval
    activations: Interval
    dispatch_s: Interval
    source: str


@functools.cache
def load_efficiencies() -> EfficiencyTable:
    """The packaged table."""
    data = files("hedgerow_nodes.estimators").joinpath("data", "efficiencies.json").read_bytes()
    return msgspec.json.decode(data, type=EfficiencyTable)


def efficiency_for(device: Device, peak: str, kind: str) -> Efficiency:
    """The efficiencies of a device at one of its peaks for a model of some kind.

    Calibrated are GPUs at their matrix units' half precision, and processors of eight cores or more at fp32. For
    others compute is assumed by class, and activations are taken from the calibration of their sort, widened. The
    stream of weights is assumed by class everywhere.
    """
    assumed = assumptions_for(device.device_class, device.classes)
    processor = "gpu" if "gpu" in device.classes else "cpu"
    table = load_efficiencies()
    entry = table.calibrated(processor, peak, kind)
    if entry is not None and _is_like_the_measured(device, processor):
        return _calibrated(entry, device, processor, assumed)
    nearest = table.nearest(processor, kind)
    return Efficiency(
        compute=assumed.compute_efficiency,
        weights=assumed.memory_efficiency,
        activations=_within(nearest.activations, nearest, UNMEASURED_FACTOR),
        dispatch_s=assumed.dispatch_s,
        source=f"{EFFICIENCY_SOURCE}; of activations: {nearest.kind}, {processor}, widened {UNMEASURED_FACTOR:g}-fold",
    )


def _is_like_the_measured(device: Device, processor: str) -> bool:
    if processor == "gpu":
        return True
    return device.device_class in CALIBRATED_CLASSES and device.cores >= CALIBRATED_CORES


def _calibrated(entry: CalibratedEfficiency, device: Device, processor: str, assumed: Assumptions) -> Efficiency:
    measured = device.id in entry.devices
    factor = 1.0 if measured else TRANSFER_FACTOR[processor]
    dispatch_s = Interval(
        entry.dispatch_s, entry.dispatch_s * entry.ratio_low / factor, entry.dispatch_s * entry.ratio_high * factor
    )
    how = "this device" if measured else f"{', '.join(entry.devices)}, widened {factor:g}-fold"
    return Efficiency(
        compute=_within(entry.compute, entry, factor),
        weights=assumed.memory_efficiency,
        activations=_within(entry.activations, entry, factor),
        # The GPUs were measured on large batches, which say nothing about the start of a single one.
        dispatch_s=assumed.dispatch_s if processor == "gpu" else dispatch_s,
        source=f"efficiency of {entry.kind} calibrated on {entry.models} timm results of {how}",
    )


def _within(efficiency: float, entry: CalibratedEfficiency, factor: float) -> Interval:
    """The efficiency whose bounds make the time's bounds: measured over predicted time, widened."""
    low, high = efficiency / (entry.ratio_high * factor), efficiency * factor / entry.ratio_low
    return Interval(efficiency, low, high).at_most(1.0)
