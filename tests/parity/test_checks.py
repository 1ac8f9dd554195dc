"""The check of the page of parity finds what it is there to find: each kind of fault, made on purpose."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.parity.checks import faults
from tests.parity.collection import CollectionFailed, collect
from tests.parity.page import ROOT, PageInvalid, Row, numbering_faults, read_rows

HONEST = """
from hedgerow_nodes.core.testing import NodeHarness
import pytest

@pytest.fixture
def node():
    return NodeHarness(object)

def ask():
    return NodeHarness(object)

@pytest.mark.parametrize("n", [1, 2])
def test_by_a_fixture(node, n): ...

def test_by_a_function():
    ask()

class TestGroup:
    def test_by_a_method(self, node): ...

def test_by_conftest(upper): ...

@pytest.mark.skip(reason="made so")
def test_skipped(node): ...

@pytest.mark.skipif(False, reason="made so")
def test_perhaps_skipped(node): ...

@pytest.mark.xfail
def test_may_fail(node): ...

def test_past_every_face():
    assert 1 + 1 == 2

def test_only_mentions(one: NodeHarness = None):
    one: NodeHarness = NodeHarness

def test_is_given_it(NodeHarness=int):
    NodeHarness()
"""
UPPER = """
import pytest
from hedgerow_frontend import create_app

@pytest.fixture
def upper(inner): ...

@pytest.fixture
def inner():
    create_app()
"""
FILE = "tests/inner/test_made.py"


@dataclass(frozen=True)
class Made:
    """A folder with tests of every kind, and what pytest collected there."""

    root: Path
    collected: dict[str, str]

    def told(self, *tests: str) -> list[str]:
        return faults([Row("S1", "a feature", "somehow", tests, "")], self.collected, self.root)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("made")
    (root / FILE).parent.mkdir(parents=True)
    (root / FILE).write_text(HONEST)
    (root / "tests" / "conftest.py").write_text(UPPER)
    return Made(root, collect([FILE, "tests/gone.py"], root, root / "answer.json"))


def test_what_is_there_and_goes_through_a_face_has_no_fault(made: Made) -> None:
    names = ("test_by_a_fixture", "test_by_a_fixture[2]", "test_by_a_function", "TestGroup::test_by_a_method")
    assert made.told(*(f"{FILE}::{name}" for name in names), f"{FILE}::test_by_conftest") == []


@pytest.mark.parametrize(
    "test", [f"{FILE}::test_nowhere", f"{FILE}::test_by_a_fixture[3]", "tests/gone.py::test_x", FILE, "nonsense"]
)
def test_a_wrong_id_is_reported(made: Made, test: str) -> None:
    assert made.told(test) == [f"S1: {test} is not collected by pytest"]


@pytest.mark.parametrize(
    ("name", "mark"), [("test_skipped", "skip"), ("test_perhaps_skipped", "skipif"), ("test_may_fail", "xfail")]
)
def test_an_id_that_may_not_run_is_reported(made: Made, name: str, mark: str) -> None:
    assert made.told(f"{FILE}::{name}") == [f"S1: {FILE}::{name} has the mark {mark}, so it may not run"]


@pytest.mark.parametrize("name", ["test_past_every_face", "test_only_mentions", "test_is_given_it"])
def test_an_id_past_every_public_face_is_reported(made: Made, name: str) -> None:
    [fault] = made.told(f"{FILE}::{name}")
    assert fault.startswith(f"S1: {FILE}::{name} goes through no public face; known: REST and the pages, ")


def test_a_file_that_cannot_be_collected_is_no_empty_one(tmp_path: Path) -> None:
    (tmp_path / "test_made.py").write_text("import nothing_that_is_there")
    with pytest.raises(CollectionFailed, match="nothing_that_is_there"):
        collect(["test_made.py"], tmp_path, tmp_path / "answer.json")


SKIPS = """
import pytest

def test_skips_itself():
    pytest.skip("nothing to see")

def test_runs(): ...
"""


@pytest.mark.parametrize(
    ("named", "in_ci", "code"), [("test_skips_itself", "1", 1), ("test_skips_itself", "0", 0), ("test_runs", "1", 0)]
)
def test_a_run_in_ci_fails_where_a_test_of_the_page_was_skipped(
    tmp_path: Path, named: str, in_ci: str, code: int
) -> None:
    (tmp_path / "test_made.py").write_text(SKIPS)
    program = f"""
import sys, pytest
from tests.parity.skips import SkipWatch
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider"], plugins=[SkipWatch({{"test_made.py::{named}"}})]))
"""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    variables = {**os.environ, "HEDGEROW_CI": in_ci, "PYTHONPATH": path}
    command = [sys.executable, "-P", "-c", program]
    run = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert "1 passed, 1 skipped" in run.stdout, run.stdout + run.stderr
    assert run.returncode == code
    assert (f"a test that was skipped: test_made.py::{named}" in run.stdout) == (named == "test_skips_itself")


def test_numbering() -> None:
    def rows(*names: str) -> tuple[Row, ...]:
        return tuple(Row(name, "x", "y", (), "because") for name in names)

    assert numbering_faults(rows("S1", "S2", "W1"), {"S": (1, 2), "W": (1,)}) == []
    assert numbering_faults(rows("S1", "S1", "X1"), {"S": (1, 2)}) == [
        "row S2 is missing",
        "row S1 stands 2 times",
        "row X1 is of no table; known: S",
    ]
    assert numbering_faults(rows("S2", "S1"), {"S": (1, 2)}) == ["the rows are out of order: S2, S1"]


def test_rows_are_read() -> None:
    page = """
| row | feature | here | shown by |
|---|---|---|---|
| S1 | a thing | so | `tests/a.py::test_x[1]`<br>`tests/b.py::test_y` |
| S2 | another | not yet | open: for want of a screen |
"""
    first, second = read_rows(page)
    assert (first.name, first.tests) == ("S1", ("tests/a.py::test_x[1]", "tests/b.py::test_y"))
    assert (second.tests, second.open_because) == ((), "for want of a screen")


@pytest.mark.parametrize("last", ["open", "open:", "tests/a.py::test_x", "`a` and `b`", "", "`a` | `b`"])
def test_a_last_cell_that_says_neither_is_refused(last: str) -> None:
    with pytest.raises(PageInvalid):
        read_rows(f"| S1 | a thing | so | {last} |")
