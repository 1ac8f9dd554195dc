"""All limits of one problem: those of the fields and those found in the text, and which of them count."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hedgerow_idl import Limit, UserInput
from hedgerow_nodes.estimators.text.length import first_part
from hedgerow_nodes.estimators.text.limit_names import LIMIT_NAMES, describe
from hedgerow_nodes.estimators.text.limits import find_limits

FIELDS: Mapping[str, str] = {
    "max_latency_s": "latency_s",
    "max_memory_bytes": "memory_bytes",
    "max_carbon_gco2e": "carbon_gco2e",
}
HARDWARE = frozenset(
    {"memory_bytes", "storage_bytes", "power_w", "offline", "battery", "on_device"}
    | {name for name in LIMIT_NAMES if name.startswith("price_")}
)


class BadLimit(ValueError):
    """A field that holds no usable limit; the message names field and value."""


@dataclass(frozen=True)
class Requirements:
    """The limits that count, fields first, the limits of the text that a field overruled, and a remark on the text."""

    limits: tuple[Limit, ...]
    overruled: tuple[Limit, ...]
    remark: str = ""

    def about_hardware(self) -> Requirements:
        """Only what limits the hardware."""
        limits, overruled = (
            tuple(one for one in limits if one.name in HARDWARE) for limits in (self.limits, self.overruled)
        )
        return Requirements(limits, overruled, self.remark)

    def tightest(self, name: str) -> float:
        """The smallest upper limit of a quantity, NaN if there is none."""
        bounds = [one.value for one in self.limits if one.name == name and one.comparison in ("<=", "==")]
        return min(bounds, default=math.nan)


def gather(user_input: UserInput) -> Requirements:
    """Read fields and text. A field wins over the text's limit of the same quantity and direction, which is left out.

    So every limit in the result holds, and who reads it needs to know no precedence.

    Raises:
        BadLimit: a field is not a finite number above 0.
    """
    stated = [limit for field, name in FIELDS.items() if (limit := _from_field(user_input, field, name)) is not None]
    by_quantity = {(limit.name, limit.comparison): limit for limit in stated}
    kept, overruled = list(stated), []
    text, remark = first_part(user_input.text)
    for limit in find_limits(text):
        winner = by_quantity.get((limit.name, limit.comparison))
        if winner is None:
            kept.append(limit)
        elif winner.value != limit.value:
            overruled.append(limit)
    return Requirements(tuple(kept), tuple(overruled), remark)


def explain(requirements: Requirements, what: str = "limit") -> str:
    """The limits in words: what each one is, where it was read, and what was overruled."""
    limits = requirements.limits
    if not limits:
        said = f"No {what} was found in the fields or in the text."
    else:
        listed = "; ".join(f"{describe(limit)} ({_where(limit)})" for limit in limits)
        said = f"{len(limits)} {what}{'s' if len(limits) > 1 else ''}: {listed}."
    passed = [
        f"The text says {describe(one)} (“{one.excerpt}”), but the field counts." for one in requirements.overruled
    ]
    return " ".join([said, *passed, *impossible(limits), *([requirements.remark] if requirements.remark else [])])


def impossible(limits: Sequence[Limit]) -> list[str]:
    """A sentence for each quantity whose limits nothing can keep: none above 0, or a lower one above an upper one.

    They are said, not refused: what is read from a text may speak of two things, and whoever judges a model or a
    device finds that it misses one of them.
    """
    said = []
    for name in dict.fromkeys(one.name for one in limits if one.unit != "flag"):
        own = [one for one in limits if one.name == name]
        most = min((one for one in own if one.comparison in ("<=", "==")), key=lambda one: one.value, default=None)
        least = max((one for one in own if one.comparison in (">=", "==")), key=lambda one: one.value, default=None)
        if most is not None and most.value <= 0:
            said.append(f"Nothing can keep {describe(most)}: it must be above 0.")
        elif most is not None and least is not None and least.value > most.value:
            said.append(f"Nothing can keep both {describe(least)} and {describe(most)}: leave one out.")
    return said


def _from_field(user_input: UserInput, field: str, name: str) -> Limit | None:
    value = float(getattr(user_input, field))
    if math.isnan(value):
        return None
    if not (math.isfinite(value) and value > 0):
        raise BadLimit(f"{field} is {value:g}; give a finite number above 0, or leave the field out")
    known = LIMIT_NAMES[name]
    return Limit(
        name=name,
        comparison="<=",
        value=value,
        unit=known.unit,
        found_in=f"field:{field}",
        excerpt=f"{field}={value:g}",
    )


def _where(limit: Limit) -> str:
    return f"text: “{limit.excerpt}”" if limit.found_in == "text" else limit.found_in.replace(":", " ", 1)
