"""Has pytest collect files in a process of its own, and tells which tests it found and which it would not run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

VARIABLE = "HEDGEROW_PARITY_COLLECTED"
NOT_RUN = ("skip", "skipif", "xfail")


class CollectionFailed(Exception):
    """Pytest could not collect; what it said."""


def collect(files: Iterable[str], root: Path, answer: Path) -> dict[str, str]:
    """Every test in the files, and the mark by which it is not run or may fail, empty if there is none.

    Args:
        files: paths from `root`; those that are not there hold no test.
        root: the folder that node ids begin from; pytest runs there.
        answer: a file to be written between the two processes.

    Raises:
        CollectionFailed: pytest found something else than tests.
    """
    there = sorted({file for file in files if (root / file).is_file()})
    if not there:
        return {}
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", __name__, *there]
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    variables = {**os.environ, VARIABLE: str(answer), "PYTHONPATH": path}
    done = subprocess.run(command, cwd=root, env=variables, capture_output=True, text=True, timeout=100, check=False)
    if done.returncode != pytest.ExitCode.OK:
        raise CollectionFailed(done.stdout + done.stderr)
    found: dict[str, str] = json.loads(answer.read_text())
    return found


def pytest_collection_finish(session: pytest.Session) -> None:
    """In the other process: write down what was collected."""
    if VARIABLE in os.environ:
        found = {item.nodeid: _mark(item) for item in session.items}
        Path(os.environ[VARIABLE]).write_text(json.dumps(found))


def _mark(item: pytest.Item) -> str:
    return next((mark.name for mark in item.iter_markers() if mark.name in NOT_RUN), "")
