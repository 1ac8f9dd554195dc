"""Handlers that run ONNX models: a whole one, or the layers of one part of a network that is cut over workers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from hedgerow_nodes.handlers.transport.providers import with_providers
from hedgerow_nodes.model_file import model_file
from hedgerow_nodes.partition import Part, extract, load
from hedgerow_nodes.serve import Context, Tensors, handler, parameters

Reference = Annotated[
    str,
    Meta(min_length=1, description="a path, an http(s) address, upload:SHA256, or shipped:FILE of the weights we ship"),
]
Digest = Annotated[str, Meta(pattern=r"^([0-9a-fA-F]{64})?$", description="SHA-256 of the file; empty: not checked")]
Providers = Annotated[
    tuple[str, ...],
    Meta(max_length=8, description="ONNX Runtime's execution providers, best first; empty: a GPU's if there is one"),
]
Threads = Annotated[int, Meta(ge=1, le=256, description="inside an operator")]
Shapes = Annotated[dict[str, tuple[int, ...]] | None, Meta(description="sizes of inputs that the file leaves open")]
Store = Annotated[str, Meta(description="folder for models and parts; empty: `models` in the worker's HEDGEROW_HOME")]
Optimisation = Annotated[
    Literal["full", "exact"], Meta(description="exact: no fusions, so that parts equal the whole bit for bit")
]
Timeout = Annotated[float, Meta(ge=0.1, le=3600.0, description="for fetching the model, seconds")]


@parameters
class OnnxParameters:
    model: Reference
    sha256: Digest = ""
    providers: Providers = ()
    threads: Threads = 1
    shapes: Shapes = None
    optimisation: Optimisation = "full"
    store: Store = ""
    timeout_s: Timeout = 60.0


@handler("onnx", inputs={"tensors": Tensors}, outputs={"tensors": Tensors}, parameters=OnnxParameters)
class Onnx:
    """Run a whole ONNX model."""

    def __init__(self, parameters: OnnxParameters, context: Context) -> None:
        self._part, self.digest = _opened(parameters, 0, -1, context)

    def process(self, tensors: Tensors) -> Tensors:
        """The model's outputs by name; inputs are taken by name."""
        return Tensors(self._part.run(tensors.arrays))


@parameters
class OnnxPartitionParameters:
    model: Reference
    sha256: Digest = ""
    first: Annotated[int, Meta(ge=0, le=1_000_000, description="first layer of the part")] = 0
    last: Annotated[
        int, Meta(ge=-1, le=1_000_000, description="the layer behind its last one; -1: all that follow")
    ] = -1
    providers: Providers = ()
    threads: Threads = 1
    shapes: Shapes = None
    optimisation: Optimisation = "full"
    store: Store = ""
    timeout_s: Timeout = 60.0


@handler(
    "onnx_partition", inputs={"tensors": Tensors}, outputs={"tensors": Tensors}, parameters=OnnxPartitionParameters
)
class OnnxPartition:
    """Run the layers [first, last) of an ONNX model in one session; what only passes through is passed on untouched."""

    def __init__(self, parameters: OnnxPartitionParameters, context: Context) -> None:
        self._part, self.digest = _opened(parameters, parameters.first, parameters.last, context)

    def process(self, tensors: Tensors) -> Tensors:
        """All tensors that cross the boundary behind the part, by name."""
        return Tensors(self._part.run(tensors.arrays))


def _opened(
    parameters: OnnxParameters | OnnxPartitionParameters, first: int, last: int, context: Context
) -> tuple[Part, str]:
    """The part, ready to run, and the digest of the model that it is of."""
    store = Path(parameters.store).expanduser() if parameters.store else context.models
    file = model_file(parameters.model, parameters.sha256, store, parameters.timeout_s)
    model = load(file, parameters.shapes)
    part_file = extract(model, first, last, store)
    part = with_providers(
        lambda providers: Part(part_file, providers, parameters.threads, parameters.optimisation),
        parameters.providers,
        context.execution_providers,
        context.log.warning,
    )
    part.warm()
    context.log.info("layers [%d, %d) of %s by %s", part.first, part.last, parameters.model, ", ".join(part.providers))
    return part, model.digest
