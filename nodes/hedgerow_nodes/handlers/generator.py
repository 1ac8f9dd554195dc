"""A source that makes its items up, the same ones for the same seed: for trials, measurements and tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from hedgerow_nodes.handlers.transport.pacing import Pace
from hedgerow_nodes.handlers.vision.geometry import Pixels
from hedgerow_nodes.serve import Context, Image, Record, Tensors, Value, parameters, source

Shape = Annotated[tuple[int, ...], Meta(max_length=8, description="of the tensor; float32 of unit variance")]


@parameters
class GeneratorParameters:
    kind: Annotated[Literal["record", "image", "tensors"], Meta(description="which port gives items")] = "record"
    count: Annotated[int, Meta(ge=0, le=10**12, description="items to make; 0: until stopped")] = 100
    fps: Annotated[float, Meta(ge=0.0, le=1e6, description="items a second; 0: as fast as they are taken")] = 0.0
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    width: Annotated[int, Meta(ge=1, le=16384, description="of pictures, pixels")] = 640
    height: Annotated[int, Meta(ge=1, le=16384, description="of pictures, pixels")] = 480
    padding_bytes: Annotated[int, Meta(ge=0, le=2**26, description="text added to each record")] = 0
    tensor: Annotated[str, Meta(min_length=1, description="name of the tensor")] = "image"
    shape: Shape = (1, 3, 224, 224)


@source(
    "generator",
    outputs={"record": Record, "image": Image, "tensors": Tensors},
    parameters=GeneratorParameters,
    class_type="generator",
)
class Generator:
    """Made-up records, pictures or tensors; item n depends on the seed and n only."""

    def __init__(self, parameters: GeneratorParameters, context: Context) -> None:
        self._settings, self._context = parameters, context
        if any(side < 1 for side in parameters.shape) or np.prod(parameters.shape, dtype=float) > 2**26:
            raise ValueError(f"shape {list(parameters.shape)} of the tensor has sides below 1 or over 2**26 numbers")

    def items(self) -> Iterator[dict[str, Value]]:
        """The items, paced."""
        pace = Pace(self._settings.fps, self._context.sleep)
        number = 0
        while not self._settings.count or number < self._settings.count:
            if not pace.wait():
                return
            yield {self._settings.kind: self._made(number)}
            number += 1

    def _made(self, number: int) -> Value:
        settings = self._settings
        random = np.random.default_rng((settings.seed, number))
        if settings.kind == "image":
            return Image(made_picture(random, settings.width, settings.height))
        if settings.kind == "tensors":
            return Tensors({settings.tensor: random.standard_normal(settings.shape, dtype=np.float32)})
        fields = {"number": number, "value": float(random.random())}
        return Record(fields | ({"padding": "x" * settings.padding_bytes} if settings.padding_bytes else {}))


def made_picture(random: np.random.Generator, width: int, height: int) -> Pixels:
    """A gradient with a rectangle: cheap to make, and compressible as pictures are."""
    across = np.linspace(0, 255, width, dtype=np.uint8)
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = (across[:, None] * random.random(3)).astype(np.uint8)
    left, top = int(random.integers(width)), int(random.integers(height))
    picture[top : top + height // 4 + 1, left : left + width // 4 + 1] = random.integers(256, size=3, dtype=np.uint8)
    return picture
