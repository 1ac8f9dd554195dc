"""The wheels of OpenMMLab as files: which of them carry an index of models, under what licence, and their records."""

from __future__ import annotations

import posixpath
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

# The later package took over the models of the earlier one.
SUPERSEDED = {"mmcls": "mmpretrain", "mmselfsup": "mmpretrain", "mmedit": "mmagic"}


def packages(folder: Path) -> dict[str, Path]:
    """The wheels of the folder that carry an index, by package name, superseded ones left out."""
    found = {}
    for wheel in sorted(folder.glob("mm*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            if not any(name.endswith(".mim/model-index.yml") for name in archive.namelist()):
                continue
            stated = licence(archive)
            if not stated.lower().startswith("apache"):
                print(f"{wheel.name}: left out, its licence is {stated!r}", file=sys.stderr)
                continue
            found[wheel.name.split("-")[0]] = wheel
    return {name: wheel for name, wheel in found.items() if SUPERSEDED.get(name) not in found}


def licence(archive: zipfile.ZipFile) -> str:
    """What the package's own metadata says; empty where it says nothing."""
    file = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    lines = archive.read(file).decode("utf-8", "replace").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("License:")), "")


def records(archive: zipfile.ZipFile) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each record of a model with the file in which it stands, in the order of the index."""
    names = set(archive.namelist())
    index = next(name for name in sorted(names) if name.endswith(".mim/model-index.yml"))
    for imported in yaml.load(archive.read(index), Loader=yaml.CSafeLoader)["Import"]:
        file = posixpath.join(posixpath.dirname(index), imported)
        if file not in names:
            continue
        content = yaml.load(archive.read(file), Loader=yaml.CSafeLoader)
        found = content.get("Models") if isinstance(content, dict) else content
        for record in found or []:
            if isinstance(record, dict) and "Name" in record:
                yield file, record


def results_of(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries of Results, whether they stand in a list or alone."""
    return [entry for entry in as_list(record.get("Results")) if isinstance(entry, dict)]


def task_words(record: dict[str, Any]) -> list[str]:
    """What the record calls its tasks, each once."""
    return list(dict.fromkeys(str(entry.get("Task")) for entry in results_of(record)))


def as_list(value: Any) -> list[Any]:
    """A list as it is, nothing as no entries, anything else as one entry."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
