"""Which kind of values each column of a table holds, how many are missing, and how its classes are spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from hedgerow_nodes.estimators.datasets.profile import Column, Kind
from hedgerow_nodes.estimators.datasets.values import (
    AUDIO_ENDINGS,
    IMAGE_ENDINGS,
    NESTED,
    TRUTHS,
    Cell,
    is_integer,
    is_missing,
    number_of,
    time_of,
)

# A few odd values (a slip of the pen) do not make a column of numbers one of words.
FITTING_SHARE = 0.95
MOST_CLASSES = 50
CLASSES_SHOWN = 20
# A class needs several rows: a column in which most values occur once has none.
LARGEST_DISTINCT_SHARE = 0.5
CLASS_WORDS = 4.0
TEXT_WORDS = 3.0
MOST_INTEGER_CLASSES = 20

Tables = Mapping[str, Sequence[Cell]]


def describe_columns(table: Tables) -> tuple[Column, ...]:
    """Describe every column of a table, given as its values by name."""
    return tuple(describe_column(name, cells) for name, cells in table.items())


def describe_column(name: str, cells: Sequence[Cell]) -> Column:
    """Describe one column: the kind that at least 95 % of its values have, else words."""
    present = [cell for cell in cells if not is_missing(cell)]
    missing = len(cells) - len(present)
    if not present:
        return Column(name, Kind.EMPTY, missing, 0)
    if any(cell is NESTED for cell in present):
        return Column(name, Kind.NESTED, missing, len(present))
    values = [str(cell).strip() for cell in present]
    counts = Counter(values)
    for kind, read in _READERS:
        read_values = [one for value in values if (one := read(value)) is not None]
        if len(read_values) >= FITTING_SHARE * len(values):
            return _measured(name, kind, missing, counts, read_values, len(values) - len(read_values))
    return _worded(name, missing, counts, values)


def _truth(value: str) -> float | None:
    return float(value.casefold() in {"true", "yes", "t", "y"}) if value.casefold() in TRUTHS else None


def _integer(value: str) -> float | None:
    return number_of(value) if is_integer(value) else None


_READERS: tuple[tuple[Kind, Callable[[str], float | None]], ...] = (
    (Kind.BOOLEAN, _truth),
    (Kind.INTEGER, _integer),
    (Kind.NUMBER, number_of),
    (Kind.TIME, time_of),
)


def _measured(name: str, kind: Kind, missing: int, counts: Counter[str], read: list[float], odd: int) -> Column:
    ordered = len(set(read)) > 1 and all(one <= following for one, following in pairwise(read))
    few = len(counts) <= MOST_INTEGER_CLASSES and len(counts) <= LARGEST_DISTINCT_SHARE * counts.total()
    if kind is Kind.INTEGER and ordered and odd == 0 and all(b - a == 1 for a, b in pairwise(read)) and not few:
        kind = Kind.IDENTIFIER
    return Column(
        name,
        kind,
        missing,
        len(counts),
        odd=odd,
        classes=_classes(counts) if kind is Kind.BOOLEAN or (kind is Kind.INTEGER and few) else (),
        minimum=min(read),
        maximum=max(read),
        ordered=ordered,
    )


def _worded(name: str, missing: int, counts: Counter[str], values: list[str]) -> Column:
    mean_words = sum(value.count(" ") + 1 for value in values) / len(values)
    classes: tuple[tuple[str, int], ...] = ()
    if _ending_share(values, IMAGE_ENDINGS) >= FITTING_SHARE:
        kind = Kind.IMAGE
    elif _ending_share(values, AUDIO_ENDINGS) >= FITTING_SHARE:
        kind = Kind.AUDIO
    elif (
        len(counts) <= MOST_CLASSES
        and len(counts) <= LARGEST_DISTINCT_SHARE * len(values)
        and mean_words <= CLASS_WORDS
    ):
        kind, classes = Kind.CATEGORY, _classes(counts)
    elif mean_words >= TEXT_WORDS:
        kind = Kind.TEXT
    else:
        kind = Kind.IDENTIFIER if len(counts) == len(values) and mean_words < 1.5 else Kind.CATEGORY
    return Column(name, kind, missing, len(counts), classes=classes, mean_words=mean_words)


def _ending_share(values: list[str], endings: tuple[str, ...]) -> float:
    return sum(value.casefold().endswith(endings) for value in values) / len(values)


def _classes(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:CLASSES_SHOWN])
