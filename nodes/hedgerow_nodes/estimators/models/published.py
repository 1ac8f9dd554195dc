"""Models as others published them: parameters, FLOPs and quality, each with the package, file and field it is from."""

from __future__ import annotations

import functools
import gzip
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Literal

import msgspec

FILE = "data/published_models.jsonl.gz"
FORMAT = 1


class PublishedError(Exception):
    """The file of published models cannot be used; the message says where."""


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One number: `field` is where in the record it stood, with the factor it was multiplied by, or how it was counted.

    `counted` says that it is no quotation but was computed from the architecture.
    """

    value: float
    field: str
    counted: bool = False


class Score(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One published quality; `better` is empty where the order of the metric is unknown, so that nobody ranks by it."""

    metric: str
    dataset: str
    value: float
    better: Literal["higher", "lower", ""] = ""
    field: str = ""

    @property
    def group(self) -> tuple[str, str]:
        """Metric and data set: only figures of one group are compared."""
        return self.metric, self.dataset


class Timing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A time that was published beside the model: seconds of one image on that hardware."""

    seconds: float
    hardware: str = ""
    precision: str = ""
    resolution: str = ""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """A package from which records were read; `licence` is that of its metadata, `name` its file."""

    package: str
    version: str
    licence: str
    name: str


class PublishedModel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One model for one task; FLOPs count a multiply-add as two. What no source states is None or empty.

    `special` names a form of the task that is not the plain one, `kind` the sort of network, `inference` what one
    inference is, `weights` where trained weights are published, `licence` that of the weights where it is stated.
    """

    id: str
    family: str
    task: str
    special: str = ""
    kind: str = ""
    origin: int = 0
    file: str = ""
    config: str = ""
    parameters: Figure | None = None
    flops: Figure | None = None
    file_bytes: Figure | None = None
    scores: tuple[Score, ...] = ()
    timings: tuple[Timing, ...] = ()
    inference: str = ""
    precision: str = "float32"
    weights: str = ""
    licence: str = ""

    def score(self, group: tuple[str, str]) -> Score | None:
        """The first figure of a group of metric and data set."""
        return next((score for score in self.scores if score.group == group), None)


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of the file."""

    format: int
    conventions: dict[str, str]
    origins: tuple[Origin, ...]


class PublishedCatalogue:
    """All published models, found by task, by name and by words."""

    def __init__(self, header: Header, models: tuple[PublishedModel, ...]) -> None:
        self.header = header
        self.models = models
        self._by_task: dict[str, list[PublishedModel]] = {}
        self._by_id: dict[str, list[PublishedModel]] = {}
        for model in models:
            self._by_task.setdefault(model.task, []).append(model)
            self._by_id.setdefault(model.id, []).append(model)

    def tasks(self) -> Mapping[str, int]:
        """The number of models for each task, by task."""
        return {task: len(self._by_task[task]) for task in sorted(self._by_task)}

    def for_task(self, task: str) -> tuple[PublishedModel, ...]:
        """The models that do a task, by id."""
        return tuple(self._by_task.get(task, ()))

    def named(self, name: str) -> tuple[PublishedModel, ...]:
        """The entries of an id, `package/name`, or of a bare name; one for each task that the model does."""
        found = self._by_id.get(name)
        if found is None and "/" not in name:
            found = [model for model in self.models if model.id.partition("/")[2] == name]
        return tuple(found or ())

    def search(self, words: str, limit: int = 20) -> tuple[PublishedModel, ...]:
        """Entries whose id, family, task or form holds every word, shortest id first."""
        wanted = re.findall(r"[a-z0-9.]+", words.lower())
        hits = [model for model in self.models if wanted and all(word in _text(model) for word in wanted)]
        return tuple(sorted(hits, key=lambda model: (len(model.id), model.id, model.task))[:limit])

    def source(self, model: PublishedModel, field: str = "") -> str:
        """Package, version, file and field of a figure, in words."""
        origin = self.header.origins[model.origin]
        where = f"{origin.package} {origin.version}, {model.file}"
        return f"{where}, {field}" if field else where


def _text(model: PublishedModel) -> str:
    return f"{model.id} {model.family} {model.task} {model.special}".lower()


def decode(data: bytes) -> PublishedCatalogue:
    """Read a catalogue from gzipped JSON lines.

    Raises:
        PublishedError: it is not gzip, malformed, or of another format.
    """
    try:
        first, _, rest = gzip.decompress(data).partition(b"\n")
        header = msgspec.json.decode(first, type=Header)
        models = msgspec.json.Decoder(PublishedModel).decode_lines(rest)
    except (OSError, EOFError, msgspec.MsgspecError) as error:
        raise PublishedError(f"{FILE} is malformed: {error}; build it again with tools/build_published.py") from error
    if header.format != FORMAT:
        raise PublishedError(f"{FILE} has format {header.format}; known: {FORMAT}")
    if any(model.origin >= len(header.origins) for model in models):
        raise PublishedError(f"{FILE} names an origin that its first line does not have")
    return PublishedCatalogue(header, tuple(models))


def encode(header: Header, models: tuple[PublishedModel, ...]) -> bytes:
    """The same bytes for the same models: the time in the gzip header is left out."""
    encoder = msgspec.json.Encoder()
    lines = [encoder.encode(header), *(encoder.encode(model) for model in models)]
    return gzip.compress(b"\n".join(lines) + b"\n", compresslevel=9, mtime=0)


def packaged() -> bytes:
    """The file as it ships."""
    return files("hedgerow_nodes.estimators").joinpath(FILE).read_bytes()


@functools.cache
def load() -> PublishedCatalogue:
    """The catalogue that ships with the package, read when it is first asked for."""
    return decode(packaged())
