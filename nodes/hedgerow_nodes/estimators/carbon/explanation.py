"""What a carbon figure says and what it leaves out, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hedgerow_nodes.estimators.carbon.footprint import Account
from hedgerow_nodes.estimators.carbon.functional_unit import FunctionalUnit
from hedgerow_nodes.estimators.carbon.training import ASSUMPTIONS, Training
from hedgerow_nodes.estimators.energy.methods import methods_in
from hedgerow_nodes.estimators.figure import Figure
from hedgerow_nodes.estimators.quantity_text import quantity, quantity_range

NO_VOLUME = (
    "Per year is unknown: give inferences_per_year, or say the volume in the text, such as 10,000 requests a day."
)


def explain(
    account: Account,
    model: str,
    device: str,
    location: str,
    remark: str,
    limit_gco2e: float,
    further: Sequence[str] = (),
) -> str:
    """Write the explanation of one inference on a device; `further` are sentences on what follows from it."""
    carbon = quantity_range(account.carbon_gco2e.interval, "gCO2e")
    sentences = [
        f"One inference of {model} on {device} in {location}: {carbon}.",
        _operational(account),
        _interval(account.energy_j),
        _embodied(account),
        remark,
        *further,
        _limit(account, limit_gco2e),
        "Software Carbon Intensity following ISO/IEC 21031:2024, not certified; the intensity is location-based.",
        "Counted: electricity of the device and its share of the making. Not counted: network, storage, training of "
        "the model, and hours in which the device is on and unused.",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def explain_unit(account: Account, unit: FunctionalUnit, inferences: float | None, rule: str) -> str:
    """SCI = ((E x I) + M) / R with its numbers; for a unit that the model has not, why."""
    if inferences is None:
        return f"SCI per {unit.label} is unknown: {rule}."
    embodied = account.embodied_gco2e
    making = "unknown M" if embodied is None else _grams(embodied)
    sci = quantity_range(account.sci_gco2e(inferences).interval, "gCO2e")
    return (
        f"SCI per {unit.label} ({rule}): (E x I {_grams(account.operational_gco2e)} + M {making}) an inference "
        f"x {inferences:g} = {sci}."
    )


def explain_year(volume: Figure | None, energy_kwh: Figure | None, carbon: Figure | None) -> str:
    """A year at the user's volume, or what is missing."""
    if volume is None or energy_kwh is None or carbon is None:
        return NO_VOLUME
    count = volume.interval.value
    times = f"{count:,.0f}" if 1 <= count < 1e15 else f"{count:.6g}"
    energy = quantity_range(energy_kwh.interval * 1000.0, "Wh")
    return (
        f"A year: {times} inferences ({volume.source}) x the above = {energy} with PUE, "
        f"{quantity_range(carbon.interval, 'gCO2e')}."
    )


def explain_training(training: Training | None, reason: str, energy: Figure | None, carbon: Figure | None) -> str:
    """A training with its FLOPs, or why there is no figure; nothing where nobody asked."""
    if training is None or energy is None or carbon is None:
        return reason
    return (
        f"Training: {training.formula}: {quantity_range(energy.interval * 1000.0, 'Wh')}, "
        f"{quantity_range(carbon.interval, 'gCO2e')} ({ASSUMPTIONS})."
    )


def _interval(energy_j: Figure) -> str:
    """How far each method in the energy's label may be wrong, and whether anybody has checked that."""
    said = "; ".join(f"{method.name}: {method.words}" for method in methods_in(energy_j.method))
    return f"Energy by {said}." if said else ""


def _operational(account: Account) -> str:
    energy, pue, intensity = account.energy_kwh, account.pue, account.intensity_g_per_kwh
    joules = quantity(account.energy_j.interval.value, "J")
    return (
        f"Electricity: {joules} = {energy.interval.value:.3g} kWh ({energy.method}) "
        f"x PUE {pue.interval.value:.3g} ({pue.method}) "
        f"x {intensity.interval.value:.4g} g/kWh ({intensity.source}) "
        f"= {_grams(account.operational_gco2e)}."
    )


def _embodied(account: Account) -> str:
    if account.embodied_gco2e is None or account.embodied_kgco2e is None:
        return "The embodied carbon of the device is unknown and not included."
    whole, method = account.embodied_kgco2e.interval.value, account.embodied_kgco2e.method
    return (
        f"Embodied: {whole:.3g} kgCO2e ({method}) x {quantity(account.latency_s.interval.value, 's')} of "
        f"{account.lifetime_years:g} years (assumed) = {_grams(account.embodied_gco2e)}."
    )


def _limit(account: Account, limit_gco2e: float) -> str:
    if math.isnan(limit_gco2e):
        return ""
    return f"Within the limit of {quantity(limit_gco2e, 'gCO2e')}: {account.within_limit(limit_gco2e)}."


def _grams(figure: Figure) -> str:
    return quantity(figure.interval.value, "gCO2e")
