"""What an iteration answered to each kind of limit, read from its stored outputs (plain JSON, by stage)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Outputs = Mapping[str, Mapping[str, Any]]
DAY_S = 86_400.0
LARGEST_SHARE = 1.0
LARGEST_PERCENTAGE = 100.0

# Words in the name of a published metric by which it is the quality asked for.
_QUALITY_WORDS: Mapping[str, tuple[str, ...]] = {
    "accuracy": ("top-1", "accuracy"),
    "map": ("map", "box ap"),
    "iou": ("miou",),
    "f1": ("f1",),
    "word_error_rate": ("wer",),
}


@dataclass(frozen=True)
class Answered:
    """A figure of an iteration: the value, the interval it lies in, how it was found and from what.

    A figure without bounds has `low == value == high`. `remark` says what was assumed to compare it with a limit.
    """

    value: float
    low: float
    high: float
    method: str
    source: str
    remark: str = ""


def answers_of(outputs: Outputs) -> dict[str, Answered]:
    """The figures by the name of the limit that they answer; what the outputs do not hold is left out."""
    model, hardware = outputs.get("ml_model_provider", {}), outputs.get("hw_resources", {})
    found = {
        "latency_s": _estimate(hardware.get("latency_s")) or _estimate(model.get("latency_s")),
        "memory_bytes": _estimate(hardware.get("memory_required_bytes")),
        "power_w": _estimate(hardware.get("power_w")),
        "energy_j": _estimate(hardware.get("energy_j")),
        "carbon_gco2e": _estimate(outputs.get("carbon_footprint", {}).get("carbon_gco2e")),
        "model_size_bytes": _counted(model.get("weights_bytes")),
        "storage_bytes": _counted(model.get("weights_bytes"), "the weights alone"),
        "model_parameters": _counted(model.get("parameters")),
    }
    latency = found["latency_s"]
    if latency is not None:
        found["throughput_per_s"] = _rate(latency, 1.0, "one inference after another on one device")
        found["volume_per_s"] = _rate(latency, 1.0, "one device that works day and night")
        tokens = model.get("passes_per_inference")
        if isinstance(tokens, int) and tokens > 1:
            found["tokens_per_s"] = _rate(latency, float(tokens), "prompt included")
    found |= {name: _quality(model, name) for name in _QUALITY_WORDS}
    return {name: answer for name, answer in found.items() if answer is not None}


def per_day(answer: Answered, volume_per_s: float) -> Answered:
    """A figure of one inference, for a whole day at a volume."""
    factor = volume_per_s * DAY_S
    remark = f"at {factor:.4g} inferences a day"
    return Answered(
        answer.value * factor, answer.low * factor, answer.high * factor, answer.method, answer.source, remark
    )


def _estimate(found: Any) -> Answered | None:
    if not isinstance(found, Mapping):
        return None
    value = _number(found.get("value"))
    if value is None:
        return None
    low, high = _number(found.get("low")), _number(found.get("high"))
    return Answered(
        value,
        value if low is None else min(low, value),
        value if high is None else max(high, value),
        str(found.get("method") or ""),
        str(found.get("source") or ""),
    )


def _counted(value: Any, remark: str = "") -> Answered | None:
    number = _number(value)
    # A model without weights or parameters has not been counted.
    if number is None or number <= 0:
        return None
    return Answered(number, number, number, "counted", "ml_model_provider", remark)


def _rate(latency_s: Answered, items: float, remark: str) -> Answered | None:
    if latency_s.low <= 0:
        return None
    low, value, high = items / latency_s.high, items / latency_s.value, items / latency_s.low
    return Answered(value, low, high, latency_s.method, latency_s.source, remark)


def _quality(model: Mapping[str, Any], name: str) -> Answered | None:
    """The published quality of the chosen model, if its metric is the one asked for; percentages become shares."""
    chosen = model.get("chosen")
    candidates = model.get("candidates")
    for candidate in candidates if isinstance(candidates, list) else ():
        if not isinstance(candidate, Mapping) or candidate.get("id") != chosen:
            continue
        value, metric = _number(candidate.get("accuracy")), str(candidate.get("accuracy_metric") or "")
        if value is None or not any(word in metric.casefold() for word in _QUALITY_WORDS[name]):
            return None
        share = value / LARGEST_PERCENTAGE if value > LARGEST_SHARE else value
        return Answered(share, share, share, "published", str(candidate.get("accuracy_source") or ""), metric)
    return None


def _number(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None
