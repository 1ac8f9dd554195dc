"""Guess which column of a table is to be predicted: the one the user speaks of, the one called so, or the last."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hedgerow_nodes.estimators.datasets.profile import Column, Kind, Target
from hedgerow_nodes.estimators.text.text_index import words

TARGET_NAMES = ("target", "label", "class", "y", "outcome", "category", "result", "ground truth", "response")
PREDICTING = frozenset(
    "predict guess estimate forecast classify decide whether will which how what model determine value".split()
)
REACH_WORDS = 8
PREDICTABLE = frozenset({Kind.BOOLEAN, Kind.INTEGER, Kind.NUMBER, Kind.CATEGORY})
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def guess_target(columns: Sequence[Column], text: str = "") -> Target | None:
    """The likely target, or None where no column can be one.

    Args:
        columns: in the order of the file.
        text: what the user wrote about the problem.
    """
    able = [column for column in columns if column.kind in PREDICTABLE]
    if not able:
        return None
    spoken = _spoken_of(able, text)
    if spoken is not None:
        return Target(spoken.name, "the text speaks of it as what is to be predicted")
    for wanted in TARGET_NAMES:
        for column in able:
            if _plain(column.name) == wanted:
                return Target(column.name, "its name says so")
    if columns[-1] in able:
        return Target(columns[-1].name, "it is the last column; nothing else speaks for any")
    return None


def _spoken_of(columns: Sequence[Column], text: str) -> Column | None:
    """The column whose name follows soonest upon a word such as "predict"."""
    said = words(text)
    best: tuple[int, Column] | None = None
    for column in columns:
        name = _plain(column.name).split()
        if not name:
            continue
        for start in range(len(said) - len(name) + 1):
            if said[start : start + len(name)] == name:
                before = said[max(0, start - REACH_WORDS) : start]
                asked = [place for place, word in enumerate(reversed(before)) if word in PREDICTING]
                if asked and (best is None or asked[0] < best[0]):
                    best = (asked[0], column)
    return None if best is None else best[1]


def _plain(name: str) -> str:
    return " ".join(words(_CAMEL.sub(" ", name).replace("_", " ")))
