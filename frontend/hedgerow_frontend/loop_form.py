"""The loop in the forms of the pages: read into one object of the REST body, and filled from what was asked before."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hedgerow_frontend.formatting import is_number

# Field of the form: field of the body's `optimization`.
FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "loop_mode": "mode",
        "loop_target": "target",
        "loop_target_value": "target_value",
        "loop_max_iterations": "max_iterations",
        "loop_regions": "allow_regions",
    }
)
LOOP_FIELDS = tuple(FIELDS.values())
_FORM_NAMES = {field: name for name, field in FIELDS.items()}


def loop_of(form: Mapping[str, str]) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """The loop that a form describes, None where it has none; and what is wrong, field by field of the form."""
    said = {name: form.get(name, "").strip() for name in FIELDS}
    if not said["loop_mode"]:
        return None, {}
    loop: dict[str, Any] = {"mode": said["loop_mode"]}
    wrong: dict[str, str] = {}
    # The fields of a target mean nothing where different models are wanted, so what is left in them does no harm.
    if said["loop_mode"] != "candidates":
        if said["loop_target"]:
            loop["target"] = said["loop_target"]
        if said["loop_target_value"]:
            loop["target_value"] = _number(said["loop_target_value"], "loop_target_value", wrong)
        regions = [entry.strip() for entry in said["loop_regions"].split(",") if entry.strip()]
        if regions:
            loop["allow_regions"] = regions
    if said["loop_max_iterations"]:
        number = _number(said["loop_max_iterations"], "loop_max_iterations", wrong)
        loop["max_iterations"] = int(number) if number.is_integer() else number
    return loop, wrong


def loop_asked(asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """The loop that was asked for, in the shape of `loop_of`: without what is open and what the loop has tried."""
    loop = asked.get("optimization") or {}
    if not loop.get("mode"):
        return None
    return {name: loop[name] for name in FIELDS.values() if loop.get(name) not in (None, "", [], 0)}


def loop_filled(asked: Mapping[str, Any]) -> dict[str, str]:
    """What was asked, as the values of a form."""
    loop = loop_asked(asked) or {}
    values = {}
    for name, field in FIELDS.items():
        value = loop.get(field, "")
        values[name] = ", ".join(value) if isinstance(value, list) else f"{value:.12g}" if is_number(value) else value
    return values


def form_name(field: str) -> str:
    """The field of the form for a field of the body; any other stays as it is."""
    group, _, name = field.partition(".")
    return _FORM_NAMES.get(name, "loop_mode") if group == "optimization" else field


def _number(text: str, name: str, wrong: dict[str, str]) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        wrong[name] = f"{text!r} is no number; write it as 100 or 0.5"
        return 0.0
    return number
