"""Judge a candidate model by the limits that were asked for; a value decides, even where its interval straddles one."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hedgerow_idl import Limit
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.models.catalogue import CatalogueModel
from hedgerow_nodes.estimators.quantity_text import quantity, quantity_range

# Which published metrics a wanted quality is compared with: a word in the metric's name.
QUALITY_WORDS = {
    "accuracy": ("top-1", "accuracy"),
    "map": ("map", "box ap", "mask ap", "keypoint ap"),
    "iou": ("miou",),
    "f1": ("f1",),
    "word_error_rate": ("wer",),
}


@dataclass(frozen=True)
class Breach:
    """A limit that a candidate breaks: `kind` groups them, `text` has the numbers."""

    kind: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """The limits broken, and remarks on limits that could not be judged or are near.

    `unjudged` says that a wanted quality is not published, so that nobody knows whether the model is good enough.
    """

    breaches: tuple[Breach, ...]
    remarks: tuple[str, ...]
    unjudged: bool = False


def judge(
    model: CatalogueModel, latency_s: Interval, memory_bytes: Interval, limits: tuple[Limit, ...], latency_note: str
) -> Verdict:
    """Judge by latency, rates, memory, size, parameters and published quality; other limits are others' business."""
    breaches: list[Breach] = []
    remarks: list[str] = []
    unjudged = False
    for limit in limits:
        if limit.name in QUALITY_WORDS:
            remark = _judge_quality(model, limit, breaches)
            unjudged = unjudged or bool(remark)
        else:
            remark = _judge_cost(model, latency_s, memory_bytes, limit, latency_note, breaches)
        if remark:
            remarks.append(remark)
    return Verdict(tuple(breaches), tuple(dict.fromkeys(remarks)), unjudged)


def latency_limit_s(limit: Limit, model: CatalogueModel) -> float:
    """The longest one inference may take under a limit on time or rate, one after another; NaN for other limits."""
    if limit.name == "latency_s" and limit.comparison != ">=":
        return limit.value
    if limit.comparison != "<=" and limit.value > 0:
        if limit.name == "throughput_per_s":
            return 1 / limit.value
        if limit.name == "tokens_per_s" and model.generation is not None:
            return model.generation.new_tokens / limit.value
    return math.nan


def _judge_cost(
    model: CatalogueModel,
    latency_s: Interval,
    memory_bytes: Interval,
    limit: Limit,
    latency_note: str,
    breaches: list[Breach],
) -> str:
    allowed_s = latency_limit_s(limit, model)
    if not math.isnan(allowed_s):
        if latency_note:
            return latency_note
        if latency_s.value > allowed_s:
            text = f"would take {quantity_range(latency_s, 's')} on this host, {quantity(allowed_s, 's')} are allowed"
            breaches.append(Breach("too slow", text))
        elif latency_s.high > allowed_s:
            return f"{model.id} may take up to {quantity(latency_s.high, 's')}, {quantity(allowed_s, 's')} are allowed"
        return ""
    sizes = {
        "memory_bytes": ("needs too much memory", memory_bytes.value, "B"),
        "model_size_bytes": ("too large", float(model.weights_bytes), "B"),
        "model_parameters": ("too large", float(model.parameters), ""),
    }
    if limit.name in sizes and limit.comparison == "<=":
        kind, needed, unit = sizes[limit.name]
        if needed > limit.value:
            what = limit.name.partition("_")[0] if unit else "parameters"
            text = f"{what}: needs {quantity(needed, unit)}, {quantity(limit.value, unit)} are allowed"
            breaches.append(Breach(kind, text))
    return ""


def _judge_quality(model: CatalogueModel, limit: Limit, breaches: list[Breach]) -> str:
    published = model.accuracy
    if published is None or not any(word in published.metric.lower() for word in QUALITY_WORDS[limit.name]):
        return f"the wanted {limit.name.replace('_', ' ')} of {limit.value:g} cannot be judged for every candidate"
    worse = published.value < limit.value if limit.comparison == ">=" else published.value > limit.value
    if worse:
        said = "at least" if limit.comparison == ">=" else "at most"
        text = f"published {published.metric} is {published.value:g}, {said} {limit.value:g} is wanted"
        breaches.append(Breach("not good enough", text))
    return ""
