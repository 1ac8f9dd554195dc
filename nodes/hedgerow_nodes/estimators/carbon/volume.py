"""How many inferences a year: the user's number, else what his text says of a volume, else unknown."""

from __future__ import annotations

import math

from hedgerow_idl import UserInput
from hedgerow_nodes.estimators.carbon.footprint import SECONDS_PER_YEAR
from hedgerow_nodes.estimators.figure import Figure
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.text.length import first_part
from hedgerow_nodes.estimators.text.limits import find_limits

VOLUME = "volume_per_s"
# Above it a product of several such numbers would leave what a float can hold.
MOST = 1e18


class BadVolume(ValueError):
    """A field that holds no usable amount; the message names field and value."""


def amount(user_input: UserInput, field: str) -> float:
    """A field that counts something; NaN where nothing is said.

    Raises:
        BadVolume: it is not a number above 0 and of at most 1e18.
    """
    value = float(getattr(user_input, field))
    if not math.isnan(value) and not 0 < value <= MOST:
        raise BadVolume(f"{field} is {value:g}; give a number above 0 and of at most {MOST:g}, or leave the field out")
    return value


def yearly_volume(user_input: UserInput) -> Figure | None:
    """Inferences a year; of several volumes in the text the largest counts, None where there is none.

    A rate such as "20 images a second" is what must be possible, not what comes in all year, and does not count.

    Raises:
        BadVolume: the field is not a number above 0 and of at most 1e18.
    """
    stated = amount(user_input, "inferences_per_year")
    if not math.isnan(stated):
        return Figure(Interval.exactly(stated), "declared", "field inferences_per_year")
    text, _ = first_part(user_input.text)
    found = [
        limit for limit in find_limits(text) if limit.name == VOLUME and 0 < limit.value * SECONDS_PER_YEAR <= MOST
    ]
    if not found:
        return None
    most = max(found, key=lambda limit: limit.value)
    source = f"text: “{most.excerpt}”, every day of the year, one inference each"
    return Figure(Interval.exactly(most.value * SECONDS_PER_YEAR), "text", source)
