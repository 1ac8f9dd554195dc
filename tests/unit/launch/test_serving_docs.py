"""The commands of docs/serving.md and docs/telemetry.md are such that there are."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
LINES = [
    line.strip()
    for page in ("serving.md", "telemetry.md")
    for line in (DOCS / page).read_text(encoding="utf-8").splitlines()
    if line.strip().startswith("hedgerow ")
]


@pytest.fixture(autouse=True)
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of other packages are those that pyproject.toml declares, whenever it was installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    joined = project["entry-points"]["hedgerow.commands"]
    found = [EntryPoint(name, target, "hedgerow.commands") for name, target in joined.items()]
    monkeypatch.setattr("hedgerow_launch.command_group.entry_points", lambda group: found)


@pytest.mark.parametrize("line", LINES)
def test_a_command_is_understood(hedgerow: Callable[..., Any], line: str) -> None:
    result = hedgerow(*shlex.split(line)[1:], "--help")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "--json" in result.stdout


def test_the_pages_have_commands() -> None:
    assert len(LINES) >= 21
