"""Which countries a free text names."""

from __future__ import annotations

import functools
import re

from hedgerow_nodes.estimators.carbon.grid import Country, GridTable

# Words that mean something else as often: with a capital they count only after a preposition, in small letters never.
_DOUBTFUL = frozenset({"turkey", "georgia", "jordan", "chad", "guinea", "china", "mali", "niger", "togo", "samoa"})
_PREPOSITION = r"(?:in|from|across|within|throughout|of|for|at)\s+(?:the\s+)?"


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
