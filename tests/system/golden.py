"""Compares an answered problem with the golden outcome beside its example: structure and ranges, not noise."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

KEYS = frozenset(
    "state task decided_by models runtime precision variants devices device_classes bound bounds location sample "
    "memory_source verdicts dataset ranges".split()
)


def read_golden(file: Path) -> dict[str, Any]:
    """A golden outcome; a key that is compared with nothing is a mistake in the file."""
    golden = tomllib.loads(file.read_text(encoding="utf-8"))
    assert golden.keys() <= KEYS, f"{file}: {golden.keys() - KEYS} is compared with nothing"
    assert golden["ranges"], f"{file} has no ranges"
    return golden


def differences(golden: Mapping[str, Any], task: Mapping[str, Any]) -> list[str]:
    """Where a task object departs from its golden outcome; the rest is not looked at."""
    if task["state"] != golden["state"]:
        return [f"state {task['state']}, not {golden['state']}: {_errors(task)}"]
    outputs = {name: stage["output"] for name, stage in task["stages"].items()}
    return [*_words(golden, outputs), *_verdicts(golden, task), *_dataset(golden, outputs), *_ranges(golden, outputs)]


def _words(golden: Mapping[str, Any], outputs: Mapping[str, Any]) -> Iterator[str]:
    metadata, model, device = (outputs[name] for name in ("ml_model_metadata", "ml_model_provider", "hw_resources"))
    said = {
        "task": metadata["tasks"][0]["id"],
        "decided_by": metadata["decided_by"],
        "precision": model["precision"],
        "variants": [one["id"] for one in model["variants"]],
        "bound": device["bound"],
        "location": outputs["carbon_footprint"]["location"],
    }
    for name, value in said.items():
        if name in golden and golden[name] != value:
            yield f"{name} {value!r}, not {golden[name]!r}"
    among = {
        "models": model["chosen"],
        "devices": device["chosen"],
        "device_classes": device["device_class"],
        "bounds": device["bound"],
    }
    for name, value in among.items():
        if name in golden and value not in golden[name]:
            yield f"{name}: {value!r} is none of {golden[name]}"
    if not model["runtime"].startswith(golden["runtime"]):
        yield f"runtime {model['runtime']!r}, not {golden['runtime']!r}"
    for piece in golden["sample"]:
        if piece not in model["sample_result"]:
            yield f"the sample result does not say {piece!r}: {model['sample_result']!r}"
    if golden.get("memory_source", "") not in device["memory_required_bytes"]["source"]:
        yield f"memory is {device['memory_required_bytes']['source']!r}, without {golden['memory_source']!r}"


def _verdicts(golden: Mapping[str, Any], task: Mapping[str, Any]) -> Iterator[str]:
    found = {one["limit"]["name"]: one["verdict"] for one in task["verdicts"]}
    if found != golden["verdicts"]:
        yield f"verdicts {found}, not {golden['verdicts']}"
    for one in task["verdicts"]:
        if one["verdict"] not in one["said"]:
            yield f"the verdict {one['verdict']} is not in its sentence: {one['said']}"


def _dataset(golden: Mapping[str, Any], outputs: Mapping[str, Any]) -> Iterator[str]:
    facts = outputs["ml_model_metadata"]["dataset"]
    if bool(facts) != ("dataset" in golden):
        yield f"{len(facts)} data sets were looked into"
    for one in facts:
        found = {**{key: one[key] for key in ("rows", "columns_total", "target")}, "classes": len(one["class_balance"])}
        if found != golden["dataset"]:
            yield f"data set {found}, not {golden['dataset']}"


def _ranges(golden: Mapping[str, Any], outputs: Mapping[str, Any]) -> Iterator[str]:
    for path, (lowest, highest) in golden["ranges"].items():
        stage, _, field = path.partition(".")
        value = outputs[stage][field]["value"]
        if value is None or not lowest <= value <= highest:
            yield f"{path} is {value}, not within {lowest} and {highest}"


def _errors(task: Mapping[str, Any]) -> list[str]:
    return [str(stage["error"]) for stage in task["stages"].values() if stage.get("error")]
