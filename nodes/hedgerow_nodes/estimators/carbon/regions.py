"""Regions with a figure of their own (states, provinces, bidding zones), and how a name finds one or a country."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from importlib.resources import files

import msgspec

from hedgerow_nodes.estimators.carbon.grid import WORLD_NAMES, Country, GridTable, load_grid, plain
from hedgerow_nodes.estimators.interval import Interval


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """One row: ISO 3166-2 code (or country and bidding zone), English name, other names, and the intensity of one year.

    `factor` is how far an hour, or a part of the generation that nobody counted, may be from the figure.
    """

    code: str
    name: str
    aliases: tuple[str, ...]
    intensity_g_per_kwh: float
    year: int
    factor: float
    source: str

    @property
    def country_iso2(self) -> str:
        """The country that it is part of."""
        return self.code[:2]

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, not the code."""
        return (self.name, *self.aliases)


Place = Country | Region


class _RegionTable(msgspec.Struct, frozen=True, kw_only=True):
    regions: tuple[Region, ...]


@functools.cache
def load_regions() -> tuple[Region, ...]:
    """The packaged table, in the order of the codes."""
    data = files("hedgerow_nodes.estimators").joinpath("data", "grid_regions.json").read_bytes()
    return msgspec.json.decode(data, type=_RegionTable).regions


def find_place(text: str, grid: GridTable | None = None, regions: Iterable[Region] | None = None) -> Place | None:
    """The region or country that a code or an English name means; None for the whole world.

    Countries come first (Georgia is the country), a region's code holds its country (US-GA), and commas lead from the
    narrower to the wider: "Georgia, USA", "Toronto, Ontario", "San Francisco, California, United States".

    Raises:
        UnknownLocation: neither table has such a place; the message names the nearest.
    """
    table = load_grid() if grid is None else grid
    known = load_regions() if regions is None else tuple(regions)
    if plain(text) in WORLD_NAMES:
        return None
    if country := table.exactly(text):
        return country
    if region := _named(text, known):
        return region
    *narrower, widest = text.split(",")
    country = table.exactly(widest) if narrower else None
    for part in reversed(narrower if country else [*narrower, widest]):
        if region := _named(part, known, "" if country is None else country.iso2):
            return region
    return table.find(text)


def place_name(place: Place | None) -> str:
    """How an answer calls a place: a region together with its country."""
    if place is None:
        return "the world (average)"
    if isinstance(place, Country):
        return place.name
    country = load_grid().exactly(place.country_iso2)
    return place.name if country is None else f"{place.name}, {country.name}"


def intensity_of(place: Place | None) -> tuple[Interval, str]:
    """Intensity in g/kWh, averaged over a year at the place, and its source."""
    if isinstance(place, Region):
        interval = Interval.within_factor(place.intensity_g_per_kwh, place.factor)
        return interval, f"{place.source}; {place_name(place)}, {place.year}"
    return load_grid().intensity(place)


def _named(text: str, regions: Iterable[Region], country_iso2: str = "") -> Region | None:
    """The region that a text is the code or a name of; within a country the part of the code after it is enough."""
    wanted = plain(text)
    for region in regions:
        if country_iso2 and region.country_iso2 != country_iso2:
            continue
        codes = (region.code, region.code[3:]) if country_iso2 else (region.code,)
        if wanted in {plain(name) for name in (*region.names, *codes)}:
            return region
    return None
