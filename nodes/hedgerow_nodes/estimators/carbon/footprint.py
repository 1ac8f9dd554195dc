"""Greenhouse gases of one inference: electricity times grid intensity, and the share of what making the device cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hedgerow_nodes.estimators.devices.energy import kwh
from hedgerow_nodes.estimators.figure import Figure

SECONDS_PER_YEAR = 365.25 * 86400
GRAMS_PER_KG = 1000.0


@dataclass(frozen=True)
class Account:
    """One inference and all that its carbon follows from.

    Attributes:
        energy_j, latency_s: of the device alone.
        pue: energy at the meter over energy of the device, at least 1.
        intensity_g_per_kwh: of the grid.
        embodied_kgco2e: of making the whole device; None where it is unknown.
        lifetime_years: how long the device is used, above 0; NaN where it is unknown.
    """

    energy_j: Figure
    latency_s: Figure
    pue: Figure
    intensity_g_per_kwh: Figure
    embodied_kgco2e: Figure | None
    lifetime_years: float

    @property
    def energy_kwh(self) -> Figure:
        """Energy of the device."""
        return Figure(kwh(self.energy_j.interval), self.energy_j.method, self.energy_j.source)

    @property
    def operational_gco2e(self) -> Figure:
        """Energy x PUE x intensity."""
        grams = self.energy_kwh.interval * self.pue.interval * self.intensity_g_per_kwh.interval
        return Figure(grams, "energy x PUE x intensity", self.intensity_g_per_kwh.source)

    @property
    def embodied_gco2e(self) -> Figure | None:
        """M = TE x (time / lifetime): the whole device is reserved while it works; nobody pays for idle time."""
        if self.embodied_kgco2e is None or not self.lifetime_years > 0:
            return None
        grams = self.embodied_kgco2e.interval * GRAMS_PER_KG
        share = self.latency_s.interval / (self.lifetime_years * SECONDS_PER_YEAR)
        source = f"{self.embodied_kgco2e.source}; {self.lifetime_years:g} years of use"
        return Figure(grams * share, f"time share of {self.embodied_kgco2e.method}", source)

    @property
    def carbon_gco2e(self) -> Figure:
        """Both together: E x I + M of one inference.

        Where the embodied part is unknown this is the operational part alone, and its method says so.
        """
        operational, embodied = self.operational_gco2e, self.embodied_gco2e
        if embodied is None:
            return Figure(operational.interval, "operational only", operational.source)
        both = operational.interval + embodied.interval
        return Figure(both, "operational + embodied", f"{operational.source}; {embodied.source}")

    def sci_gco2e(self, inferences_per_unit: float) -> Figure:
        """Software Carbon Intensity ((E x I) + M) / R of ISO/IEC 21031:2024, for a unit of so many inferences."""
        carbon = self.carbon_gco2e
        return Figure(carbon.interval * inferences_per_unit, carbon.method, carbon.source)

    def per_year(self, volume: Figure) -> tuple[Figure, Figure]:
        """Energy at the meter in kWh and carbon in gCO2e of a year with so many inferences."""
        energy, carbon = self.energy_kwh, self.carbon_gco2e
        volume_source = f"{volume.source}; "
        metered = energy.interval * self.pue.interval * volume.interval
        return (
            Figure(metered, "energy x PUE x inferences a year", volume_source + energy.source),
            Figure(carbon.interval * volume.interval, "carbon x inferences a year", volume_source + carbon.source),
        )

    def within_limit(self, limit_gco2e: float) -> str:
        """`yes` or `no` where the whole interval lies on one side of the limit; empty where there is no limit."""
        carbon = self.carbon_gco2e.interval
        if math.isnan(limit_gco2e):
            return ""
        if carbon.low > limit_gco2e:
            return "no"
        if carbon.high > limit_gco2e:
            return "undecided: interval straddles the limit"
        return "yes" if self.embodied_gco2e is not None else "undecided: the embodied part is unknown"
