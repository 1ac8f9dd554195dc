"""Runs a handler as an instance would, but in the test's own process: public declaration, made-up context."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hedgerow_nodes.estimators.models import bundled_weights
from hedgerow_nodes.handlers.vision.coding import decoded
from hedgerow_nodes.serve import HandlerType, Image, Value
from hedgerow_nodes.serve.catalogue import handler_modules, load

SAMPLES = bundled_weights.folder() / "samples"


class FakeContext:
    """A context without a process; `stop_after_s` ends it by itself."""

    def __init__(self, folder: Path, stop_after_s: float = 60.0) -> None:
        self.name, self.service_id, self.logical_id = "bench", "service", "logical"
        self.log = logging.getLogger("hedgerow.handler.bench")
        self.folder, self.models = folder, folder / "models"
        self.execution_providers: tuple[str, ...] = ()
        self.parameters: Any = None
        self.sequence, self.epoch = 0, 1
        self.is_stopped = False
        self.slept_s: list[float] = []
        self._until_s = time.monotonic() + stop_after_s

    @property
    def stopping(self) -> bool:
        return self.is_stopped or time.monotonic() >= self._until_s

    def sleep(self, seconds: float) -> bool:
        self.slept_s.append(seconds)
        until_s = time.monotonic() + seconds
        while not self.stopping and (left_s := until_s - time.monotonic()) > 0:
            time.sleep(min(left_s, 0.02))
        return not self.stopping

    def cast(self, port: str, value: Value, delay_s: float = 0.0) -> None:
        raise AssertionError("no shipped handler casts")

    def call(self, port: str, value: Value, timeout_s: float = 10.0) -> Value:
        raise AssertionError("no shipped handler calls")

    def reply(self, value: Value) -> None:
        raise AssertionError("no shipped handler replies")


def types() -> dict[str, HandlerType]:
    """All shipped handlers; every module must be there."""
    found, failures = load(handler_modules())
    assert failures == {}
    return found


def made(name: str, context: FakeContext | None = None, **parameters: Any) -> Any:
    """A handler with its parameters, given as they come from a blueprint."""
    return types()[name].make(parameters, context or FakeContext(Path("/nonexistent")))


def sample(name: str) -> Image:
    """One of the pictures that ship."""
    return Image(decoded((SAMPLES / name).read_bytes()))


def plain_picture(width: int = 40, height: int = 30, colour: tuple[int, int, int] = (200, 100, 50)) -> Image:
    """One colour all over."""
    return Image(np.full((height, width, 3), colour, np.uint8))


def taken(items: Iterator[Any], most: int) -> list[Any]:
    """The first items of a source."""
    found = []
    for item in items:
        found.append(item)
        if len(found) == most:
            break
    return found
