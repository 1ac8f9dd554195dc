"""The limits that a device must keep, and which of them one breaks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from hedgerow_idl import Limit
from hedgerow_nodes.estimators.devices.assessment import Assessment, Breach
from hedgerow_nodes.estimators.devices.catalogue import is_of_family
from hedgerow_nodes.estimators.devices.need import Need
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.quantity_text import quantity


@dataclass(frozen=True)
class Limits:
    """What a device must keep; NaN and an empty class leave it open."""

    max_memory_bytes: float = math.nan
    max_power_w: float = math.nan
    max_latency_s: float = math.nan
    device_class: str = ""
    device_family: str = ""


def judge(assessment: Assessment, need: Need, limits: Limits) -> Assessment:
    """The same assessment with the limits that it breaks; the value decides, even where the interval straddles."""
    device = assessment.device
    breaches = []
    if limits.device_class and limits.device_class not in device.classes:
        kind = "/".join(device.classes) or "of unknown class"
        breaches.append(Breach(f"is {kind}, {limits.device_class} is required", math.inf))
    if limits.device_family and not is_of_family(device, limits.device_family):
        breaches.append(Breach(f"is no {limits.device_family}", math.inf))
    if need.memory_bytes is not None:
        breaches += _memory_breaches(need.memory_bytes.value, device.memory_bytes, limits.max_memory_bytes)
    breaches += _over("rated power", assessment.rated_power_w, limits.max_power_w, "W")
    if assessment.latency_s is not None:
        breaches += _over("latency", assessment.latency_s.value, limits.max_latency_s, "s")
    return replace(assessment, breaches=tuple(breaches))


def straddles(interval: Interval | None, limit: float) -> bool:
    """The limit lies inside the interval, so the judgement may be wrong; False where there is no limit."""
    return interval is not None and interval.low <= limit < interval.high


def _memory_breaches(needed_bytes: float, has_bytes: float, allowed_bytes: float) -> list[Breach]:
    # NaN compares false: neither an unknown memory nor a limit that was not set rejects anything.
    breaches = []
    if needed_bytes > has_bytes:
        text = f"needs {quantity(needed_bytes, 'B')} of memory, has {quantity(has_bytes, 'B')}"
        breaches.append(Breach(text, needed_bytes / has_bytes))
    return breaches + _over("memory needed", needed_bytes, allowed_bytes, "B")


def _over(what: str, value: float, limit: float, unit: str) -> list[Breach]:
    if not value > limit:
        return []
    text = f"{what} {quantity(value, unit)} is over the limit of {quantity(limit, unit)}"
    return [Breach(text, value / limit if limit > 0 else math.inf)]


def latency_limit_s(limits: Iterable[Limit]) -> float:
    """The tightest latency among an application's limits, NaN if there is none.

    A wanted throughput is one inference after another, so it limits the latency to its inverse; a volume over a day
    (`volume_per_s`) is none, since several devices may share it.
    """
    known = list(limits)
    times_s = [one.value for one in known if one.comparison == "<=" and one.unit == "s" and "latency" in one.name]
    wanted = [one for one in known if one.name == "throughput_per_s" and one.comparison == ">="]
    rates = [one.value for one in wanted if one.value > 0]
    return min([*times_s, *(1 / rate for rate in rates)], default=math.nan)
