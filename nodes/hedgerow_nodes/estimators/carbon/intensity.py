"""Which intensity of electricity counts: the user's figure, the operator's figure or file, the region, the country."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from hedgerow_nodes.estimators.carbon.hourly import HourlyFileInvalid, HourlyIntensity, read_hourly
from hedgerow_nodes.estimators.carbon.regions import Place, Region, intensity_of
from hedgerow_nodes.estimators.figure import Figure
from hedgerow_nodes.estimators.interval import Interval


class BadIntensity(ValueError):
    """A stated intensity that is none; the message names the value and the way out."""


@dataclass(frozen=True)
class Stated:
    """What stands before the tables: the user's figure (NaN if none), the operator's figure, and the operator's file.

    `start_hour_utc` picks one hour of the day out of the file.
    """

    user_g_per_kwh: float = math.nan
    operator_g_per_kwh: float | None = None
    hourly_csv: str = ""
    start_hour_utc: int | None = None


def choose_intensity(stated: Stated, place: Place | None) -> tuple[Figure, str]:
    """The intensity that counts, and a remark on it: user, operator's figure, operator's file, region, country, world.

    Raises:
        BadIntensity: the user's figure is not a finite number above 0.
        HourlyFileInvalid: the file is no table of hours, or has not the hour.
    """
    if not math.isnan(stated.user_g_per_kwh):
        if not 0 < stated.user_g_per_kwh < math.inf:
            raise BadIntensity(f"intensity_g_per_kwh is {stated.user_g_per_kwh:g}; give a finite number above 0")
        return _declared(stated.user_g_per_kwh, "field intensity_g_per_kwh")
    if stated.operator_g_per_kwh is not None:
        return _declared(stated.operator_g_per_kwh, "node configuration")
    if stated.hourly_csv:
        return _hourly(read_hourly(Path(stated.hourly_csv)), stated.start_hour_utc)
    interval, source = intensity_of(place)
    if place is None:
        return Figure(interval, "world_average", source), ""
    method = "regional_average" if isinstance(place, Region) else "yearly_average"
    return Figure(interval, method, source), ""


def _declared(grams: float, source: str) -> tuple[Figure, str]:
    return Figure(Interval.exactly(grams), "declared", source), ""


def _hourly(hours: HourlyIntensity, start_hour_utc: int | None) -> tuple[Figure, str]:
    cleanest = ", ".join(f"{hour:02}:00 ({grams:.4g} g/kWh)" for hour, grams in hours.cleanest())
    mean = hours.mean()
    remark = f"Hours of {hours.file} ({hours.period}): mean {mean.value:.4g} g/kWh, cleanest from {cleanest} UTC."
    if start_hour_utc is None:
        return Figure(mean, "hourly_mean", f"{hours.file}, {hours.period}"), remark
    found = hours.of_hour(start_hour_utc)
    if found is None:
        raise HourlyFileInvalid(f"{hours.file} has no hour {start_hour_utc:02}:00 UTC; choose another start_hour_utc")
    return Figure(found, "hour_of_day", f"{hours.file}, from {start_hour_utc:02}:00 UTC, {hours.period}"), remark
