"""Reads launch files: includes, and merging file over file."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path

import msgspec

from hedgerow_launch.launch_check import WHAT_RUNS, LaunchFileError, Source, Tables, check
from hedgerow_launch.launch_schema import FrontendTable, LaunchFile, NodeTable, OrchestratorTable, SupervisorTable


def load(name: str, folder: Path | None = None) -> LaunchFile:
    """Read a launch file with all that it includes.

    Args:
        name: a packaged file's name (`advice`), or a path.
        folder: where a relative path begins; the current folder if not given.

    Raises:
        LaunchFileError: it is missing or wrong somewhere.
    """
    base = folder or Path.cwd()
    path = resolve(name, base)
    if path is None:
        raise LaunchFileError(base / name, None, f"launch file {name!r} not found; packaged: {', '.join(packaged())}")
    merged, sources = _merged(path, ())
    nodes = {node: _node(sources[node], node, table) for node, table in merged.get("nodes", {}).items()}
    return LaunchFile(
        path=path,
        orchestrator=OrchestratorTable(**merged["orchestrator"]) if "orchestrator" in merged else None,
        frontend=FrontendTable(**merged["frontend"]) if "frontend" in merged else None,
        nodes=nodes,
        supervisor=SupervisorTable(**merged.get("supervisor", {})),
    )


def packaged() -> list[str]:
    """Names of the launch files that come with the package."""
    return sorted(path.stem for path in _packaged_folder().glob("*.toml"))


def resolve(name: str, folder: Path) -> Path | None:
    """The file that a name or a path means, None if there is none."""
    if name in packaged():
        return _packaged_folder() / f"{name}.toml"
    path = (folder / name).resolve()
    return path if path.is_file() else None


def _packaged_folder() -> Path:
    return Path(str(files("hedgerow_launch"))) / "files"


def _merged(path: Path, including: tuple[Path, ...]) -> tuple[Tables, dict[str, Source]]:
    """All tables of a file and its includes, and for each node the last file that speaks of it."""
    source, tables = _parse(path)
    check(source, tables)
    merged: Tables = {}
    sources: dict[str, Source] = {}
    for name in tables.pop("include", []):
        included = resolve(name, path.parent)
        if included is None:
            known = ", ".join(packaged())
            raise source.error(["include"], f"include {name!r}: no such file beside this one; packaged: {known}")
        if included in (*including, path):
            chain = " → ".join(str(step) for step in (*including, path, included))
            raise source.error(["include"], f"include {name!r} goes in a circle: {chain}")
        below, below_sources = _merged(included, (*including, path))
        _overlay(merged, below)
        sources.update(below_sources)
    _overlay(merged, _with_absolute_paths(source, tables))
    sources.update(dict.fromkeys(tables.get("nodes", {}), source))
    return merged, sources


def _parse(path: Path) -> tuple[Source, Tables]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LaunchFileError(path, None, f"cannot be read: {error}") from error
    try:
        return Source(path, text), tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else len(text.splitlines())
        raise LaunchFileError(path, line, f"no valid TOML: {error}") from error


def _with_absolute_paths(source: Source, tables: Tables) -> Tables:
    folder = source.path.parent
    pipeline = tables.get("orchestrator", {}).get("pipeline", "")
    if pipeline.endswith(".toml") or "/" in pipeline:
        tables["orchestrator"]["pipeline"] = str(_existing(source, ("orchestrator", "pipeline"), folder / pipeline))
    for name, table in tables.get("nodes", {}).items():
        for key in ("script", "working_directory"):
            if key in table:
                table[key] = str(_existing(source, ("nodes", name, key), folder / table[key]))
    return tables


def _existing(source: Source, key: tuple[str, ...], path: Path) -> Path:
    absolute = path.resolve()
    if not absolute.exists():
        raise source.error(key, f"[{'.'.join(key[:-1])}] {key[-1]}: {absolute} does not exist")
    return absolute


def _overlay(below: Tables, above: Tables) -> None:
    """Lay one file's tables over another's: nodes join by name, keys win one by one, and only one thing runs."""
    for section, table in above.items():
        if section == "nodes":
            nodes = below.setdefault("nodes", {})
            for name, entry in table.items():
                kept = nodes.get(name, {})
                if any(key in entry for key in WHAT_RUNS):
                    kept = {key: value for key, value in kept.items() if key not in WHAT_RUNS}
                nodes[name] = {**kept, **entry}
        else:
            below[section] = {**below.get(section, {}), **table}


def _node(source: Source, name: str, table: Tables) -> NodeTable:
    node = msgspec.convert(table, NodeTable)
    if not (node.module or node.script or node.command):
        raise source.error(["nodes", name], f"[nodes.{name}]: give one of {', '.join(WHAT_RUNS)}")
    return node
