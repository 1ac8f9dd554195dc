"""Which countries, and which of their regions, a free text names."""

from __future__ import annotations

import functools
import re

from hedgerow_nodes.estimators.carbon.grid import Country, GridTable
from hedgerow_nodes.estimators.carbon.regions import Place, Region

# Words that mean something else as often: with a capital they count only after a preposition, in small letters never.
_DOUBTFUL = frozenset({"turkey", "georgia", "jordan", "chad", "guinea", "china", "mali", "niger", "togo", "samoa"})
# Names of regions that are a person's, a country's or a capital's as often: only the field `location` takes them.
_DOUBTFUL_REGIONS = frozenset({"georgia", "virginia", "washington"})
_PREPOSITION = r"(?:in|from|across|within|throughout|of|for|at)\s+(?:the\s+)?"


def places_in(text: str, table: GridTable, regions: tuple[Region, ...]) -> list[Place]:
    """The regions and the countries that a text names, regions first; a country of which it names a region counts not.

    A region counts with a capital and after "in" and its like, or after a comma: "in northern California", "in Austin,
    Texas".
    """
    by_name = {name: region for region in regions for name in region.names if name.casefold() not in _DOUBTFUL_REGIONS}
    pattern = _region_pattern(tuple(sorted(by_name, key=len, reverse=True)))
    found = {by_name[match["place"]].code: by_name[match["place"]] for match in pattern.finditer(text)}
    taken = {region.country_iso2 for region in found.values()}
    return [*found.values(), *(country for country in countries_in(text, table) if country.iso2 not in taken)]


def countries_in(text: str, table: GridTable) -> list[Country]:
    """The countries that a text names, in the order in which it does.

    A name counts with a capital, or in any case after "in" and its like; an abbreviation such as UK only as it is
    written. New England, New Mexico and New South Wales are not England, Mexico and Wales.
    """
    by_name = {name.casefold(): country for country in table.countries for name in country.names}
    exact = {name for country in table.countries for name in country.names}
    found: dict[str, Country] = {}
    for match in _pattern(tuple(sorted(exact, key=len, reverse=True))).finditer(text):
        if _counts(match, exact):
            country = by_name[match["place"].casefold()]
            found.setdefault(country.iso2, country)
    return list(found.values())


def _counts(match: re.Match[str], exact: set[str]) -> bool:
    place = match["place"]
    if match["new"]:
        return False
    if place.isupper() or place.casefold().upper() in exact:
        return place in exact
    capital = place[0].isupper()
    if place.casefold() in _DOUBTFUL:
        return capital and bool(match["preposition"])
    return capital or bool(match["preposition"])


@functools.lru_cache(maxsize=2)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    places = "|".join(re.escape(name) for name in names)
    new = r"(?P<new>New\s+(?:South\s+)?)?"
    return re.compile(rf"(?<!\w)(?P<preposition>{_PREPOSITION})?{new}(?P<place>{places})(?!\w)", re.IGNORECASE)


@functools.lru_cache(maxsize=2)
def _region_pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    places = "|".join(re.escape(name) for name in names)
    part = r"(?:(?:the|north(?:ern)?|south(?:ern)?|east(?:ern)?|west(?:ern)?|central)\s+)?"
    return re.compile(rf"(?:(?<!\w)(?i:{_PREPOSITION})(?i:{part})|,\s*)(?P<place>{places})(?!\w)")
