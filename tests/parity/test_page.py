"""docs/parity.md names tests that are there, that run, and that go through a public face."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.parity.checks import faults, files_of
from tests.parity.collection import collect
from tests.parity.faces import FACES, faces_of
from tests.parity.page import PAGE, ROOT, TABLES, Row, numbering_faults, read_rows, shown_by


@pytest.fixture(scope="module")
def rows() -> tuple[Row, ...]:
    return read_rows(PAGE.read_text(encoding="utf-8"))


def test_every_row_is_there_once_and_in_order(rows: tuple[Row, ...]) -> None:
    assert numbering_faults(rows, TABLES) == []


def test_every_row_is_shown_by_tests_or_says_why_it_is_open(rows: tuple[Row, ...]) -> None:
    assert [row.name for row in rows if not row.tests and len(row.open_because.split()) < 4] == []


def test_every_test_that_is_named_runs_and_goes_through_a_public_face(rows: tuple[Row, ...], tmp_path: Path) -> None:
    collected = collect(files_of(rows), ROOT, tmp_path / "collected.json")
    assert faults(rows, collected, ROOT) == []


def test_the_page_tells_the_rule_that_is_kept() -> None:
    page = PAGE.read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `([\w.]+)` \| ([\w ]+) \|", page, re.MULTILINE))
    assert told == {(f"{module}.{name}", face) for (module, name), face in FACES.items()}


def test_every_face_is_one_that_some_row_uses_or_may_be_taken_off_the_list(rows: tuple[Row, ...]) -> None:
    used = {face for test in shown_by(rows) for face in faces_of(test, ROOT)}
    assert used == set(FACES.values())
