"""Where a model comes from: shipped weights, an architecture with random ones, a local folder, or the hub."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from hedgerow_nodes.estimators.hub.desk import HubDesk, open_hub
from hedgerow_nodes.estimators.hub.interface import HubError
from hedgerow_nodes.estimators.hub.names import parse
from hedgerow_nodes.estimators.models.bundled_weights import WeightsError, checked_path
from hedgerow_nodes.estimators.models.catalogue import CatalogueModel

HUB_TIMEOUT_S = 120.0
_PICKLED = (".bin", ".pt", ".pth", ".pkl", ".ckpt")


class SourceRefused(Exception):
    """A model that is not taken from where it was asked for; the message says why and the way out."""


@dataclass(frozen=True)
class Located:
    """A model at hand: what to load, and the word that the answer uses for its weights."""

    kind: Literal["onnx", "folder", "architecture"]
    weights: str
    path: str = ""
    bundled: str = ""


class ModelSource(Protocol):
    """A place that a model comes from."""

    def locate(self) -> Located:
        """Make the model available on this host.

        Raises:
            SourceRefused: it cannot or must not be.
        """


@dataclass(frozen=True)
class Shipped:
    """Weights of the manifest; the digest is checked now and again by the process that loads them."""

    file: str

    def locate(self) -> Located:
        """The checked file."""
        try:
            path = checked_path(self.file)
        except WeightsError as error:
            raise SourceRefused(str(error)) from error
        return Located(kind="onnx", weights="bundled", path=str(path), bundled=self.file)


@dataclass(frozen=True)
class RandomWeights:
    """An architecture of the catalogue: good for timing, useless for answers."""

    def locate(self) -> Located:
        """Nothing to find."""
        return Located(kind="architecture", weights="random, timing only")


@dataclass(frozen=True)
class LocalPath:
    """An ONNX file, or a transformers folder with safetensors, inside one of the allowed folders."""

    path: Path
    allowed: tuple[Path, ...]

    def locate(self) -> Located:
        """The file or folder, links followed, after all checks."""
        path = self.path.expanduser().resolve()
        allowed = tuple(folder.expanduser().resolve() for folder in self.allowed)
        if not any(path.is_relative_to(folder) for folder in allowed):
            known = ", ".join(str(folder) for folder in allowed) or "none"
            raise SourceRefused(
                f"{path} lies in no allowed folder; allowed: {known}; set allowed_folders of ml_model_provider"
            )
        if path.is_dir():
            check_folder(path)
            return Located(kind="folder", weights="local", path=str(path))
        if path.suffix in _PICKLED:
            raise SourceRefused(f"{path.name} is a pickle, which runs code when loaded; convert it to safetensors")
        if path.suffix != ".onnx" or not path.is_file():
            raise SourceRefused(f"{path} is neither an .onnx file nor a folder with config.json and safetensors")
        return Located(kind="onnx", weights="local", path=str(path))


@dataclass(frozen=True)
class Hub:
    """A repository of the hub, fetched without code or pickles into the cache under Hedgerow's home."""

    repository: str
    home: Path
    endpoint: str = ""

    def locate(self) -> Located:
        """The folder of the fetched files."""
        try:
            desk = HubDesk(open_hub(self.home, self.endpoint), HUB_TIMEOUT_S, sys.maxsize, lambda: False)
            folder = desk.folder(parse(self.repository), lambda share: None)
        except HubError as error:
            raise SourceRefused(
                f"{self.repository} cannot be fetched from the hub: {error}; connect, or take a model that ships"
            ) from error
        check_folder(folder)
        return Located(kind="folder", weights="hub", path=str(folder))


def source_of(model: CatalogueModel, hub_home: Path | None, hub_endpoint: str = "") -> ModelSource:
    """Where a model of the catalogue comes from; from the hub only where there is a home for its cache."""
    if model.weights.kind == "bundled":
        return Shipped(model.weights.file)
    return RandomWeights() if hub_home is None else Hub(model.id, hub_home, hub_endpoint)


def outside_source(name: str, *, allowed_folders: tuple[Path, ...], known: tuple[str, ...]) -> ModelSource:
    """Where a required model that neither the catalogue nor the hub has comes from: a path.

    Raises:
        SourceRefused: the name is none.
    """
    path = Path(name)
    if path.is_absolute() or name.startswith("~") or path.suffix == ".onnx":
        return LocalPath(path, allowed_folders)
    raise SourceRefused(
        f"model {name!r} unknown; for this task the catalogue has {', '.join(known) or 'none'}; "
        "or give an absolute path, or hf:OWNER/NAME of the hub"
    )


def check_folder(folder: Path) -> None:
    """Look through a transformers folder before anything is loaded from it.

    Raises:
        SourceRefused: no configuration, code of its own, or weights that are not safetensors.
    """
    try:
        configuration = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceRefused(f"{folder} has no config.json that can be read: {error}") from error
    if not isinstance(configuration, dict) or "auto_map" in configuration:
        raise SourceRefused(f"{folder} brings code of its own (auto_map in config.json), which is never run")
    if not list(folder.glob("*.safetensors")):
        pickled = sorted(path.name for path in folder.iterdir() if path.suffix in _PICKLED)
        found = f"only {', '.join(pickled)}, which run code when they are loaded" if pickled else "none"
        raise SourceRefused(f"{folder} needs *.safetensors, found {found}; convert the weights to safetensors")
