"""Checks the tables of one launch file, and says where a fault stands."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hedgerow_launch.launch_lines import line_of
from hedgerow_launch.launch_schema import FrontendTable, NodeTable, OrchestratorTable, Restart, SupervisorTable

Tables = dict[str, Any]

SECTIONS: dict[str, type[Any]] = {
    "orchestrator": OrchestratorTable,
    "frontend": FrontendTable,
    "supervisor": SupervisorTable,
}
TOP_LEVEL = ("include", "orchestrator", "frontend", "nodes", "supervisor")
WHAT_RUNS = ("module", "script", "command")
RESERVED_NAMES = ("orchestrator", "frontend", "system")
_NODE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class LaunchFileError(Exception):
    """A launch file that cannot be used; the message begins with file and line and names the key."""

    def __init__(self, path: Path, line: int | None, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}" if line else f"{path}: {message}")
        self.path = path
        self.line = line


@dataclass(frozen=True)
class Source:
    """One file's text, to point into."""

    path: Path
    text: str

    def error(self, key: Sequence[str], message: str) -> LaunchFileError:
        return LaunchFileError(self.path, line_of(self.text, key), message)


def check(source: Source, tables: Tables) -> None:
    """Check what a file says, before anything is merged.

    Raises:
        LaunchFileError: an unknown key, a value of the wrong type, two things to run.
    """
    _known_keys(source, (), tables, TOP_LEVEL)
    _fits(source, ("include",), {"include": tables.get("include", [])}, _Includes)
    for section, schema in SECTIONS.items():
        if section in tables:
            _table(source, (section,), tables[section], schema)
    nodes = tables.get("nodes", {})
    if not isinstance(nodes, dict):
        raise source.error(["nodes"], f"nodes = {nodes!r}: write one table [nodes.NAME] for each node")
    for name, table in nodes.items():
        if not _NODE_NAME.fullmatch(name) or name in RESERVED_NAMES:
            raise source.error(
                ["nodes", name],
                f"[nodes.{name}]: {name!r} cannot be a node's name; use letters, digits, '_', '-' and '.', "
                f"and none of {', '.join(RESERVED_NAMES)}",
            )
        _table(source, ("nodes", name), table, NodeTable)
        given = [key for key in WHAT_RUNS if key in table]
        if len(given) > 1:
            raise source.error(["nodes", name, given[1]], f"[nodes.{name}]: {' and '.join(given)}; give only one")


@dataclass(frozen=True)
class _Includes:
    include: list[str]


def _table(source: Source, where: tuple[str, ...], table: object, schema: type[Any]) -> None:
    if not isinstance(table, dict):
        raise source.error(where, f"{'.'.join(where)} = {table!r}: write a table [{'.'.join(where)}]")
    _known_keys(source, where, table, [known.name for known in dataclasses.fields(schema)])
    _fits(source, where, table, schema)


def _known_keys(source: Source, where: tuple[str, ...], table: Tables, known: Sequence[str]) -> None:
    for key in table:
        if key not in known:
            place = f"[{'.'.join(where)}] " if where else ""
            raise source.error([*where, key], f"{place}{key}: unknown key; known: {', '.join(known)}")


def _fits(source: Source, where: tuple[str, ...], table: Tables, schema: type[Any]) -> None:
    try:
        msgspec.convert(table, schema)
    except msgspec.ValidationError as error:
        found = re.search(r"`\$\.?([A-Za-z0-9_]+)", str(error))
        key = found[1] if found else ""
        reason = str(error).split(" - at ")[0]
        if key == "restart":
            reason = f"{reason}; known: {', '.join(Restart)}"
        place = f"[{'.'.join(where)}] " if where != (key,) else ""
        raise source.error([*where, key], f"{place}{key} = {table.get(key)!r}: {reason}") from error
