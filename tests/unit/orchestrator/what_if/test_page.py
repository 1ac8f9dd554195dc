"""The command is a part of `hedgerow`, its example is answered as the page says, and the page names every key."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hedgerow_launch.__main__ import app
from hedgerow_orchestrator.what_if import reading

ROOT = Path(__file__).parents[4]
EXAMPLES = ROOT / "examples" / "placement"
PAGE = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8").split("\n## What if")[1].split("\n## ")[0]


@pytest.fixture(autouse=True)
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of other packages are those that pyproject.toml declares, whenever it was installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    joined = project["entry-points"]["hedgerow.commands"]
    found = [EntryPoint(name, target, "hedgerow.commands") for name, target in joined.items()]
    monkeypatch.setattr("hedgerow_launch.command_group.entry_points", lambda group: found)


def test_the_example_is_answered_as_the_page_says() -> None:
    result = CliRunner().invoke(app, ["placement", "plan", str(EXAMPLES / "camera.toml")])
    assert (result.exit_code, result.stderr) == (0, "")
    shown = re.search(r"hedgerow placement plan examples/placement/camera\.toml\n```\n\n```\n(.+?)```", PAGE, re.DOTALL)
    assert shown is not None
    lines = [line for line in shown[1].splitlines() if line != "  …"]
    assert len(lines) >= 6
    assert [line for line in lines if line not in result.stdout.splitlines()] == []
    assert {path.name for path in EXAMPLES.iterdir()} == {"camera.toml"}


def test_a_mistake_ends_the_whole_command_with_its_code(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text("nodes = 1")
    result = CliRunner().invoke(app, ["placement", "plan", str(file)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: {file}: nodes: 1 is no list of tables; write each as [[nodes]]\n"
    missing = CliRunner().invoke(app, ["placement", "plan"])
    assert (missing.exit_code, missing.stderr.startswith("error: Missing argument 'FILE'")) == (2, True)


def test_the_page_names_every_key() -> None:
    keys = {
        key
        for name in ("KEYS", "_NODE", "_LINK", "_UNMEASURED", "_VARIANT", "_STAGE_KEYS", "_FLOW")
        for key in getattr(reading, name)
    }
    assert len(keys) > 30
    assert {key for key in keys if not re.search(rf"`[^`]*\b{key}\b[^`]*`", PAGE)} == set()
    assert all(strategy in PAGE for strategy in reading.STRATEGIES)
