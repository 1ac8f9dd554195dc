"""The catalogue of models: what each one is, what it costs and whether its weights ship; read from data/models.json."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Literal

import msgspec

Precision = Literal["float32", "float16", "bfloat16", "int8"]
RUNTIME_BYTES = 350e6
"""What a run was seen to take at most besides what is counted: code of the run time, arenas (docs/validation.md)."""

BYTES_PER_PARAMETER: Mapping[str, int] = {"float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}


class CatalogueError(Exception):
    """The catalogue file cannot be used; the message says where."""


class TensorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One input tensor; a timing run fills it with normal noise, tokens below `high`, ones or zeros."""

    shape: tuple[int, ...]
    dtype: Literal["float32", "int64", "bool"] = "float32"
    fill: Literal["normal", "tokens", "ones", "zeros"] = "normal"
    high: int = 1000


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """A generative inference: the prompt (or the encoder's input) once, then `new_tokens` greedily with KV cache."""

    prompt_tokens: int
    new_tokens: int


class Architecture(msgspec.Struct, frozen=True, kw_only=True):
    """A transformers model: configuration class, model class, the published values, and where they were published."""

    configuration: str
    model: str
    values: dict[str, Any] = {}
    published: str = ""


class Accuracy(msgspec.Struct, frozen=True, kw_only=True):
    """A published figure: fractions of one, except where `metric` names another unit."""

    metric: str
    value: float
    source: str


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """Where trained weights are: `bundled` names a file of the weights manifest, `hub` that they are fetched when they
    are run, `none` means architecture only.

    `licence` is that of the weights where they were published, `data` what bundled ones were trained on.
    """

    kind: Literal["bundled", "hub", "none"] = "none"
    file: str = ""
    licence: str = ""
    data: str = ""


class CatalogueModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model. FLOPs count a multiply-add as two; bytes are of one inference at batch size one.

    `activation_bytes` is the peak of live tensors besides parameters and inputs, `moved_bytes` what all operators read
    and write, parameters included: the memory side of a roofline.
    `published_only` says that the architecture is not at hand: it cannot be run here, and its bytes are estimates.
    `special` names the form of the task that it does and no other, such as `faces` of object detection.
    """

    id: str
    family: str
    efficiency: str
    tasks: tuple[str, ...]
    inference: str
    parameters: int
    flops: int
    activation_bytes: int
    moved_bytes: int
    counted_by: str
    inputs: dict[str, TensorSpec]
    precision: Precision = "float32"
    architecture: Architecture | None = None
    generation: Generation | None = None
    accuracy: Accuracy | None = None
    weights: Weights = Weights()
    published_only: bool = False
    special: str = ""

    @property
    def weights_bytes(self) -> int:
        """Bytes of the parameters at the precision at which the model runs here."""
        return self.weights_bytes_at(self.precision)

    def weights_bytes_at(self, precision: str) -> int:
        """Bytes of the parameters alone at `precision`, scales of a quantisation not counted.

        Raises:
            KeyError: the precision is unknown.
        """
        if precision not in BYTES_PER_PARAMETER:
            raise KeyError(f"precision {precision!r} unknown; known: {', '.join(BYTES_PER_PARAMETER)}")
        return self.parameters * BYTES_PER_PARAMETER[precision]

    @property
    def passes(self) -> int:
        """How often one inference reads the weights: once, or once for each generated token."""
        return self.generation.new_tokens if self.generation else 1

    @property
    def memory_bytes(self) -> int:
        """Bytes of parameters and live activations together."""
        return self.weights_bytes + self.activation_bytes

    @property
    def accuracy_value(self) -> float:
        """The published figure, NaN where none is known."""
        return self.accuracy.value if self.accuracy else math.nan


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """All models, sorted by id, with the conventions of the figures and the software that computed them."""

    format: int
    conventions: dict[str, str]
    software: dict[str, str]
    models: tuple[CatalogueModel, ...]

    def get(self, model_id: str) -> CatalogueModel | None:
        """The model of that id, or None."""
        return next((model for model in self.models if model.id == model_id), None)

    def for_task(self, task: str) -> tuple[CatalogueModel, ...]:
        """The models that do a task (a Hugging Face pipeline tag), by id."""
        return tuple(model for model in self.models if task in model.tasks)

    def tasks(self) -> tuple[str, ...]:
        """Every task that at least one model does, sorted."""
        return tuple(sorted({task for model in self.models for task in model.tasks}))


def parse(text: bytes) -> Catalogue:
    """Read a catalogue from its JSON.

    Raises:
        CatalogueError: malformed, of another format, or an id twice.
    """
    try:
        catalogue = msgspec.json.decode(text, type=Catalogue)
    except msgspec.MsgspecError as error:
        raise CatalogueError(f"the model catalogue is malformed: {error}") from error
    if catalogue.format != 1:
        raise CatalogueError(f"model catalogue of format {catalogue.format} unknown; known: 1")
    ids = [model.id for model in catalogue.models]
    twice = sorted({model_id for model_id in ids if ids.count(model_id) > 1})
    if twice:
        raise CatalogueError(f"the model catalogue names {', '.join(twice)} more than once")
    return catalogue


@functools.cache
def load() -> Catalogue:
    """The catalogue that ships with the package."""
    return parse(files("hedgerow_nodes.estimators").joinpath("data/models.json").read_bytes())
