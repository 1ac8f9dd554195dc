"""The trained weights that ship: origin, licence and digest of each file, which is checked before it is loaded."""

from __future__ import annotations

import functools
import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec


class WeightsError(Exception):
    """A weights file that is missing, changed or not in the manifest."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The package that the weights were taken from, or `own work` and how it was made."""

    package: str
    version: str = ""
    registry: str = ""
    file: str = ""
    licence: str = ""


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """Who trained the model, under which licence, and where that licence stands."""

    name: str
    licence: str
    copyright: str
    evidence: str
    data: str = ""


class Preparation(msgspec.Struct, frozen=True, kw_only=True):
    """How a sample becomes the model's input: (value - mean) / std per channel, in `order`, channels first.

    `resize` is `pad` (keep the ratio, pad below and right), `crop` (keep the ratio, cut the middle), `none` for a
    vector, or `tokens` for a text, which is cut into word pieces and padded to `size`.
    """

    resize: Literal["pad", "crop", "none", "tokens"]
    size: tuple[int, ...]
    order: Literal["rgb", "bgr", ""] = ""
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One input that ships, to show what the model finds in it."""

    file: str
    shows: str
    licence: str


class VariantFile(msgspec.Struct, frozen=True, kw_only=True):
    """The same model at another precision, as a graph that takes from `shares` the weights that these files hold.

    `method` says how it was made, `weights_bytes` how much its numbers take, wherever they lie.
    """

    file: str
    sha256: str
    bytes: int
    precision: Literal["float16", "int8"]
    method: Literal["cast", "static", "dynamic"]
    weights_bytes: int
    shares: tuple[str, ...] = ()
    calibration: str = ""

    @property
    def name(self) -> str:
        """How the variant is called: its precision, and how it was made where there are several ways."""
        return self.precision if self.method == "cast" else f"{self.precision} {self.method}"


class BundledFile(msgspec.Struct, frozen=True, kw_only=True):
    """One ONNX file; `decoder` says how its outputs are read, `difference` what storing it cost in exactness.

    `companion` is the file that works before it, as the finder of lines does for the reader of one line.
    """

    file: str
    sha256: str
    bytes: int
    stored_as: str
    conversion: str
    difference: str
    origin: Origin
    upstream: Upstream
    decoder: Literal[
        "distribution boxes", "classes", "anchored faces", "sentence vector", "text pixels", "letters of lines"
    ]
    labels: str
    preparation: Preparation
    sample: Sample
    measured_accuracy: dict[str, float | str] = {}
    companion: str = ""
    variants: tuple[VariantFile, ...] = ()


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Every file that ships."""

    format: int
    files: tuple[BundledFile, ...]


def folder() -> Path:
    """Where the weights lie."""
    return Path(str(files("hedgerow_nodes.estimators").joinpath("weights")))


@functools.cache
def manifest() -> Manifest:
    """The manifest of the shipped weights.

    Raises:
        WeightsError: it is missing or malformed.
    """
    path = folder() / "manifest.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise WeightsError(f"the weights manifest cannot be read: {error}") from error


def entry(file: str) -> BundledFile:
    """What the manifest says about a file.

    Raises:
        WeightsError: it says nothing.
    """
    known = manifest().files
    for item in known:
        if item.file == file:
            return item
    raise WeightsError(f"weights {file!r} unknown; known: {', '.join(item.file for item in known)}")


def checked_path(file: str) -> Path:
    """The path of a shipped file whose content is what the manifest says.

    Raises:
        WeightsError: missing, or its digest differs.
    """
    return _checked(file, entry(file).sha256)


def checked_variant_path(variant: VariantFile) -> Path:
    """The path of a variant, after it and all files that it takes weights from were checked.

    Raises:
        WeightsError: one is missing, or its digest differs.
    """
    digests = {item.file: item.sha256 for item in manifest().files}
    digests |= {other.file: other.sha256 for item in manifest().files for other in item.variants}
    for file in variant.shares:
        _checked(file, digests[file])
    return _checked(variant.file, variant.sha256)


def variant_for(item: BundledFile, precision: str) -> str:
    """The name of the variant that stands for a precision, empty for the model as it ships.

    Of two int8 variants it is the static one, the ranges of which are fixed. A precision without a variant gives the
    model as it ships; `precisions` says which there are.
    """
    names = [one.name for one in item.variants if one.precision == precision]
    return max(names, default="")


def precisions(item: BundledFile) -> tuple[str, ...]:
    """The precisions in which a shipped model can be run."""
    return "float32", *sorted({one.precision for one in item.variants})


def _checked(file: str, expected: str) -> Path:
    path = folder() / file
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise WeightsError(f"weights {file!r} cannot be read: {error}; install the package again") from error
    if digest != expected:
        raise WeightsError(f"weights {file!r} have SHA-256 {digest}, not {expected}; install the package again")
    return path


def labels(file: str) -> tuple[str, ...]:
    """The class names in a label file of the weights folder, one a line."""
    return tuple((folder() / file).read_text(encoding="utf-8").splitlines())
