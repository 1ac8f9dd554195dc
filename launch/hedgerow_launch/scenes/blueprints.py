"""The blueprints that ship, with their `${…}` filled in."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any


def shipped(name: str, values: Mapping[str, str]) -> dict[str, Any]:
    """A blueprint of `files/blueprints`.

    Raises:
        KeyError: it has a `${…}` without a value.
    """
    path = Path(str(files("hedgerow_launch"))) / "files" / "blueprints" / f"{name}.toml"
    filled: dict[str, Any] = _filled(tomllib.loads(path.read_text(encoding="utf-8")), values)
    return filled


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    match value:
        case str():
            return Template(value).substitute(values)
        case dict():
            return {key: _filled(one, values) for key, one in value.items()}
        case list():
            return [_filled(one, values) for one in value]
    return value
