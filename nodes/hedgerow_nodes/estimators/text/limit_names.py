"""The limits that Hedgerow knows: name, unit, usual direction and how each is said, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hedgerow_idl import Limit


@dataclass(frozen=True)
class LimitName:
    """A limit's name; `comparison` is taken where the text gives none, `label` is how people call it."""

    name: str
    unit: str
    comparison: str
    label: str


_TABLE = (
    LimitName("latency_s", "s", "<=", "latency"),
    LimitName("throughput_per_s", "1/s", ">=", "throughput"),
    LimitName("volume_per_s", "1/s", ">=", "volume, spread evenly over the day"),
    LimitName("tokens_per_s", "tokens/s", ">=", "token rate"),
    LimitName("memory_bytes", "B", "<=", "memory"),
    LimitName("storage_bytes", "B", "<=", "storage"),
    LimitName("model_size_bytes", "B", "<=", "model size"),
    LimitName("model_parameters", "1", "<=", "parameters of the model"),
    LimitName("power_w", "W", "<=", "power"),
    LimitName("energy_j", "J", "<=", "energy per inference"),
    LimitName("energy_j_per_day", "J/day", "<=", "energy per day"),
    LimitName("carbon_gco2e", "g", "<=", "carbon per inference"),
    LimitName("carbon_gco2e_per_day", "g/day", "<=", "carbon per day"),
    LimitName("accuracy", "1", ">=", "accuracy"),
    LimitName("precision", "1", ">=", "precision"),
    LimitName("recall", "1", ">=", "recall"),
    LimitName("f1", "1", ">=", "F1 score"),
    LimitName("map", "1", ">=", "mean average precision"),
    LimitName("auc", "1", ">=", "area under the curve"),
    LimitName("iou", "1", ">=", "intersection over union"),
    LimitName("word_error_rate", "1", "<=", "word error rate"),
    LimitName("error_rate", "1", "<=", "error rate"),
    LimitName("price_eur", "EUR", "<=", "price"),
    LimitName("price_usd", "USD", "<=", "price"),
    LimitName("price_gbp", "GBP", "<=", "price"),
    LimitName("price_eur_per_day", "EUR/day", "<=", "price per day"),
    LimitName("price_usd_per_day", "USD/day", "<=", "price per day"),
    LimitName("price_gbp_per_day", "GBP/day", "<=", "price per day"),
    LimitName("batch_items", "1", "==", "batch size"),
    LimitName("offline", "flag", "==", "works without a network"),
    LimitName("battery", "flag", "==", "runs on a battery"),
    LimitName("on_device", "flag", "==", "stays on the device"),
    LimitName("private", "flag", "==", "the data are private"),
    LimitName("real_time", "flag", "==", "works in real time"),
)
LIMIT_NAMES: Mapping[str, LimitName] = MappingProxyType({entry.name: entry for entry in _TABLE})

_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))
_PREFIXED = frozenset({"s", "B", "W", "J", "J/day", "g", "g/day"})
_SAID: Mapping[str, str] = {"<=": "at most", ">=": "at least", "==": "exactly"}


def describe(limit: Limit) -> str:
    """A limit in words: `latency at most 100 ms`, `works without a network`."""
    known = LIMIT_NAMES[limit.name]
    if limit.unit == "flag":
        return known.label
    return f"{known.label} {_SAID[limit.comparison]} {amount(limit.value, limit.unit)}"


def amount(value: float, unit: str) -> str:
    """An amount with the prefix that keeps it readable: `0.0123, "s"` → `12.3 ms`."""
    if unit in _PREFIXED:
        for factor, prefix in _PREFIXES:
            if abs(value) >= factor:
                return f"{value / factor:.4g} {prefix}{unit}"
    shown = f"{value:.4g}"
    return shown if unit == "1" else f"{shown} {unit}"
