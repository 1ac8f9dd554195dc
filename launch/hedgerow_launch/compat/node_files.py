"""Older node inventories: one JSON file a node. They become hints; workers announce themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hedgerow_nodes.core.environment import ConfigurationError


@dataclass(frozen=True, slots=True)
class NodeHint:
    """A node as a file describes it; the worker there is to have the same name."""

    number: int
    name: str
    address: str
    labels: tuple[str, ...]


def read_folder(folder: Path) -> list[NodeHint]:
    """Read every `.json` file of a folder, by number.

    Raises:
        ConfigurationError: the folder or a file cannot be read, or two have one number.
    """
    hints = sorted((_hint(path, values) for path, values in json_files(folder)), key=lambda hint: hint.number)
    numbers = [hint.number for hint in hints]
    doubled = next((number for number in numbers if numbers.count(number) > 1), None)
    if doubled is not None:
        raise ConfigurationError(f"{folder}: node_id {doubled} is in two files; give each node its own")
    return hints


def json_files(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The objects in the `.json` files of a folder, by file name; files that are empty are left out.

    Raises:
        ConfigurationError: the folder or a file cannot be read.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is no folder")
    for path in sorted(folder.glob("*.json")):
        try:
            text = path.read_text(encoding="utf-8")
            values = json.loads(text) if text.strip() else None
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{path} cannot be read: {error}") from error
        if values is None:
            continue
        if not isinstance(values, dict):
            raise ConfigurationError(f"{path} holds no object")
        yield path, values


def _hint(path: Path, values: dict[str, Any]) -> NodeHint:
    number, name, address = (values.get(key) for key in ("node_id", "node_name", "node_addr"))
    if not isinstance(number, int) or not isinstance(name, str) or not isinstance(address, str) or not name:
        raise ConfigurationError(f"{path}: node_id must be a number, node_name and node_addr texts")
    kind = values.get("node_type")
    return NodeHint(number, name, address, (f"type={kind}",) if kind else ())
