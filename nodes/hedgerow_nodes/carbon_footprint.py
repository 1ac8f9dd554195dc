"""Module node `carbon_footprint`: energy and greenhouse gases of one inference, of a unit, a year and a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from hedgerow_idl import CarbonFootprint, HWResources, MLModel, UserInput
from hedgerow_nodes.core import ModuleNode, Refusal, Task, run
from hedgerow_nodes.estimators.carbon.answer import Question, answer
from hedgerow_nodes.estimators.carbon.codecarbon_account import CodecarbonSettings, codecarbon_account
from hedgerow_nodes.estimators.carbon.components import Components, components_of, with_memory
from hedgerow_nodes.estimators.carbon.footprint import Account
from hedgerow_nodes.estimators.carbon.functional_unit import FunctionalUnit, UnknownUnit, unit_named
from hedgerow_nodes.estimators.carbon.grid import UnknownLocation, load_grid
from hedgerow_nodes.estimators.carbon.hourly import HourlyFileInvalid
from hedgerow_nodes.estimators.carbon.intensity import BadIntensity, Stated, choose_intensity
from hedgerow_nodes.estimators.carbon.regions import Place, find_place, load_regions, place_name
from hedgerow_nodes.estimators.carbon.training import Training, training_of
from hedgerow_nodes.estimators.carbon.volume import BadVolume, amount, yearly_volume
from hedgerow_nodes.estimators.devices.assumptions import usual_pue
from hedgerow_nodes.estimators.figure import Figure
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.text.place_mentions import places_in

Watts = Annotated[float, msgspec.Meta(gt=0)]


@dataclass(frozen=True)
class CarbonSettings:
    """What an operator knows better than the tables.

    `hourly_csv` is a file of the node's host with the columns time_utc and intensity_g_per_kwh, `start_hour_utc` the
    hour of the day that counts of it. `count_memory` adds the estimate for the memory to the energy. With `method`
    `codecarbon` the energy of this host is counted by that package's formulas, with what the next four fields say.
    """

    pue: Annotated[float, msgspec.Meta(ge=1)] | None = None
    intensity_g_per_kwh: Annotated[float, msgspec.Meta(ge=0)] | None = None
    lifetime_years: Annotated[float, msgspec.Meta(gt=0)] | None = None
    hourly_csv: str = ""
    start_hour_utc: Annotated[int, msgspec.Meta(ge=0, le=23)] | None = None
    count_memory: bool = False
    method: Literal["own", "codecarbon"] = "own"
    codecarbon_mode: Literal["process", "machine"] = "process"
    codecarbon_rated_w: Watts | None = None
    codecarbon_threads: Annotated[int, msgspec.Meta(ge=1)] | None = None
    codecarbon_ram_w: Annotated[float, msgspec.Meta(ge=0)] | None = None


class CarbonFootprintNode(ModuleNode):
    """Work out energy, operational and embodied carbon of one inference on the chosen device at the user's place."""

    kind = "carbon_footprint"
    inputs = (UserInput, MLModel, HWResources)
    output = CarbonFootprint
    Configuration = CarbonSettings

    def process(self, task: Task, user_input: UserInput, model: MLModel, hardware: HWResources) -> CarbonFootprint:
        """Answer for one inference, and for what the user wants to know of many.

        Raises:
            Refusal: NO_ENERGY, UNKNOWN_LOCATION, UNKNOWN_UNIT, BAD_AMOUNT or BAD_HOURLY_CSV.
        """
        energy_j, latency_s = Figure.of(hardware.energy_j), Figure.of(hardware.latency_s)
        if energy_j is None or latency_s is None:
            reason = f"energy or latency of device {hardware.chosen!r} is unknown; name another device"
            raise Refusal("NO_ENERGY", reason)
        unit, volume, training, training_reason = _asked(user_input, model)
        place, place_remark = _place(user_input)
        intensity, intensity_remark = self._intensity(user_input, place)
        if place is None and intensity.method != "world_average":
            place_remark = ""
        components, energy_j, method_remark = self._energy(hardware, model, energy_j, latency_s)
        account = Account(
            energy_j=energy_j,
            latency_s=latency_s,
            pue=self._pue(hardware.device_class),
            intensity_g_per_kwh=intensity,
            embodied_kgco2e=Figure.of(hardware.embodied_kgco2e),
            lifetime_years=self.configuration.lifetime_years or hardware.lifetime_years,
        )
        return answer(
            Question(
                account=account,
                components=components,
                model=model,
                device=hardware.device_name or hardware.chosen,
                location=place_name(place),
                unit=unit,
                volume=volume,
                training=training,
                training_reason=training_reason,
                limit_gco2e=user_input.max_carbon_gco2e,
                remarks=(place_remark, intensity_remark, method_remark),
            )
        )

    def _pue(self, device_class: str) -> Figure:
        if self.configuration.pue is not None:
            return Figure(Interval.exactly(self.configuration.pue), "declared", "node configuration")
        interval, source = usual_pue(device_class)
        return Figure(interval, "assumed", source)

    def _intensity(self, user_input: UserInput, place: Place | None) -> tuple[Figure, str]:
        settings = self.configuration
        stated = Stated(
            user_g_per_kwh=user_input.intensity_g_per_kwh,
            operator_g_per_kwh=settings.intensity_g_per_kwh,
            hourly_csv=settings.hourly_csv,
            start_hour_utc=settings.start_hour_utc,
        )
        try:
            return choose_intensity(stated, place)
        except BadIntensity as bad:
            raise Refusal("BAD_AMOUNT", str(bad)) from bad
        except HourlyFileInvalid as invalid:
            raise Refusal("BAD_HOURLY_CSV", str(invalid)) from invalid

    def _energy(
        self, hardware: HWResources, model: MLModel, energy_j: Figure, latency_s: Figure
    ) -> tuple[Components, Figure, str]:
        """Components, their sum and a remark: by codecarbon's method where it is asked for and can be used."""
        settings, remark = self.configuration, ""
        if settings.method == "codecarbon":
            told = CodecarbonSettings(
                settings.codecarbon_mode,
                settings.codecarbon_rated_w,
                settings.codecarbon_threads,
                settings.codecarbon_ram_w,
            )
            parts, whole, remark = codecarbon_account(hardware, model, told)
            if parts is not None and whole is not None:
                return parts, whole, ""
        parts = components_of(hardware, energy_j, latency_s, count_memory=settings.count_memory)
        return parts, with_memory(parts, energy_j), remark


