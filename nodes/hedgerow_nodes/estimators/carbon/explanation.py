"""What a carbon figure says and what it leaves out, in words."""

from __future__ import annotations

import math

from hedgerow_nodes.estimators.carbon.footprint import Account, Figure
from hedgerow_nodes.estimators.quantity_text import quantity, quantity_range


def explain(account: Account, model: str, device: str, location: str, remark: str, limit_gco2e: float) -> str:
    """Write the explanation of one inference of a model on a device."""
    carbon = quantity_range(account.carbon_gco2e.interval, "gCO2e")
    sentences = [
        f"One inference of {model} on {device} in {location}: {carbon}.",
        _operational(account),
        _embodied(account),
        remark,
        _limit(account, limit_gco2e),
        "Software Carbon Intensity following ISO/IEC 21031:2024, not certified.",
        "Counted: electricity of the device and its share of the making. Not counted: network, storage, training of "
        "the model, and hours in which the device is on and unused.",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


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
