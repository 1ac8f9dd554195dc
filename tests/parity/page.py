"""Reads the tables of docs/parity.md: one row a feature, with the tests that show it or the reason why it is open."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "parity.md"

Table = Sequence[int]

TABLES: dict[str, Table] = {
    "S": range(1, 52),
    "W": range(1, 41),
    "E": (*range(1, 25), 26, 27, 48, 49, 50),
}
"""The letter of each table and the numbers of its rows; a further table is a further entry here."""

_ROW = re.compile(r"([A-Z]+)([0-9]+)")
_OPEN = re.compile(r"open: (.+)")


@dataclass(frozen=True)
class Row:
    """One feature.

    Attributes:
        name: letter and number, as in `S7`.
        tests: pytest node ids that show it; one without `[…]` stands for all its parameters.
        open_because: why nothing shows it; empty if something does.
    """

    name: str
    feature: str
    how: str
    tests: tuple[str, ...]
    open_because: str


class PageInvalid(ValueError):
    """A line of the page that is no row."""


def read_rows(text: str) -> tuple[Row, ...]:
    """The rows of all tables, in order.

    Raises:
        PageInvalid: a row that has not four cells, or whose last cell is neither node ids nor `open: REASON`.
    """
    return tuple(_row(line) for line in text.splitlines() if _ROW.fullmatch(line.strip("|").split("|")[0].strip()))


def shown_by(rows: tuple[Row, ...]) -> frozenset[str]:
    """Every node id that the rows name."""
    return frozenset(test for row in rows for test in row.tests)


def numbering_faults(rows: tuple[Row, ...], tables: Mapping[str, Table]) -> list[str]:
    """Rows that are missing, stand twice or out of order, or belong to no table."""
    names = [row.name for row in rows]
    expected = [f"{letter}{number}" for letter, numbers in tables.items() for number in numbers]
    if names == expected:
        return []
    faults = [f"row {name} is missing" for name in expected if name not in names]
    faults += [f"row {name} stands {names.count(name)} times" for name in dict.fromkeys(names) if names.count(name) > 1]
    faults += [f"row {name} is of no table; known: {', '.join(tables)}" for name in names if name not in expected]
    return faults or [f"the rows are out of order: {', '.join(names)}"]


def _row(line: str) -> Row:
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    if len(cells) != 4 or not all(cells):
        raise PageInvalid(f"a row has four cells, none empty: {line!r}")
    name, feature, how, shown = cells
    found = _OPEN.fullmatch(shown)
    if found:
        return Row(name, feature, how, (), found[1])
    tests = tuple(re.findall(r"`([^`]+)`", shown))
    if not tests or re.sub(r"`[^`]+`|<br>", "", shown).strip():
        raise PageInvalid(f"{name}: the last cell is node ids in backquotes, or `open: REASON`: {shown!r}")
    return Row(name, feature, how, tests, "")
