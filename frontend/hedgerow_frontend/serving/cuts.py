"""Where the networks of a service are cut now, and where a form wants them cut."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hedgerow_frontend.problem_details import field_error

View = Mapping[str, Any]
PARTITION = "onnx_partition"
FIELD = "cut."
"""Before the network's name, in the form."""


def cuts_of(service: View) -> dict[str, str]:
    """By network the layers before which a new part begins, as a form shows them: `20, 45`; empty for one part."""
    firsts: dict[str, set[int]] = {}
    for placed in (service["plan"] or {}).get("instances", ()):
        name, slash, _ = str(placed["name"]).rpartition("/")
        first = (placed.get("parameters") or {}).get("first")
        if placed["handler"] == PARTITION and slash and isinstance(first, int):
            firsts.setdefault(name, set()).add(first)
    return {name: ", ".join(str(first) for first in sorted(found) if first > 0) for name, found in firsts.items()}


def wanted_cuts(form: Mapping[str, str]) -> dict[str, list[int]]:
    """The boundaries that a form asks for, by network.

    Raises:
        ApiError: 422 for the network's field: it is no list of whole numbers.
    """
    given = {name.removeprefix(FIELD): form[name] for name in form if name.startswith(FIELD)}
    return {name: _layers(name, text) for name, text in given.items()}


def _layers(name: str, text: str) -> list[int]:
    entries = [entry for entry in re.split(r"[,\s]+", text.strip()) if entry]
    if not all(entry.isascii() and entry.isdigit() and len(entry) < 10 for entry in entries):
        raise field_error(name, f"{text!r} are no layers; write whole numbers with commas between, such as 20, 45")
    return [int(entry) for entry in entries]
