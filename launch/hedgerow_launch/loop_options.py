"""The options that have a problem answered again and again, put together into the one field of the REST body."""

from __future__ import annotations

import math
from typing import Any

from hedgerow_launch.failures import USAGE, CommandFailure

TARGETS = ("gco2e", "latency_ms", "energy_j", "memory_mb")
_NAMES = {"optimize": "mode", "max_iterations": "max_iterations", "allow_regions": "allow_regions"}


def folded(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with `optimize`, `target`, `max_iterations`, `candidates`, `allow_regions` as one `optimization`.

    Raises:
        CommandFailure: they contradict each other, or a target cannot be read.
    """
    wish = {name: fields.pop(field) for field, name in _NAMES.items() if field in fields}
    if "target" in fields:
        wish |= target_of(fields.pop("target"))
    if "candidates" in fields:
        count = fields.pop("candidates")
        if wish:
            raise CommandFailure("--candidates makes a loop of its own; leave out the other loop options", USAGE)
        wish = {"mode": "candidates", "max_iterations": count}
    return {**fields, "optimization": wish} if wish else fields


def target_of(text: str) -> dict[str, Any]:
    """`NAME=VALUE` as the fields `target` and `target_value`.

    Raises:
        CommandFailure: it has another form, an unknown name, or a value that is not above 0.
    """
    name, _, number = text.partition("=")
    known = ", ".join(TARGETS)
    if name not in TARGETS:
        raise CommandFailure(f"--target {text}: {name!r} unknown; write NAME=VALUE, known names: {known}", USAGE)
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise CommandFailure(f"--target {text}: {number!r} is no number above 0; write it as {name}=0.5", USAGE)
    return {"target": name, "target_value": value}
