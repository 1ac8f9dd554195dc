"""Which cells of a row are best and worst, whether that is certain, and what has to be said beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hedgerow_nodes.estimators.comparison.cells import Cell
from hedgerow_nodes.estimators.comparison.direction import Better


@dataclass(frozen=True)
class Marks:
    """Places of the best and the worst cells; equal values share a mark, and where all are equal there is none.

    `certain` is None without marks. It says that the intervals of the best and of the worst overlap none of the other
    intervals, and that all figures were found by one method.
    """

    best: tuple[int, ...] = ()
    worst: tuple[int, ...] = ()
    certain: bool | None = None
    remarks: tuple[str, ...] = ()


def marks_of(cells: Sequence[Cell], labels: Sequence[str], better: Better) -> Marks:
    """Mark a row; an unknown cell is never best or worst, and one known cell alone is neither."""
    known = {place: cell.value for place, cell in enumerate(cells) if cell.value is not None}
    remarks = _unlike_methods(cells, labels, known) if len(known) > 1 else ""
    low, high = min(known.values(), default=0.0), max(known.values(), default=0.0)
    if better is Better.NEITHER or len(known) < 2 or low == high:
        return Marks(remarks=tuple(filter(None, (remarks,))))
    good, bad = (low, high) if better is Better.LESS else (high, low)
    best = tuple(place for place, value in known.items() if value == good)
    worst = tuple(place for place, value in known.items() if value == bad)
    doubts = [*_overlaps(cells, labels, known, best, worst), _without_interval(cells, labels, known)]
    certain = not remarks and not any(doubts)
    return Marks(best, worst, certain, tuple(filter(None, (*doubts, remarks))))


def _overlaps(
    cells: Sequence[Cell], labels: Sequence[str], known: Iterable[int], best: Sequence[int], worst: Sequence[int]
) -> list[str]:
    near_best, near_worst = (_close(cells, known, marked) for marked in (best, worst))
    if near_best and near_best == near_worst:
        near = _named(labels, near_best)
        return [f"The intervals of {near} overlap: which is best and which is worst is not certain."]
    return [
        f"The intervals of {_named(labels, near)} overlap: that {_named(labels, marked)} is {word} is not certain."
        for word, marked, near in (("best", best, near_best), ("worst", worst, near_worst))
        if near
    ]


def _close(cells: Sequence[Cell], known: Iterable[int], marked: Sequence[int]) -> list[int]:
    """The marked cells and those whose intervals meet theirs, in order; none where nothing meets them."""
    others = [place for place in known if place not in marked]
    met = [place for place in others if any(_meet(cells[place], cells[one]) for one in marked)]
    return sorted((*marked, *met)) if met else []


def _meet(one: Cell, other: Cell) -> bool:
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return one.low <= other.high and other.low <= one.high


def _without_interval(cells: Sequence[Cell], labels: Sequence[str], known: Iterable[int]) -> str:
    bare = [place for place in known if cells[place].low is None]
    return f"No interval is known of {_named(labels, bare)}: the difference is not certain." if bare else ""


def _unlike_methods(cells: Sequence[Cell], labels: Sequence[str], known: Iterable[int]) -> str:
    by_method: dict[str, list[int]] = {}
    for place in known:
        by_method.setdefault(cells[place].method or "no method", []).append(place)
    if len(by_method) < 2:
        return ""
    told = "; ".join(f"{_named(labels, places)}: {method}" for method, places in by_method.items())
    return f"The methods differ ({told}), so that unlike figures stand beside each other."


def _named(labels: Sequence[str], places: Sequence[int]) -> str:
    names = [labels[place] for place in places]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
