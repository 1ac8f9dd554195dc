"""The commands of docs/serving.md and docs/telemetry.md are such that there are."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[3] / "docs"
LINES = [
    line.strip()
    for page in ("serving.md", "telemetry.md")
    for line in (DOCS / page).read_text(encoding="utf-8").splitlines()
    if line.strip().startswith("hedgerow ")
]


@pytest.mark.parametrize("line", LINES)
def test_a_command_is_understood(hedgerow: Callable[..., Any], line: str) -> None:
    result = hedgerow(*shlex.split(line)[1:], "--help")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "--json" in result.stdout


def test_the_pages_have_commands() -> None:
    assert len(LINES) >= 21
