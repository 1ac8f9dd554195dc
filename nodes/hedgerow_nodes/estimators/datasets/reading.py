"""Look into the data set that a problem's inputs name, and say what goes in instead of its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hedgerow_nodes.estimators.datasets.analysis import analyse
from hedgerow_nodes.estimators.datasets.location import FOLDER, locate, named_dataset
from hedgerow_nodes.estimators.datasets.profile import DatasetProfile, Format, Kind

_MEDIA = {"cv": "image", "nlp": "text", "audio": "audio", "tabular": "table"}


@dataclass(frozen=True)
class Looked:
    """What was found: the profile if there is a data set, the media that go in, and a remark for a person."""

    profile: DatasetProfile | None
    inputs: tuple[str, ...]
    remark: str = ""


def look(inputs: Sequence[str], folder: Path, text: str = "") -> Looked:
    """Look into the data set named, if one is.

    Args:
        inputs: what the problem says goes in.
        folder: the only place where data sets are read.
        text: the problem's text, which may name the column to be predicted.

    Raises:
        DatasetUnreadable: a data set is named that is not there, cannot be read, or is not what its name says.
    """
    named = named_dataset(inputs)
    if named is None:
        return Looked(None, tuple(inputs))
    path = locate(named, folder)
    if path is None:
        remark = f"{named.name} is not in the folder {FOLDER} of HEDGEROW_HOME, so nothing was read from it."
        return Looked(None, tuple(inputs), remark)
    profile = analyse(path, text)
    others = tuple(entry for entry in inputs if entry != named.entry)
    return Looked(profile, (*others, _medium(profile)))


def _medium(profile: DatasetProfile) -> str:
    """The medium that goes in, in the taxonomy's words."""
    if profile.format in (Format.IMAGES, Format.COCO) or any(one.kind is Kind.IMAGE for one in profile.columns):
        return "image"
    return _MEDIA.get(profile.modality, "")
