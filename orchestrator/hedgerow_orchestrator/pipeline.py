"""Pipelines: the stages of a task, what each needs first, and how often and how long it is tried. Data, not code."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

SOURCES = ("user_input", "baselines")
"""What the orchestrator itself provides to every task."""


class PipelineError(Exception):
    """A pipeline file that cannot be used; the message names file, key and what is allowed."""


class _Tries(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    attempts: int = 3
    losses: int = 10
    timeout_s: float = 60.0
    stall_timeout_s: float = 60.0
    backoff_s: float = 0.2
    node_wait_s: float = 60.0


class StageSpec(_Tries, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One stage: `inputs` are `user_input`, `baselines`, or names of other stages; `kind` is its nodes' kind."""

    name: str
    inputs: tuple[str, ...]
    kind: str = ""


@dataclass(frozen=True)
class Pipeline:
    """Stages in an order in which each comes after what it needs.

    `loop_stage` is the one whose output decides whether a further iteration is opened; see `hedgerow_idl.loop`.
    """

    name: str
    stages: dict[str, StageSpec]
    loop_stage: str = ""

    @cached_property
    def followers(self) -> dict[str, tuple[str, ...]]:
        """Which stages read the output of each, in order."""
        reads = {name: set(spec.inputs) for name, spec in self.stages.items()}
        return {name: tuple(other for other, inputs in reads.items() if name in inputs) for name in self.stages}


def load(name_or_path: str, base: Path | None = None) -> Pipeline:
    """Load a packaged pipeline by name, or a file by path (relative to `base`).

    A file may begin with `extends = "advice"` and then adds to, or changes, the stages of that pipeline. `[loop] stage
    = ""` takes its loop away. With `serves_only = true` it has no stages: such a system takes no problems.

    Raises:
        PipelineError: no such pipeline, or the file is wrong.
    """
    merged = _read_merged(name_or_path, base or Path.cwd(), ())
    origin = merged.pop("__origin__")
    name = merged.pop("name", None)
    if not isinstance(name, str) or not name:
        raise PipelineError(f"{origin}: key 'name' is missing; give the pipeline a name")
    defaults = merged.pop("defaults", {})
    tables = merged.pop("stages", None)
    loop = merged.pop("loop", {})
    serves_only = merged.pop("serves_only", False)
    if merged:
        known = "defaults, extends, loop, name, serves_only, stages"
        raise PipelineError(f"{origin}: key {min(merged)!r} unknown; known: {known}")
    if serves_only is True and not tables:
        return Pipeline(name, {}, "")
    if not isinstance(tables, dict) or not tables:
        raise PipelineError(f"{origin}: table 'stages' is missing or empty; add [stages.NAME] with inputs = [...]")
    stages = {stage: _stage(origin, stage, table, defaults) for stage, table in tables.items()}
    return Pipeline(name, _ordered(origin, stages), _loop_stage(origin, loop, stages))


def packaged() -> list[str]:
    """The names of the pipelines that come with the package."""
    files = resources.files("hedgerow_orchestrator.pipelines").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def _read_merged(name_or_path: str, base: Path, seen: tuple[str, ...]) -> dict[str, Any]:
    text, origin, folder = _text_of(name_or_path, base)
    if origin in seen:
        raise PipelineError(f"{origin}: 'extends' goes in a circle: {' -> '.join((*seen, origin))}")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PipelineError(f"{origin}: {error}") from error
    below: dict[str, Any] = {}
    if "extends" in table:
        below = _read_merged(str(table.pop("extends")), folder, (*seen, origin))
    stages = below.get("stages", {}) | table.get("stages", {})
    return below | table | {"stages": stages, "__origin__": origin}


def _text_of(name_or_path: str, base: Path) -> tuple[str, str, Path]:
    if re.fullmatch(r"[a-z0-9_]+", name_or_path):
        if name_or_path not in packaged():
            known = ", ".join(packaged())
            raise PipelineError(f"pipeline {name_or_path!r} unknown; known: {known}, or the path of a .toml file")
        file = resources.files("hedgerow_orchestrator.pipelines") / f"{name_or_path}.toml"
        return file.read_text(encoding="utf-8"), f"pipeline {name_or_path}", base
    path = (base / name_or_path).resolve()
    try:
        return path.read_text(encoding="utf-8"), str(path), path.parent
    except OSError as error:
        raise PipelineError(f"pipeline file {path} cannot be read: {error.strerror}") from error


def _stage(origin: str, name: str, table: Any, defaults: Any) -> StageSpec:
    if name in SOURCES or not name.isidentifier():
        raise PipelineError(f"{origin}: stage name {name!r} refused; use an identifier other than {', '.join(SOURCES)}")
    try:
        tries = msgspec.convert(defaults, _Tries)
        spec = msgspec.convert(msgspec.to_builtins(tries) | {"kind": name, "name": name} | dict(table), StageSpec)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        known = ", ".join(field.name for field in msgspec.structs.fields(StageSpec))
        raise PipelineError(f"{origin}: stages.{name}: {error}; known keys: {known}") from error
    if not spec.inputs:
        raise PipelineError(f"{origin}: stages.{name}: inputs is empty; name user_input or another stage")
    for key, least in (("attempts", 1), ("losses", 0), ("timeout_s", 0.001), ("stall_timeout_s", 0.001)):
        if getattr(spec, key) < least:
            raise PipelineError(f"{origin}: stages.{name}: {key} = {getattr(spec, key)} is below {least}")
    return spec


def _loop_stage(origin: str, loop: Any, stages: dict[str, StageSpec]) -> str:
    if not isinstance(loop, dict) or loop.keys() - {"stage"}:
        raise PipelineError(f"{origin}: loop = {loop!r}: give the table [loop] the one key 'stage'")
    stage = loop.get("stage", "")
    if stage != "" and stage not in stages:
        raise PipelineError(f"{origin}: loop.stage {stage!r} unknown; known: {', '.join(stages)}")
    return str(stage)


def _ordered(origin: str, stages: dict[str, StageSpec]) -> dict[str, StageSpec]:
    known = (*SOURCES, *stages)
    for spec in stages.values():
        for source in spec.inputs:
            if source not in known:
                raise PipelineError(
                    f"{origin}: stages.{spec.name}: input {source!r} unknown; known: {', '.join(known)}"
                )
    graph = {name: [source for source in spec.inputs if source in stages] for name, spec in stages.items()}
    try:
        # The sorter keeps the file's order where the inputs leave it open.
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise PipelineError(f"{origin}: the stages' inputs go in a circle: {' -> '.join(error.args[1])}") from error
    return {name: stages[name] for name in order}
