"""Moves to another region: only to those that the user allows, for data does not leave a country unasked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from hedgerow_idl import Trial
from hedgerow_nodes.estimators.carbon.grid import Country, GridTable, UnknownLocation, load_grid
from hedgerow_nodes.estimators.optimization.answers import Answers
from hedgerow_nodes.estimators.optimization.option import Move

ANYWHERE = "any"


def region_moves(answers: Answers, best: Trial) -> Iterator[Move]:
    """A move to each allowed country; only the operational part of the carbon goes with the grid's intensity."""
    carbon = answers.carbon
    now = carbon.intensity_g_per_kwh
    if answers.user_input.optimization.target != "gco2e" or now.method == "declared":
        return  # the operator has stated an intensity, which holds everywhere
    operational, whole = carbon.operational_gco2e.value, carbon.carbon_gco2e.value
    if not (now.value > 0 and whole > 0) or math.isnan(operational):
        return
    for country in allowed(answers.user_input.optimization.allow_regions, load_grid()):
        if country.name == best.location:
            continue
        ratio = 1 + operational / whole * (country.intensity_g_per_kwh / now.value - 1)
        reason = f"grid of {country.intensity_g_per_kwh:.4g} g/kWh ({country.year}) beside {now.value:.4g} g/kWh"
        yield Move("region", best.location, country.name, ratio, 0.0, 0, reason)


def allowed(names: Iterable[str], grid: GridTable) -> list[Country]:
    """The countries that a list of names and codes means; all where it says `any`. Unknown ones are left out."""
    wanted = [name.strip() for name in names]
    if any(name.casefold() == ANYWHERE for name in wanted):
        return list(grid.countries)
    found = []
    for name in wanted:
        try:
            country = grid.find(name)
        except UnknownLocation:
            continue
        if country is not None:
            found.append(country)
    return found
