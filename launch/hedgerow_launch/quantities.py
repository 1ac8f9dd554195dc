"""Numbers as people read them: the unit comes from the field's name, the prefix from the number's size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeGuard

UNKNOWN = "–"
ESTIMATE_KEYS = frozenset({"value", "low", "high", "method", "source"})


class _Unit(NamedTuple):
    """How a field's name ends, the unit shown, how many of that one of the field's own makes, if it takes a prefix."""

    ending: str
    shown: str
    factor: float = 1.0
    prefixed: bool = True


_UNITS = (
    _Unit("_bytes_per_s", "B/s"),
    _Unit("_flops_per_s", "FLOP/s"),
    _Unit("flops_per_inference", "FLOP"),
    _Unit("_g_per_kwh", "g/kWh", prefixed=False),
    _Unit("_kgco2e", "g CO2e", 1e3),
    _Unit("_gco2e", "g CO2e"),
    _Unit("_kwh", "Wh", 1e3),
    _Unit("_per_s", "/s", prefixed=False),
    _Unit("_bytes", "B"),
    _Unit("_years", "years", prefixed=False),
    _Unit("_s", "s"),
    _Unit("_hz", "Hz"),
    _Unit("_j", "J"),
    _Unit("_w", "W"),
    _Unit("parameters", ""),
)
_NONE = _Unit("", "", prefixed=False)
_STEPS = (
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
    (1e-3, "m"),
    (1e-6, "µ"),
    (1e-9, "n"),
    (1e-12, "p"),
)


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a JSON value is a number that is known."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_estimate(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether a JSON value is an estimate."""
    return isinstance(value, Mapping) and value.keys() == ESTIMATE_KEYS


def quantity(name: str, value: object) -> str:
    """A field's value with its unit, to three digits: `quantity("latency_s", 0.0123)` is `12.3 ms`."""
    if not is_number(value):
        return UNKNOWN
    unit = _unit(name)
    size, prefix = _prefix(value * unit.factor) if unit.prefixed else (1.0, "")
    return f"{_digits(value * unit.factor / size)} {prefix}{unit.shown}".rstrip()


def interval(name: str, estimate: Mapping[str, Any]) -> str:
    """An estimate's interval in one unit: `10.1 – 14.9 ms`."""
    low, high = estimate["low"], estimate["high"]
    if not is_number(low) or not is_number(high):
        return UNKNOWN
    unit = _unit(name)
    size, prefix = _prefix(high * unit.factor) if unit.prefixed else (1.0, "")
    ends = " – ".join(_digits(end * unit.factor / size) for end in (low, high))
    return f"{ends} {prefix}{unit.shown}".rstrip()


def has_unit(name: str) -> bool:
    """Tell whether a field's name states its unit."""
    return _unit(name) is not _NONE


def label(name: str) -> str:
    """A field's name without its unit: `max_memory_bytes` is `max memory`."""
    ending = _unit(name).ending
    bare = name.removesuffix(ending) if ending.startswith("_") else name
    return bare.replace("_", " ").strip() or name


def _unit(name: str) -> _Unit:
    return next((unit for unit in _UNITS if name.endswith(unit.ending)), _NONE)


def _prefix(value: float) -> tuple[float, str]:
    # Rounded first, so that 999.9 m does not become "1000 m".
    size = abs(float(f"{value:.3g}"))
    if size == 0.0:
        return 1.0, ""
    return next((step for step in _STEPS if size >= step[0] * (1 - 1e-9)), _STEPS[-1])


def _digits(number: float) -> str:
    rounded = float(f"{number:.3g}")
    if rounded == 0.0 or 1e-3 <= abs(rounded) < 1e6:
        return f"{rounded:,.0f}" if abs(rounded) >= 100 else f"{rounded:g}"
    return f"{rounded:.3g}"
