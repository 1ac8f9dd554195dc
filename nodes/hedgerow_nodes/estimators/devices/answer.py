"""The choice of a device in its wire form."""

from __future__ import annotations

from collections.abc import Iterable

from hedgerow_idl import DeviceCandidate, Estimate, HWResources
from hedgerow_nodes.estimators.carbon.embodied import LIFETIME_SOURCE, embodied_estimate, lifetime_years
from hedgerow_nodes.estimators.devices.assessment import Assessment
from hedgerow_nodes.estimators.devices.choice import Choice
from hedgerow_nodes.estimators.devices.need import Need
from hedgerow_nodes.estimators.interval import Interval


def answer(choice: Choice, listed: Iterable[Assessment], need: Need, explanation: str) -> HWResources:
    """The device chosen and those listed, each figure with its method and source."""
    chosen = choice.chosen
    return HWResources(
        chosen=chosen.device.id,
        device_name=chosen.device.name,
        device_class=chosen.device.device_class,
        latency_s=_estimate(chosen.latency_s, chosen.method, chosen.source),
        power_w=_estimate(chosen.power_w, chosen.power_method, chosen.power_source),
        energy_j=_estimate(chosen.energy_j, _energy_method(chosen), chosen.power_source),
        memory_required_bytes=_memory(need),
        memory_bytes=chosen.device.memory_bytes,
        memory_bytes_source=chosen.device.sources.get("memory_bytes", ""),
        embodied_kgco2e=embodied_estimate(chosen.device),
        lifetime_years=lifetime_years(chosen.device),
        lifetime_years_source=LIFETIME_SOURCE,
        bound=chosen.bound,
        candidates=[_candidate(one, need) for one in listed],
        explanation=explanation,
    )


def _memory(need: Need) -> Estimate:
    return need.memory_bytes.estimate("formula", need.formula) if need.memory_bytes else Estimate()


def _candidate(one: Assessment, need: Need) -> DeviceCandidate:
    return DeviceCandidate(
        id=one.device.id,
        name=one.device.name,
        device_class=one.device.device_class,
        latency_s=_estimate(one.latency_s, one.method, one.source),
        power_w=_estimate(one.power_w, one.power_method, one.power_source),
        energy_j=_estimate(one.energy_j, _energy_method(one), one.power_source),
        memory_required_bytes=_memory(need).value,
        memory_required_bytes_source=_memory(need).source,
        memory_bytes=one.device.memory_bytes,
        memory_bytes_source=one.device.sources.get("memory_bytes", ""),
        bound=one.bound,
        source=one.source,
        rejected=one.rejected,
    )


def _energy_method(one: Assessment) -> str:
    return f"{one.method} x {one.power_method}"


def _estimate(interval: Interval | None, method: str, source: str) -> Estimate:
    return Estimate() if interval is None else interval.estimate(method, source)
