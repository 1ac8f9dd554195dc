"""Reads what the placement engine predicted of an epoch: times of stages by name, and the throughput."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hedgerow_frontend.formatting import is_number


def predicted_throughput(predicted: Mapping[str, Any]) -> float | None:
    """Items a second, None where it is not known."""
    value = predicted.get("throughput_hz")
    return float(value) if is_number(value) else None


def predicted_stages(predicted: Mapping[str, Any]) -> dict[str, float]:
    """Seconds an item by the name of the stage, or by its logical id where the prediction goes by these."""
    found: dict[str, float] = {}
    for stage in predicted.get("stages") or ():
        if isinstance(stage, Mapping) and is_number(stage.get("seconds")):
            for key in ("name", "logical_id"):
                if stage.get(key):
                    found[str(stage[key])] = float(stage["seconds"])
    return found
