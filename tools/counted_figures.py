"""Put what tools/count_openmmlab.py counted beside what a package publishes; nothing that is published is replaced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from hedgerow_nodes.estimators.models.published import Figure, PublishedModel


def of_package(folder: Path, package: str) -> dict[str, dict[str, Any]]:
    """The counts of a package by the path of their configuration; empty where none were made."""
    file = folder / f"counts-{package}.jsonl"
    if not file.exists():
        return {}
    lines = file.read_text(encoding="utf-8").splitlines()
    return {found["config"]: found for found in map(json.loads, lines)}


def completed(models: list[PublishedModel], counts: dict[str, dict[str, Any]]) -> list[PublishedModel]:
    """The models with the counts of their configurations where parameters or FLOPs are not published."""
    return [with_count(model, counts[model.config]) if model.config in counts else model for model in models]


def with_count(model: PublishedModel, count: dict[str, Any]) -> PublishedModel:
    """One model; its inference is what was counted, where FLOPs were."""
    said = f"counted from {model.config} with torch {count['torch'].partition('+')[0]}, tools/count_openmmlab.py"
    changes: dict[str, Any] = {}
    if model.parameters is None:
        changes["parameters"] = Figure(value=float(count["parameters"]), field=said, counted=True)
    if model.flops is None:
        changes["flops"] = Figure(value=float(count["flops"]), field=f"{said}, 2 x MAC", counted=True)
        changes["inference"] = count["inference"]
    return msgspec.structs.replace(model, **changes)
