"""Numbers with units in running text: how they are written, and what they are in SI units."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Unit:
    """A unit as it is written; `value * factor` is in the SI unit of the dimension (mass: gram, ratio: 1)."""

    name: str
    dimension: str
    factor: float


def _table() -> tuple[Unit, ...]:
    rows = (
        ("time", 1e-9, "ns nanosecond nanoseconds"),
        ("time", 1e-6, "us µs μs usec microsecond microseconds"),
        ("time", 1e-3, "ms msec msecs millis millisecond milliseconds"),
        ("time", 1.0, "s sec secs second seconds"),
        ("time", 60.0, "min mins minute minutes"),
        ("time", 3600.0, "h hr hrs hour hours"),
        ("bytes", 1.0, "byte bytes"),
        ("bytes", 1e3, "kB KB kilobyte kilobytes"),
        ("bytes", 1e6, "MB megabyte megabytes megs"),
        ("bytes", 1e9, "GB gigabyte gigabytes gigs"),
        ("bytes", 1e12, "TB terabyte terabytes"),
        ("bytes", 2.0**10, "KiB kibibyte kibibytes"),
        ("bytes", 2.0**20, "MiB mebibyte mebibytes"),
        ("bytes", 2.0**30, "GiB gibibyte gibibytes"),
        ("bytes", 2.0**40, "TiB tebibyte tebibytes"),
        ("power", 1e-6, "uW µW μW microwatt microwatts"),
        ("power", 1e-3, "mW milliwatt milliwatts"),
        ("power", 1.0, "W w watt watts"),
        ("power", 1e3, "kW kilowatt kilowatts"),
        ("power", 1e6, "MW megawatt megawatts"),
        ("energy", 1e-6, "uJ µJ μJ microjoule microjoules"),
        ("energy", 1e-3, "mJ millijoule millijoules"),
        ("energy", 1.0, "J joule joules"),
        ("energy", 1e3, "kJ kilojoule kilojoules"),
        ("energy", 1e6, "MJ megajoule megajoules"),
        ("energy", 3.6, "mWh"),
        ("energy", 3600.0, "Wh"),
        ("energy", 3.6e6, "kWh"),
        ("energy", 3.6e9, "MWh"),
        ("mass", 1e-6, "ug µg μg microgram micrograms"),
        ("mass", 1e-3, "mg milligram milligrams"),
        ("mass", 1.0, "g gram grams"),
        ("mass", 1e3, "kg kilo kilos kilogram kilograms"),
        ("mass", 1e6, "t ton tons tonne tonnes"),
        ("ratio", 1e-2, "% percent pct"),
        ("rate", 1.0, "fps qps rps Hz"),
        ("money EUR", 1.0, "€ EUR euro euros"),
        ("money USD", 1.0, "$ USD dollar dollars"),
        ("money GBP", 1.0, "£ GBP pound pounds"),
        ("parameters", 1.0, "parameter parameters params"),
    )
    return tuple(Unit(name, dimension, factor) for dimension, factor, names in rows for name in names.split())


UNITS = _table()


def _by_any_case() -> Mapping[str, Unit]:
    """Names that mean the same in any case: `gb` is GB, but `mw` may be mW or MW, and `S` is no second."""
    groups: dict[str, list[Unit]] = {}
    for unit in UNITS:
        groups.setdefault(unit.name.casefold(), []).append(unit)
    alike = {name: units[0] for name, units in groups.items() if len({unit.factor for unit in units}) == 1}
    return MappingProxyType({name: unit for name, unit in alike.items() if len(name) > 1})


_EXACT: Mapping[str, Unit] = MappingProxyType({unit.name: unit for unit in UNITS})
_ANY_CASE = _by_any_case()

_DIGITS = r"[0-9]{1,3}(?:,[0-9]{3}){1,4}(?:\.[0-9]{1,9})?|[0-9]{1,15}(?:[.,][0-9]{1,9})?(?:[eE][+-]?[0-9]{1,2})?"
_WORD_VALUES: Mapping[str, float] = MappingProxyType(
    {"half a": 0.5, "half an": 0.5, "half of a": 0.5, "a quarter of a": 0.25, "a tenth of a": 0.1, "a": 1.0, "an": 1.0}
    | {"one and a half": 1.5, "a couple of": 2.0, "a dozen": 12.0, "a hundred": 100.0, "a thousand": 1e3}
    | {"one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0, "six": 6.0, "seven": 7.0, "eight": 8.0}
    | {"nine": 9.0, "ten": 10.0, "twelve": 12.0, "fifteen": 15.0, "twenty": 20.0, "thirty": 30.0, "forty": 40.0}
    | {"fifty": 50.0, "sixty": 60.0, "eighty": 80.0, "ninety": 90.0}
)
_MULTIPLIERS: Mapping[str, float] = MappingProxyType(
    {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9}
)
_WORD_NUMBER = "|".join(re.escape(word) for word in sorted(_WORD_VALUES, key=len, reverse=True))
NUMBER = (
    rf"(?:(?<![\w.,])(?:{_DIGITS})(?:(?:[kKMB]|\s?(?:hundred|thousand|million|billion))(?![A-Za-z]))?"
    rf"|\b(?i:{_WORD_NUMBER})(?:\s(?:hundred|thousand|million|billion))?(?=[\s-]))"
)
UNIT = r"(?:%|€|\$|£|[A-Za-zµμ]{1,14}(?![A-Za-zµμ²³]))"
_PARTS = re.compile(rf"(?P<word>(?i:{_WORD_NUMBER}))(?=\s|$)|(?P<digits>{_DIGITS})")
_QUANTITY = re.compile(
    rf"(?P<sign>[€$£])\s?(?P<amount>{NUMBER})"
    rf"|(?P<number>{NUMBER})\s{{0,2}}-?(?P<unit>{UNIT})(?:(?<=CO)[2₂]?(?:-?eq?)?\b)?"
)


@dataclass(frozen=True)
class Quantity:
    """A number with a unit found at text[start:end]; `value` is in SI, `written` is the unit as it stands there."""

    value: float
    unit: Unit
    written: str
    start: int
    end: int


def unit_of(name: str) -> Unit | None:
    """The unit written like this; None if there is none."""
    known = _EXACT.get(name) or _ANY_CASE.get(name.casefold())
    if known is None and (carbon := re.match(r"(kg|mg|[uµμ]g|g|t)CO", name)):
        return _EXACT[carbon.group(1)]
    return known


def number_value(text: str) -> float:
    """The value of a number as it is written: `1,000`, `0,5`, `1.5k`, `half a`, `two hundred`.

    A comma with three digits behind it groups thousands, any other one is a decimal comma; a point is always decimal.

    Raises:
        ValueError: it is no number.
    """
    stripped = text.strip()
    found = _PARTS.match(stripped)
    if found is None:
        raise ValueError(f"{text!r} is no number")
    if found["word"]:
        value = _WORD_VALUES[" ".join(found["word"].casefold().split())]
    else:
        digits = found["digits"]
        grouped = re.fullmatch(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?", digits)
        value = float(digits.replace(",", "" if grouped else "."))
    multiplier = stripped[found.end() :].strip()
    if multiplier and multiplier not in _MULTIPLIERS:
        raise ValueError(f"{text!r} is no number: {multiplier!r} is left over")
    return value * _MULTIPLIERS.get(multiplier, 1.0)


def scaled(number: str, factor: float) -> float:
    """A written number times a factor, to 12 figures: 95 % is 0.95 and not the binary neighbour above it."""
    return float(f"{number_value(number) * factor:.12g}")


def find_quantities(text: str) -> Iterator[Quantity]:
    """Every number with a known unit, from left to right."""
    for found in _QUANTITY.finditer(text):
        written = found["sign"] or found["unit"]
        unit = unit_of(written)
        if unit is not None:
            value = scaled(found["amount"] or found["number"], unit.factor)
            yield Quantity(value, unit, written, found.start(), found.end())
