"""Which limit a quantity in a text sets, if any: "4 GB" limits the memory, "4 GB of photos" and "a 5 kg box" none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from hedgerow_nodes.estimators.text.comparisons import Sense
from hedgerow_nodes.estimators.text.latency_rule import read_duration
from hedgerow_nodes.estimators.text.mentions import (
    DAY_S,
    ITEM,
    PERIOD_S,
    Mention,
    Reading,
    at_end,
    at_start,
    near_end,
)

LARGE_POWER_W = 1e3
FEWEST_PARAMETERS = 1e3

_MEMORY = r"ram|memory|vram|heap|ddr\d?"
_STORAGE = r"disk|disc|storage|flash|ssd|sd[- ]?card|emmc|hard drive|drive"
_MODEL = r"models?|weights?|checkpoint|network|download|binary|firmware|app"
_DATA = (
    r"data|datasets?|logs?|files?|images?|photos?|pictures?|videos?|texts?|corpus|archives?|documents?|records?"
    r"|uploads?|csv|attachments?|recordings?|footage|scans?"
)
_memory_behind = at_start(rf"(?:of\s+)?(?:\w+\s+)?(?:{_MEMORY})\b")
_memory_ahead = near_end(_MEMORY, 20)
_storage_behind = at_start(rf"(?:of\s+)?(?:\w+\s+){{0,2}}(?:{_STORAGE})\b")
_storage_ahead = near_end(_STORAGE, 20)
_model_behind = at_start(rf"(?:\w+\s+)?(?:{_MODEL})\b")
_model_ahead = at_end(
    rf"(?:{_MODEL})(?:\s+(?:files?|size|must|should|can|may|be|is|has|of|to|not|that|which|stays?)){{0,5}}"
)
_bandwidth_behind = at_start(r"/\s?s|per\s+s(?:ec)?|ps\b")
_data_behind = at_start(rf"(?:of\s+)?(?:\w+\s+){{0,2}}(?:{_DATA})\b")
_data_ahead = at_end(rf"(?:{_DATA})(?:\s+(?:are|is|of|has|have|that|which|each)){{0,3}}")
_carbon_behind = at_start(r"(?:of\s+)?(?:CO\s?[2₂](?:-?eq?)?|CO\b|carbon|emissions?|greenhouse|GHG)")
_carbon_ahead = near_end(r"carbon|co2e?|CO₂|emissions?|emits?|emitting|footprint|greenhouse", 30)
_machine_behind = at_start(
    r"/\s?m|(?:\w+\s+)?(?:heaters?|bulbs?|panels?|turbines?|motors?|lamps?|speakers?|lasers?|chargers?|leds?|solar)\b"
)
_battery_near = re.compile(r"\b(?:batter(?:y|ies)|accumulator)\b", re.IGNORECASE).search
_money_near = re.compile(
    r"\b(?:budget|costs?|costing|spend|spending|cheap\w*|afford\w*|hardware|boards?|devices?|bill|pay)\b", re.IGNORECASE
).search
_budget_near = re.compile(r"\bbudget\b", re.IGNORECASE).search
_FEW_WORDS = r"(?:[\w₂]+\s+){0,3}?"
_per_item = at_start(rf"{_FEW_WORDS}(?:per|for each|each|an?|/)\s?(?:\w+\s+)?(?:{ITEM})s?\b")
_per_many = at_start(
    rf"{_FEW_WORDS}(?:per|for)\s+(?P<n>100|1,?000|10,?000|1,?000,?000|hundred|thousand|million)\s+(?:\w+\s+)?(?:{ITEM})s?\b"
)
_per_period = at_start(rf"{_FEW_WORDS}(?:per|an?|each|every|/)\s*(?P<period>hour|day|week|month|year)\b")
_MANY = MappingProxyType({"hundred": 100.0, "thousand": 1e3, "million": 1e6})


def read_mention(mention: Mention) -> Reading | None:
    """The limit that a quantity sets; None where it only describes something."""
    rule = _RULES.get(mention.dimension.split()[0])
    return rule(mention) if rule else None


def _bytes(at: Mention) -> Reading | None:
    if named := _memory_behind(at.after):
        return Reading("memory_bytes", extent=named.end())
    if named := _storage_behind(at.after):
        return Reading("storage_bytes", extent=named.end())
    if _storage_ahead(at.before):
        return Reading("storage_bytes")
    if _bandwidth_behind(at.after) or _data_behind(at.after) or _data_ahead(at.before):
        return None
    if _memory_ahead(at.before):
        return Reading("memory_bytes")
    if named := _model_behind(at.after):
        return Reading("model_size_bytes", extent=named.end())
    return Reading("model_size_bytes" if _model_ahead(at.before) else "memory_bytes")


def _power(at: Mention) -> Reading | None:
    describes = _machine_behind(at.after) or (at.value >= LARGE_POWER_W and at.sense is None)
    return None if describes else Reading("power_w")


def _energy(at: Mention) -> Reading | None:
    if _battery_near(at.after[:25]) or _battery_near(at.before[-25:]):
        return None
    if at.sense is None and not (_per_item(at.after) or _per_many(at.after)):
        return None
    return _each("energy_j", at.after)


def _mass(at: Mention) -> Reading | None:
    meant = at.written.endswith("CO") or _carbon_behind(at.after) or _carbon_ahead(at.before)
    return _each("carbon_gco2e", at.after) if meant else None


def _money(at: Mention) -> Reading | None:
    around = f"{at.before[-40:]} {at.comparison} {at.after[:40]}"
    per = _per_item(at.after) or _per_many(at.after) or _per_period(at.after)
    if at.sense in (Sense.AT_MOST, Sense.EQUAL):
        meant = bool(per or _money_near(around))
    else:
        meant = at.sense is None and bool(_budget_near(around) or (per and _money_near(around)))
    return _each(f"price_{at.dimension.split()[1].casefold()}", at.after) if meant else None


def _rate(at: Mention) -> Reading | None:
    # Hertz is mostly a sampling rate of the input; it is a demand only where the text compares.
    if at.written.casefold() == "hz" and at.sense not in (Sense.AT_LEAST, Sense.BETTER):
        return None
    return Reading("throughput_per_s")


def _parameters(at: Mention) -> Reading | None:
    return Reading("model_parameters") if at.value >= FEWEST_PARAMETERS else None


def _each(name: str, after: str) -> Reading:
    """The same per inference, or per day where the text names a period."""
    if many := _per_many(after):
        count = many["n"].replace(",", "").casefold()
        return Reading(name, _MANY.get(count) or float(count), many.end())
    if item := _per_item(after):
        return Reading(name, extent=item.end())
    if period := _per_period(after):
        return Reading(f"{name}_per_day", PERIOD_S[period["period"].casefold()] / DAY_S, period.end())
    carbon = _carbon_behind(after)
    return Reading(name, extent=carbon.end() if carbon else 0)


_RULES: Mapping[str, Callable[[Mention], Reading | None]] = MappingProxyType(
    {
        "time": read_duration,
        "bytes": _bytes,
        "power": _power,
        "energy": _energy,
        "mass": _mass,
        "money": _money,
        "rate": _rate,
        "parameters": _parameters,
    }
)
