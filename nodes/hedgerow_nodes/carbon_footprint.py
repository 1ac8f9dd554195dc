"""Module node `carbon_footprint`: energy and greenhouse gases of one inference, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from hedgerow_idl import CarbonFootprint, Estimate, HWResources, MLModel, UserInput
from hedgerow_nodes.core import ModuleNode, Refusal, Task, run
from hedgerow_nodes.estimators.carbon.explanation import explain
from hedgerow_nodes.estimators.carbon.footprint import Account, Figure
from hedgerow_nodes.estimators.carbon.grid import Country, UnknownLocation, load_grid
from hedgerow_nodes.estimators.devices.assumptions import usual_pue
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.text.place_mentions import countries_in

FUNCTIONAL_UNIT = "one inference"


@dataclass(frozen=True)
class CarbonSettings:
    """What an operator knows better than the tables: PUE, the grid's intensity, and how long a device is used."""

    pue: Annotated[float, msgspec.Meta(ge=1)] | None = None
    intensity_g_per_kwh: Annotated[float, msgspec.Meta(ge=0)] | None = None
    lifetime_years: Annotated[float, msgspec.Meta(gt=0)] | None = None


class CarbonFootprintNode(ModuleNode):
    """Work out energy, operational and embodied carbon of one inference on the chosen device at the user's place."""

    kind = "carbon_footprint"
    inputs = (UserInput, MLModel, HWResources)
    output = CarbonFootprint
    Configuration = CarbonSettings

    def process(self, task: Task, user_input: UserInput, model: MLModel, hardware: HWResources) -> CarbonFootprint:
        """Answer for one inference.

        Raises:
            Refusal: NO_ENERGY or UNKNOWN_LOCATION.
        """
        energy_j, latency_s = Figure.of(hardware.energy_j), Figure.of(hardware.latency_s)
        if energy_j is None or latency_s is None:
            reason = f"energy or latency of device {hardware.chosen!r} is unknown; name another device"
            raise Refusal("NO_ENERGY", reason)
        country, remark = _country(user_input)
        location = "the world (average)" if country is None else country.name
        account = Account(
            energy_j=energy_j,
            latency_s=latency_s,
            pue=self._pue(hardware.device_class),
            intensity_g_per_kwh=self._intensity(country),
            embodied_kgco2e=Figure.of(hardware.embodied_kgco2e),
            lifetime_years=self.configuration.lifetime_years or hardware.lifetime_years,
        )
        limit = user_input.max_carbon_gco2e
        text = explain(account, model.chosen, hardware.device_name or hardware.chosen, location, remark, limit)
        return _answer(account, location, limit, text)

    def _pue(self, device_class: str) -> Figure:
        if self.configuration.pue is not None:
            return Figure(Interval.exactly(self.configuration.pue), "declared", "node configuration")
        interval, source = usual_pue(device_class)
        return Figure(interval, "assumed", source)

    def _intensity(self, country: Country | None) -> Figure:
        declared = self.configuration.intensity_g_per_kwh
        if declared is not None:
            return Figure(Interval.exactly(declared), "declared", "node configuration")
        interval, source = load_grid().intensity(country)
        return Figure(interval, "world_average" if country is None else "yearly_average", source)


def _country(user_input: UserInput) -> tuple[Country | None, str]:
    """The country of the field, else the first that the text names, else None for the world; and a remark on it."""
    grid = load_grid()
    if user_input.location.strip():
        try:
            return grid.find(user_input.location), ""
        except UnknownLocation as unknown:
            raise Refusal("UNKNOWN_LOCATION", str(unknown)) from unknown
    named = countries_in(user_input.text, grid)
    if not named:
        return None, "No place was given, so the world's average counts; give a location for a narrower interval."
    others = ", ".join(country.name for country in named[1:])
    return named[0], f"The text also names {others}; give a location to choose another." if others else ""


def _answer(account: Account, location: str, limit_gco2e: float, explanation: str) -> CarbonFootprint:
    embodied = account.embodied_gco2e
    return CarbonFootprint(
        location=location,
        functional_unit=FUNCTIONAL_UNIT,
        energy_kwh=account.energy_kwh.estimate,
        intensity_g_per_kwh=account.intensity_g_per_kwh.estimate,
        pue=account.pue.estimate,
        operational_gco2e=account.operational_gco2e.estimate,
        embodied_gco2e=Estimate() if embodied is None else embodied.estimate,
        carbon_gco2e=account.carbon_gco2e.estimate,
        sci_gco2e=account.carbon_gco2e.estimate,
        within_limit=account.within_limit(limit_gco2e),
        explanation=explanation,
    )


if __name__ == "__main__":
    run(CarbonFootprintNode)
