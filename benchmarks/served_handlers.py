"""Handlers of the rows of serving: a paced count, a step that passes on, one tensor again and again, a tally."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import numpy as np

from hedgerow_nodes.serve import Context, Record, Tensors, Value, handler, parameters, sink, source

INPUT = (1, 3, 224, 224)
"""Of EfficientNet-Lite0."""


@parameters
class CountParameters:
    every_s: float = 0.02


@source("bench_count", outputs={"record": Record}, parameters=CountParameters)
class Count:
    """Numbers at a steady pace, without an end; a pace that was missed is not made up for."""

    def __init__(self, parameters: CountParameters, context: Context) -> None:
        self._every_s, self._context = parameters.every_s, context

    def items(self) -> Iterator[Record]:
        """One record each `every_s`."""
        due_s = time.monotonic()
        while self._context.sleep(max(0.0, due_s - time.monotonic())):
            yield Record({"n": self._context.sequence})
            due_s = max(due_s + self._every_s, time.monotonic())


@handler("bench_pass", inputs={"record": Record}, outputs={"record": Record})
class Pass:
    """Gives on what it gets."""

    def process(self, record: Record) -> Record:
        """The same."""
        return record


@parameters
class TensorParameters:
    name: str = "image"
    shape: tuple[int, ...] = INPUT


@source("bench_tensor", outputs={"tensors": Tensors}, parameters=TensorParameters)
class Tensor:
    """One made-up tensor, as often as it is taken: a source that costs next to nothing."""

    def __init__(self, parameters: TensorParameters, context: Context) -> None:
        made = np.random.default_rng(0).standard_normal(parameters.shape, dtype=np.float32)
        self._value, self._context = Tensors({parameters.name: made}), context

    def items(self) -> Iterator[Tensors]:
        """The tensor until it is stopped."""
        while not self._context.stopping:
            yield self._value


@parameters
class TallyParameters:
    path: str


@sink("bench_tally", inputs={"value": Value}, parameters=TallyParameters)
class Tally:
    """Writes a line for each item: its sequence, its epoch, and the monotonic clock, which all processes share."""

    def __init__(self, parameters: TallyParameters, context: Context) -> None:
        self._file = os.open(parameters.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._context = context

    def process(self, value: Value) -> None:
        """One line, at once."""
        os.write(self._file, f"{self._context.sequence} {self._context.epoch} {time.monotonic():.6f}\n".encode())

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
