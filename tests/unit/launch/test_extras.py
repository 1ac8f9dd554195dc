"""The extras that the doctor and `up` know are those that the build file has."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from hedgerow_launch.checks import CORE, EXTRAS
from hedgerow_launch.commands import up
from hedgerow_launch.failures import CommandFailure

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]


def names(requirements: list[str]) -> set[str]:
    found = {re.split(r"[\[<>=~! ]", requirement)[0] for requirement in requirements}
    return found - {"hedgerow"}


def test_the_core_is_what_the_build_file_requires() -> None:
    assert names(PROJECT["dependencies"]) == set(CORE)


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_is_what_the_build_file_says(extra: str) -> None:
    assert names(PROJECT["optional-dependencies"][extra]) == set(EXTRAS[extra])


def test_up_names_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "missing_packages", lambda names: ["Flask"] if "Flask" in names else [])
    with pytest.raises(CommandFailure, match=r"has the frontend, but Flask is not installed; .*\[all\]"):
        up.read_launch_file("advice")
