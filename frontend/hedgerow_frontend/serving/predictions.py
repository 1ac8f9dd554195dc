"""Reads what the placement engine predicted of an epoch: times of stages by name, the throughput, and its words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hedgerow_frontend.formatting import is_number

View = Mapping[str, Any]


def predicted_throughput(predicted: View) -> float | None:
    """Items a second, None where it is not known."""
    return _known(predicted.get("throughput_hz"))


def predicted_seconds(predicted: View, placed: View) -> float | None:
    """Processor time of an instance for an item, None where it is not known."""
    stages = predicted.get("stages")
    if not isinstance(stages, Mapping):
        return None
    names = (f"{placed['name']}#{placed.get('replica', 0)}", placed["name"])
    return next((_known(stages[name]) for name in names if name in stages), None)


def explanation(predicted: View) -> list[str]:
    """Why the placement is as it is, a sentence each; empty where nothing was said."""
    words = predicted.get("words")
    return [str(sentence) for sentence in words] if isinstance(words, list) else []


def _known(value: object) -> float | None:
    return float(value) if is_number(value) else None
