"""The command `hedgerow placement plan`, called with what would stand in a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hedgerow_orchestrator.what_if.command import app

sys.path.insert(0, str(Path(__file__).parent))

Ask = Callable[..., Result]
Answers = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """The command's result for a question, which is written as JSON, or for the text of a TOML file."""

    def call(question: Any, *options: str) -> Result:
        file = tmp_path / ("asked.toml" if isinstance(question, str) else "asked.json")
        file.write_text(question if isinstance(question, str) else json.dumps(question), encoding="utf-8")
        return CliRunner().invoke(app, ["plan", str(file), *options], catch_exceptions=False)

    return call


@pytest.fixture
def answers(ask: Ask) -> Answers:
    """The answers of the command to many questions in one file; one without an answer has its reason in `error`."""

    def call(questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        result = ask({"problem": questions}, "--json")
        assert result.exit_code in (0, 1), result.stderr
        found: list[dict[str, Any]] = json.loads(result.stdout)["problems"]
        assert len(found) == len(questions)
        assert result.exit_code == (1 if any(each["error"] for each in found) else 0)
        return found

    return call
