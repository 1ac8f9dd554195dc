"""Find the limits in a described problem: "under 50 ms", "30 fps", "4 GB of RAM", "offline"; pure, and never raises."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import zip_longest

from hedgerow_idl import Limit
from hedgerow_nodes.estimators.text.comparisons import Comparison, Sense, comparison_after, comparison_before
from hedgerow_nodes.estimators.text.counted_limits import Count, find_batches, find_flags, find_qualities, find_rates
from hedgerow_nodes.estimators.text.limit_names import LIMIT_NAMES
from hedgerow_nodes.estimators.text.limit_rules import read_mention
from hedgerow_nodes.estimators.text.mentions import Mention
from hedgerow_nodes.estimators.text.quantities import NUMBER, Quantity, find_quantities, number_value, unit_of

_REACH = 60
_CLAUSE_END = re.compile(r"(?<!max)(?<!min)(?<!approx)\.(?=\s)|[;!?](?=\s)|\n", re.IGNORECASE)
# The lower end of a range, with or without a unit of its own: "between 10 and", "10-", "from 10 ms to".
_RANGE_START = re.compile(
    rf"(?:(?P<between>between\s+)(?P<low>{NUMBER})\s?(?P<unit>[A-Za-zµμ%]{{1,14}})?\s+and"
    rf"|(?:from\s+)?(?P<low2>{NUMBER})\s?(?P<unit2>[A-Za-zµμ%]{{1,14}})?\s?(?:-|–|to))\s?$",
    re.IGNORECASE,
)
_SENSES: Mapping[Sense, str] = {Sense.AT_MOST: "<=", Sense.AT_LEAST: ">=", Sense.EQUAL: "=="}
_REVERSED: Mapping[str, str] = {"<=": ">=", ">=": "<=", "==": "=="}


def find_limits(text: str) -> list[Limit]:
    """All limits that a text states, in its order, each once; names, units and SI are those of `LIMIT_NAMES`.

    Where the text gives no direction the usual one is taken: "4 GB" is at most, "30 fps" at least. Two different
    values of one quantity are both kept: both were asked for.
    """
    found = sorted(_located(text), key=lambda pair: pair[0])
    kept: dict[tuple[str, str, float], Limit] = {}
    for _, limit in found:
        kept.setdefault((limit.name, limit.comparison, limit.value), limit)
    return list(kept.values())


def without_limits(text: str) -> str:
    """The text without the words that state limits, for those who ask what the problem is about."""
    for limit in find_limits(text):
        if limit.unit != "flag":
            text = text.replace(limit.excerpt, " ")
    return text


def _located(text: str) -> Iterator[tuple[int, Limit]]:
    rest = text
    for find in (find_rates, find_qualities, find_batches):
        counts = list(find(rest))
        for count in counts:
            yield _counted(text, count)
        # What is understood is blanked out, so that "30 frames a second" is not read again as a time.
        rest = _blanked(rest, counts)
    for count in find_flags(text):
        yield count.start, _limit(count.name, "==", count.value, text[count.start : count.end])
    taken = 0
    quantities = list(find_quantities(rest))
    for quantity, following in zip_longest(quantities, quantities[1:]):
        # The lower end of a range is read together with its upper end.
        if following is None or not _joined(rest, quantity, following):
            for start, end, limit in _measured(rest, quantity, taken):
                taken = end
                yield start, limit


def _blanked(text: str, counts: list[Count]) -> str:
    pieces, done = [], 0
    for count in counts:
        pieces += [text[done : count.start], " " * (count.end - count.start)]
        done = count.end
    return "".join([*pieces, text[done:]])


def _joined(text: str, low: Quantity, high: Quantity) -> bool:
    found = _range_start(_before(text, high.start, 0)[0], high)
    return found is not None and high.start - found[1] <= low.start


def _counted(text: str, count: Count) -> tuple[int, Limit]:
    ahead = comparison_before(_before(text, count.start, 0)[0])
    behind = comparison_after(text[count.end : count.end + _REACH])
    inside = _first_comparison_inside(text[count.start : count.end])
    said = ahead or inside or behind
    start = count.start - (ahead.length if ahead else 0)
    end = count.end + (behind.length if behind and not ahead and not inside else 0)
    return start, _limit(count.name, _direction(count.name, said), count.value, text[start:end])


def _first_comparison_inside(words: str) -> Comparison | None:
    """The comparison between a name and its number: "accuracy of at least 95 %"."""
    for number in re.finditer(NUMBER, words):
        return comparison_before(words[: number.start()])
    return None


def _measured(text: str, quantity: Quantity, taken: int) -> Iterator[tuple[int, int, Limit]]:
    before, _ = _before(text, quantity.start, taken)
    low = _range_start(before, quantity)
    ahead = None if low else comparison_before(before)
    start = quantity.start - (low[1] if low else ahead.length if ahead else 0)
    after = _after(text, quantity.end)
    behind = None if low or ahead else comparison_after(after)
    end = quantity.end + (behind.length if behind else 0)
    said = ahead or behind
    between = bool(low) and text[start:end].lower().startswith("between")
    mention = Mention(
        value=quantity.value,
        written=quantity.written,
        dimension=quantity.unit.dimension,
        before=_before(text, start, taken)[0],
        after=_after(text, end),
        sense=Sense.AT_MOST if between else said.sense if said else None,
        comparison=text[start : quantity.start],
    )
    reading = read_mention(mention)
    if reading is None:
        return
    end += reading.extent
    high = quantity.value / reading.divisor
    if low and low[0] <= quantity.value:
        yield start, end, _limit(reading.name, ">=", low[0] / reading.divisor, text[start:end])
        yield start, end, _limit(reading.name, "<=", high, text[start:end])
    else:
        yield start, end, _limit(reading.name, _direction(reading.name, said), high, text[start:end])


def _range_start(before: str, quantity: Quantity) -> tuple[float, int] | None:
    """The lower end in SI and the length of its text; None where the quantity ends no range."""
    found = _RANGE_START.search(before)
    if found is None:
        return None
    name = found["unit"] or found["unit2"]
    unit = quantity.unit if name is None else unit_of(name)
    if unit is None or unit.dimension != quantity.unit.dimension:
        return None
    return number_value(found["low"] or found["low2"]) * unit.factor, len(before) - found.start()


def _before(text: str, end: int, taken: int) -> tuple[str, int]:
    """The clause up to a place, and where it begins."""
    start = max(taken, end - _REACH)
    for found in _CLAUSE_END.finditer(text, start, end):
        start = found.end()
    return text[start:end], start


def _after(text: str, start: int) -> str:
    window = text[start : start + _REACH]
    found = _CLAUSE_END.search(window)
    return window[: found.start()] if found else window


def _direction(name: str, said: Comparison | None) -> str:
    usual = LIMIT_NAMES[name].comparison
    if said is None or said.sense is Sense.BETTER:
        return usual
    return _REVERSED[usual] if said.sense is Sense.WORSE else _SENSES[said.sense]


def _limit(name: str, comparison: str, value: float, excerpt: str) -> Limit:
    return Limit(
        name=name,
        comparison=comparison,
        value=value,
        unit=LIMIT_NAMES[name].unit,
        found_in="text",
        excerpt=excerpt.strip(),
    )