def _asked(user_input: UserInput, model: MLModel) -> tuple[FunctionalUnit, Figure | None, Training | None, str]:
    """Unit, volume and training that the user asks for; refused where one cannot be."""
    try:
        samples, epochs = amount(user_input, "training_samples"), amount(user_input, "epochs")
        training, reason = training_of(samples, epochs, model.flops_per_inference)
        return unit_named(user_input.functional_unit), yearly_volume(user_input), training, reason
    except BadVolume as bad:
        raise Refusal("BAD_AMOUNT", str(bad)) from bad
    except UnknownUnit as unknown:
        raise Refusal("UNKNOWN_UNIT", str(unknown)) from unknown


def _place(user_input: UserInput) -> tuple[Place | None, str]:
    """The place of the field, else the first that the text names, else None for the world; and a remark on it."""
    if user_input.location.strip():
        try:
            return find_place(user_input.location), ""
        except UnknownLocation as unknown:
            raise Refusal("UNKNOWN_LOCATION", str(unknown)) from unknown
    named = places_in(user_input.text, load_grid(), load_regions())
    if not named:
        return None, "No place was given, so the world's average counts; give a location for a narrower interval."
    others = ", ".join(place_name(place) for place in named[1:])
    return named[0], f"The text also names {others}; give a location to choose another." if others else ""


if __name__ == "__main__":
    run(CarbonFootprintNode)
