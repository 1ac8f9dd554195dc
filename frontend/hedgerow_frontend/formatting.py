"""Numbers, times and states as people read them: the filters of the templates."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeGuard

from flask import Flask

from hedgerow_frontend.labels import path_words, stage_title, words

UNKNOWN = "unknown"
SIGNIFICANT = 3
ESTIMATE_KEYS = frozenset({"value", "low", "high", "method", "source"})

_SI = ((1e-12, "p"), (1e-9, "n"), (1e-6, "µ"), (1e-3, "m"), (1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T"))
_SECONDS = ((1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s"), (60.0, "min"), (3600.0, "h"), (86400.0, "d"))


def _si(symbol: str, smallest: float = 1e-12, base: float = 1.0) -> tuple[tuple[float, str], ...]:
    return tuple((factor / base, prefix + symbol) for factor, prefix in _SI if factor >= smallest)


# Unit: the steps it is shown in, each with its size in the unit.
_STEPS: Mapping[str, Sequence[tuple[float, str]]] = MappingProxyType(
    {
        "s": _SECONDS,
        "B": _si("B", smallest=1.0),
        "g": (*_si("g CO2e")[:6], (1e6, "t CO2e")),
        "kg": (*_si("g CO2e", base=1e3)[:6], (1e3, "t CO2e")),
        "J": _si("J"),
        "kWh": _si("Wh", base=1e3),
        "W": _si("W", smallest=1e-6),
        "FLOP": _si("FLOP", smallest=1.0),
        "FLOP/s": _si("FLOP/s", smallest=1.0),
        "B/s": _si("B/s", smallest=1.0),
        "1/s": ((1.0, "/s"),),
        "count": _si("", smallest=1.0),
        "Hz": _si("Hz", smallest=1.0),
        "%": ((1.0, "%"),),
        "g/kWh": ((1.0, "g CO2e/kWh"),),
        "a": ((1.0, "years"),),
        "": ((1.0, ""),),
    }
)
# How a field's name ends: its unit. The first that fits counts.
_ENDINGS = (
    ("bytes_per_s", "B/s"),
    ("flops_per_s", "FLOP/s"),
    ("flops_per_inference", "FLOP"),
    ("g_per_kwh", "g/kWh"),
    ("kgco2e", "kg"),
    ("gco2e", "g"),
    ("_kwh", "kWh"),
    ("_bytes", "B"),
    ("_years", "a"),
    ("_per_s", "1/s"),
    ("_s", "s"),
    ("_j", "J"),
    ("_hz", "Hz"),
    ("_percent", "%"),
    ("_w", "W"),
    ("parameters", "count"),
)


@dataclass(frozen=True)
class Reading:
    """An estimate in words; value and interval have the same unit."""

    value: str
    interval: str
    method: str
    source: str


def unit_of(name: str) -> str:
    """The unit that a field's name states; empty where it states none."""
    return next((unit for ending, unit in _ENDINGS if name.endswith(ending)), "")


def quantity(value: object, unit: str = "") -> str:
    """A number with its unit, to three digits: `quantity(0.0123, "s")` is `12.3 ms`."""
    if not is_number(value):
        return UNKNOWN
    size, symbol = _step(value, unit)
    return _joined(_digits(value / size), symbol)


def reading(estimate: Mapping[str, Any] | None, unit: str = "") -> Reading:
    """An estimate's value, its interval in the unit of the value, its method and its source."""
    found = estimate or {}
    value, low, high = found.get("value"), found.get("low"), found.get("high")
    interval = ""
    if is_number(low) and is_number(high):
        size, symbol = _step(value if is_number(value) else high, unit)
        interval = _joined(f"{_digits(low / size)} – {_digits(high / size)}", symbol)
    return Reading(quantity(value, unit), interval, str(found.get("method") or ""), str(found.get("source") or ""))


def limit(value: object, unit: str) -> str:
    """The value of a limit: `100 ms`, `4 GB`, `30 fps`; empty for a flag, which has no value worth showing."""
    if unit == "flag":
        return ""
    return quantity(value, unit) if unit in _STEPS else _joined(quantity(value), unit)


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a JSON value is a number that is known."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_estimate(value: object) -> bool:
    """Tell whether a JSON value is an estimate."""
    return isinstance(value, Mapping) and value.keys() == ESTIMATE_KEYS


def moment(text: str | None) -> str:
    """An ISO 8601 time as `2026-11-21 05:13:00` (UTC)."""
    return _parsed(text).strftime("%Y-%m-%d %H:%M:%S") if text else ""


def instant(text: str | None) -> str:
    """An ISO 8601 time with milliseconds, as `2026-11-21 05:13:00.123` (UTC)."""
    return _parsed(text).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] if text else ""


def iso_moment(at_s: object) -> str | None:
    """Seconds since the Unix epoch as an ISO 8601 time; None where they are unknown or no time."""
    if not is_number(at_s) or not 0 <= at_s < 2**37:
        return None
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")


def lapse(begin: str | None, end: str | None) -> str:
    """The time between two ISO 8601 times; empty while one is missing."""
    return quantity((_parsed(end) - _parsed(begin)).total_seconds(), "s") if begin and end else ""


def pretty_json(value: object) -> str:
    """JSON for reading; a text is taken for JSON and shown as it is where it is none."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return str(value)
    return json.dumps(value, indent=2, ensure_ascii=False)


def register_filters(app: Flask) -> None:
    """Give the templates of an app these functions."""
    for function in (
        quantity,
        reading,
        limit,
        words,
        path_words,
        stage_title,
        moment,
        instant,
        iso_moment,
        lapse,
        pretty_json,
        unit_of,
    ):
        app.add_template_filter(function)
    app.add_template_test(is_number, "known_number")
    app.add_template_test(is_estimate, "estimate")


def _step(value: float, unit: str) -> tuple[float, str]:
    steps = _STEPS[unit]
    rounded = abs(float(f"{value:.{SIGNIFICANT}g}"))
    if rounded == 0.0:
        return min(steps, key=lambda step: abs(math.log(step[0])))
    fitting = [step for step in steps if rounded >= step[0] * (1 - 1e-9)]
    return fitting[-1] if fitting else steps[0]


def _digits(number: float) -> str:
    rounded = float(f"{number:.{SIGNIFICANT}g}")
    if rounded != 0.0 and not 1e-3 <= abs(rounded) < 1e6:
        return f"{rounded:.{SIGNIFICANT}g}"
    return f"{rounded:,.0f}" if abs(rounded) >= 100 else f"{rounded:.{SIGNIFICANT}g}"


def _joined(number: str, symbol: str) -> str:
    return f"{number} {symbol}".rstrip()


def _parsed(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
