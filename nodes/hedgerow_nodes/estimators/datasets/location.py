"""Which of a problem's inputs name a data set, and where it lies: in one folder only, never elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hedgerow_nodes.estimators.datasets.analysis import ENDINGS
from hedgerow_nodes.estimators.datasets.profile import DatasetUnreadable

PREFIX = "dataset:"
FOLDER = "datasets"
LONGEST_NAME = 255


@dataclass(frozen=True)
class Named:
    """The input that names a data set, its name, and whether it was called one outright (`dataset:NAME`)."""

    entry: str
    name: str
    outright: bool


def named_dataset(inputs: Sequence[str]) -> Named | None:
    """The first input that is written `dataset:NAME`, else the first that ends as a file of data does."""
    for entry in inputs:
        if entry.strip().casefold().startswith(PREFIX):
            return Named(entry, entry.strip()[len(PREFIX) :].strip(), True)
    for entry in inputs:
        name = entry.strip()
        if name.casefold().endswith(ENDINGS) and not name.startswith("."):
            return Named(entry, name, False)
    return None


def locate(named: Named, folder: Path) -> Path | None:
    """Where the data set lies; None where it is not there and was not called one outright.

    Raises:
        DatasetUnreadable: the name leads out of the folder, or nothing is there under it.
    """
    name = named.name
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise DatasetUnreadable(f"{name[:60]!r} is no name of a data set; write {PREFIX}NAME")
    root = folder.resolve()
    path = (root / name).resolve()
    if path == root or not path.is_relative_to(root):
        raise DatasetUnreadable(
            f"{name} leads out of the folder {FOLDER} of HEDGEROW_HOME; data sets are read from there only"
        )
    if path.exists():
        return path
    if not named.outright:
        return None
    raise DatasetUnreadable(f"{name} is not in the folder {FOLDER} of HEDGEROW_HOME on the node's host; put it there")
