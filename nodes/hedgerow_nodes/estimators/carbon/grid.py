"""Carbon intensity of electricity by country and year, and how a place's name or code finds it."""

from __future__ import annotations

import functools
import re
from difflib import get_close_matches
from importlib.resources import files

import msgspec

from hedgerow_nodes.estimators.interval import Interval

# A yearly mean hides the hours: within a day a grid with much sun or wind goes to half and to one and a half of it.
YEARLY_MEAN_FACTOR = 1.5
OLD_FIGURE_FACTOR = 3.0
OLD_BEFORE = 2020

WORLD_NAMES = frozenset({"world", "worldwide", "global", "earth", "the world"})


class UnknownLocation(Exception):
    """A place that the table does not have; the message names the nearest."""


class Country(msgspec.Struct, frozen=True, kw_only=True):
    """One row: ISO 3166 codes, English name, other names, and the intensity of one year."""

    iso2: str
    iso3: str
    name: str
    aliases: tuple[str, ...]
    intensity_g_per_kwh: float
    year: int

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, not the codes."""
        return (self.name, *self.aliases)


class WorldAverage(msgspec.Struct, frozen=True, kw_only=True):
    """The figure for a place that is not known."""

    intensity_g_per_kwh: float
    year: int
    source: str


class GridTable(msgspec.Struct, frozen=True, kw_only=True):
    """The table as packaged, with the data set that it is from."""

    dataset: str
    licence: str
    updated_at: str
    world: WorldAverage
    countries: tuple[Country, ...]

    def find(self, place: str) -> Country | None:
        """The country that a code, an English name or "town, country" means; None for the whole world.

        Raises:
            UnknownLocation: the table has no such place.
        """
        wanted = plain(place)
        if wanted in WORLD_NAMES:
            return None
        index = _index(self.countries)
        for part in (wanted, *(plain(part) for part in reversed(place.split(",")))):
            if part in index:
                return index[part]
        close = get_close_matches(wanted, [name for name in index if len(name) > 3], n=3, cutoff=0.0)
        nearest = ", ".join(dict.fromkeys(index[name].name for name in close))
        raise UnknownLocation(
            f"location {place!r} unknown; nearest: {nearest}; give a country's name or ISO 3166 code, a region's "
            "name or code such as US-CA, or 'world'"
        )

    def exactly(self, text: str) -> Country | None:
        """The country that a text is a name or a code of; None where it is none."""
        return _index(self.countries).get(plain(text))

    def intensity(self, country: Country | None) -> tuple[Interval, str]:
        """Intensity in g/kWh and its source; the world spans the tenth to the ninetieth percentile of countries."""
        if country is None:
            ordered = sorted(row.intensity_g_per_kwh for row in self.countries)
            tenth, ninetieth = ordered[len(ordered) // 10], ordered[-1 - len(ordered) // 10]
            mean = self.world.intensity_g_per_kwh
            return Interval(mean, min(tenth, mean), max(ninetieth, mean)), self.world.source
        factor = YEARLY_MEAN_FACTOR if country.year >= OLD_BEFORE else OLD_FIGURE_FACTOR
        source = f"{self.dataset}; {country.name}, {country.year}"
        return Interval.within_factor(country.intensity_g_per_kwh, factor), source


@functools.cache
def load_grid() -> GridTable:
    """The packaged table."""
    data = files("hedgerow_nodes.estimators").joinpath("data", "grid_intensity.json").read_bytes()
    return msgspec.json.decode(data, type=GridTable)


@functools.lru_cache(maxsize=4)
def _index(countries: tuple[Country, ...]) -> dict[str, Country]:
    """Every name and code in small letters; a code wins over a name."""
    index = {plain(text): country for country in countries for text in country.names}
    return index | {plain(code): country for country in countries for code in (country.iso2, country.iso3)}


def plain(text: str) -> str:
    """A name without capitals, full stops and other punctuation."""
    return " ".join(re.findall(r"\w+", text.replace(".", "").casefold()))
