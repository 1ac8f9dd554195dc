"""What one device would make of a model: latency, power and energy of one inference."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hedgerow_idl import MLModel
from hedgerow_nodes.estimators.devices.assumptions import assumptions_for
from hedgerow_nodes.estimators.devices.catalogue import Device
from hedgerow_nodes.estimators.devices.efficiency import efficiency_for
from hedgerow_nodes.estimators.devices.energy import PowerModel
from hedgerow_nodes.estimators.devices.host_power import CorePower
from hedgerow_nodes.estimators.devices.need import Need
from hedgerow_nodes.estimators.devices.roofline import Roofs, formula_text, roofline_time, work_of
from hedgerow_nodes.estimators.energy.methods import LOAD_SCALED_TDP
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.quantity_text import quantity


@dataclass(frozen=True)
class Breach:
    """A limit that a device breaks, in words, and how far: found over allowed (infinite where there is no number)."""

    text: str
    ratio: float


@dataclass(frozen=True)
class Assessment:
    """One device with the model on it; what cannot be known is None, and `unranked` says why.

    `formula` is the latency's, `energy_formula` the energy's, each with its numbers.
    """

    device: Device
    latency_s: Interval | None = None
    power_w: Interval | None = None
    energy_j: Interval | None = None
    rated_power_w: float = math.nan
    method: str = ""
    source: str = ""
    power_method: str = ""
    power_source: str = ""
    bound: str = ""
    formula: str = ""
    energy_formula: str = ""
    unranked: str = ""
    breaches: tuple[Breach, ...] = ()

    @property
    def feasible(self) -> bool:
        """It has figures and breaks no limit."""
        return not self.unranked and not self.breaches

    @property
    def rejected(self) -> str:
        """Why it is out; empty if it is not."""
        return "; ".join([*(breach.text for breach in self.breaches), *([self.unranked] if self.unranked else [])])


def assess_by_roofline(device: Device, need: Need, *, exact: bool = False) -> Assessment:
    """Estimate a device from its documents.

    Where the user asked for the precision (`exact`), a device without a figure for it is not ranked: its figure for
    fp32 would say nothing of what was asked.
    """
    peak = device.peak_for(need.precision, exact=exact)
    missing = device.missing_figures(need.precision, exact=exact)
    if peak is None or missing:
        return Assessment(device, unranked=f"not ranked: no {', no '.join(missing)} in the catalogue")
    if math.isnan(need.flops) or math.isnan(need.weights_bytes):
        unknown = "not ranked: the model's FLOPs or size are unknown"
        return Assessment(device, rated_power_w=device.power_w, unranked=unknown)
    reached = efficiency_for(device, peak[0], need.kind)
    roofs = Roofs(
        peak[1], device.bandwidth_bytes_per_s, reached.compute, reached.weights, reached.activations, reached.dispatch_s
    )
    work = work_of(need.flops, need.weights_bytes, need.traffic_bytes, need.passes)
    time = roofline_time(work, roofs)
    assumed = assumptions_for(device.device_class, device.classes)
    idle_known = not math.isnan(device.idle_power_w)
    idle_w = Interval.exactly(device.idle_power_w) if idle_known else assumed.idle_share * device.power_w
    power = PowerModel(device.power_w, idle_w)
    rated_source = f"{device.sources.get('power_w', '')} ({device.power_scope})"
    idle_source = device.sources.get("idle_power_w", "") if idle_known else "idle share assumed by device class"
    return Assessment(
        device,
        latency_s=time.latency_s,
        power_w=power.power_w(time.utilisation),
        energy_j=power.energy_j(time.latency_s, time.at_peak_s),
        rated_power_w=device.power_w,
        method="roofline",
        source=f"{peak[0]} peak: {device.sources.get(f'peak.{peak[0]}', '')}; {reached.source}",
        power_method=LOAD_SCALED_TDP.name,
        power_source=f"{rated_source}; {idle_source}; {LOAD_SCALED_TDP.words}",
        bound=time.bound,
        formula=formula_text(work, roofs),
        energy_formula=_scaled_energy_text(power, time.latency_s.value, time.at_peak_s),
    )


def assess_measured(device: Device, model: MLModel, core: CorePower, cores: int) -> Assessment:
    """Take what the model's own run on this host gave: latency and processor time, times watts a busy core.

    Where the processor time is unknown, one core is likely and all of them are possible. Memory chips are not counted:
    what they draw would be a guess that outweighs the measurement.
    """
    latency_s = Interval.of(model.latency_s)
    if latency_s is None or latency_s.value == 0:
        return Assessment(device, unranked="not ranked: the model was not run here")
    cpu_s = Interval.of(model.cpu_time_s)
    if cpu_s is None:
        cpu_s = Interval(latency_s.value, latency_s.low, latency_s.high * cores)
    joules = cpu_s * core.watts
    power_w = Interval(
        joules.value / latency_s.value,
        min(joules.low / latency_s.value, joules.value / latency_s.value),
        max(joules.high / latency_s.value, joules.value / latency_s.value),
    )
    return Assessment(
        device,
        latency_s=latency_s,
        power_w=power_w,
        energy_j=joules,
        rated_power_w=core.watts.value * cores,
        method=model.latency_s.method or "measured",
        source=model.latency_s.source,
        power_method=core.method,
        power_source=core.source,
        bound=_calibrated_bound(model),
        energy_formula=(
            f"Energy = {quantity(cpu_s.value, 's')} of processor time x {core.watts.value:.3g} W a busy core "
            f"({core.method}) = {quantity(joules.value, 'J')}."
        ),
    )


def _scaled_energy_text(power: PowerModel, latency_s: float, at_peak_s: float) -> str:
    idle_w, busy_s = min(power.idle_w.value, power.rated_w), min(at_peak_s, latency_s)
    joules = idle_w * latency_s + (power.rated_w - idle_w) * busy_s
    return (
        f"Energy = idle {idle_w:.3g} W x {quantity(latency_s, 's')} + ({power.rated_w:g} - {idle_w:.3g}) W x "
        f"{quantity(busy_s, 's')} at full efficiency = {quantity(joules, 'J')}."
    )


def _calibrated_bound(model: MLModel) -> str:
    """Which roof of the calibrated host binds; empty without a calibration."""
    calibration = model.calibration
    if not (calibration.compute_flops_per_s > 0 and calibration.bandwidth_bytes_per_s > 0):
        return ""
    compute_s = model.flops_per_inference / calibration.compute_flops_per_s
    memory_s = model.weights_bytes / calibration.bandwidth_bytes_per_s
    return "compute" if compute_s >= memory_s else "memory"
