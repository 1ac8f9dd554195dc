"""Whether less or more of a figure is better, told by its name; most names tell neither."""

from __future__ import annotations

import re
from enum import StrEnum


class Better(StrEnum):
    """Which end of a row is the good one."""

    LESS = "less"
    MORE = "more"
    NEITHER = ""


_PER = re.compile(r"_per_(?:year|month|week|day|hour|inference|item|1000|thousand|million|unit)$")
_MORE = frozenset(
    "accuracy precision_score recall f1 map auc iou throughput_per_s tokens_per_s inferences_per_s items_per_s".split()
)
_LESS = frozenset(
    (
        "pue flops flops_per_inference weights_bytes activation_bytes memory_required_bytes peak_memory_bytes "
        "kv_cache_bytes word_error_rate error_rate output_difference"
    ).split()
)
_LESS_ENDINGS = ("gco2e", "_g_per_kwh", "_kwh", "_wh", "_j", "_w", "latency_s", "time_s", "_eur", "_usd", "_gbp")
# What was wished or allowed, and what a machine is or has, is no result.
_NO_RESULT = ("max_", "min_", "target_", "available_", "required_", "limit_", "baseline_")


def better(path: str) -> Better:
    """Which end is better, by the last part of a field's path: `latency_s` less, `accuracy` more, `parameters` none."""
    name = path.rpartition(".")[2]
    if name.startswith(_NO_RESULT):
        return Better.NEITHER
    name = _PER.sub("", name) if name not in _LESS else name
    if name in _MORE:
        return Better.MORE
    if name in _LESS or name.endswith(_LESS_ENDINGS):
        return Better.LESS
    return Better.NEITHER
