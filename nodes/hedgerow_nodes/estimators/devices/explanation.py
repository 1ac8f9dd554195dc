"""Why a device was chosen, in words: its figures, its rivals, what was rejected, and what the figures leave out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hedgerow_nodes.estimators.devices.assessment import Assessment
from hedgerow_nodes.estimators.devices.choice import Choice
from hedgerow_nodes.estimators.devices.limits import Limits, straddles
from hedgerow_nodes.estimators.devices.need import Need
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.quantity_text import quantity, quantity_range

# What `power_scope` may say of a device that needs a computer around it.
PARTIAL_SCOPES = ("card", "processor", "module")


def explain(choice: Choice, need: Need, limits: Limits, listed: int, notes: Sequence[str] = ()) -> str:
    """Write the explanation; `listed` is how many candidates the answer holds, `notes` are sentences for the end."""
    total = len(choice.feasible) + len(choice.rejected)
    sentences = [
        _verdict(choice),
        _prices(choice),
        _rivals(choice),
        _straddle(choice.chosen, limits),
        choice.chosen.formula,
        choice.chosen.energy_formula,
        _methods(choice),
        f"Memory needed: {need.formula} = {_memory(need)}.",
        f"{len(choice.feasible)} of {total} devices keep every limit; {max(0, total - listed)} devices are not listed.",
        _boundary(choice),
        *notes,
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _verdict(choice: Choice) -> str:
    chosen = choice.chosen
    figures = _figures(chosen)
    if not choice.required:
        return f"{chosen.device.name} is chosen for least {_measure(choice)}: {figures}."
    if chosen.rejected:
        return f"{chosen.device.name} is required, and judged though it breaks limits ({chosen.rejected}): {figures}."
    return f"{chosen.device.name} is required, and keeps every limit: {figures}."


def _measure(choice: Choice) -> str:
    return {"latency": "latency", "cost": "price at release"}.get(choice.objective, "energy per inference")


def _figures(one: Assessment) -> str:
    if one.energy_j is None or one.latency_s is None:
        return one.unranked
    bound = f", {one.bound}-bound" if one.bound else ""
    energy, latency = quantity_range(one.energy_j, "J"), quantity_range(one.latency_s, "s")
    return f"{energy} and {latency} an inference{bound}, latency by {one.method}, power by {one.power_method}"


def _rivals(choice: Choice) -> str:
    if not choice.rivals:
        return ""
    rivals = " and ".join(f"{rival.device.name} ({_score_text(rival, choice.objective)})" for rival in choice.rivals)
    if choice.required:
        return f"Best on {_measure(choice)} among the others: {rivals}."
    return f"Next are {rivals}."


def _score_text(one: Assessment, objective: str) -> str:
    if objective == "cost":
        return _price(one)
    measure, unit = (one.latency_s, "s") if objective == "latency" else (one.energy_j, "J")
    return "unknown" if measure is None else quantity(measure.value, unit)


def _price(one: Assessment) -> str:
    return "price unknown" if math.isnan(one.device.price_usd) else f"{one.device.price_usd:,.0f} USD"


def _prices(choice: Choice) -> str:
    """What a choice by cost rests on."""
    if choice.objective != "cost":
        return ""
    unknown = sum(1 for one in choice.feasible if math.isnan(one.device.price_usd))
    source = choice.chosen.device.sources.get("price_usd", "")
    about = f" ({source})" if source else ""
    return (
        f"Its price: {_price(choice.chosen)}{about}. {unknown} of {len(choice.feasible)} feasible devices have no "
        "known price and come last; a price is that of the device alone, without a computer around it or electricity."
    )


def _straddle(chosen: Assessment, limits: Limits) -> str:
    if not straddles(chosen.latency_s, limits.max_latency_s):
        return ""
    limit = quantity(limits.max_latency_s, "s")
    return f"Its latency interval straddles the limit of {limit}, and the value decided: measure before relying on it."


def _methods(choice: Choice) -> str:
    """Say which methods were ranked together, wherever they are unlike, and whether that leaves the order open."""
    by_method: dict[str, list[str]] = {}
    for one in (choice.chosen, *choice.feasible):
        names = by_method.setdefault(_method(one, choice.objective), [])
        if one.device.name not in names:
            names.append(one.device.name)
    if len(by_method) < 2:
        return ""
    groups = "; ".join(f"by {method}: {_few(names)}" for method, names in by_method.items())
    return (
        f"Unlike methods are ranked together ({groups}): their order is less sure than within one method."
        f"{_open_order(choice)}"
    )


def _method(one: Assessment, objective: str) -> str:
    """How the measure that a device is ranked by was found; a price is looked up, but ties go by energy."""
    return one.method if objective == "latency" else f"{one.method} x {one.power_method}"


def _open_order(choice: Choice) -> str:
    """The first device by another method, where its interval and that of the chosen one overlap."""
    if choice.objective == "cost":
        return ""
    chosen, own = choice.chosen, _method(choice.chosen, choice.objective)
    other = next((one for one in choice.feasible if _method(one, choice.objective) != own), None)
    mine, theirs = (_ranked_by(one, choice.objective) for one in (chosen, other or chosen))
    if other is None or mine is None or theirs is None or mine.high < theirs.low or theirs.high < mine.low:
        return ""
    return f" The intervals of {chosen.device.name} and {other.device.name} overlap, so their order is open."


def _ranked_by(one: Assessment, objective: str) -> Interval | None:
    return one.latency_s if objective == "latency" else one.energy_j


def _few(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) <= 2 else f"{len(names)} devices"


def _memory(need: Need) -> str:
    return "unknown" if need.memory_bytes is None else quantity(need.memory_bytes.value, "B")


def _boundary(choice: Choice) -> str:
    scope = choice.chosen.device.power_scope
    part = f"Power counts the {scope} only, not the computer around it." if scope in PARTIAL_SCOPES else ""
    carbon = "Carbon was compared by energy: what making the devices cost is no part of the order."
    return " ".join(text for text in (part, carbon if choice.objective == "carbon" else "") if text)
