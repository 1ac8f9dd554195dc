"""What the tests with a GPU need; without one they fail, as somebody asked for them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "system"))
sys.path.insert(0, str(Path(__file__).parent))

from graphics import Busy, Row, rows

from hedgerow_nodes.partition.runtime import CUDA, runtime


@pytest.fixture(scope="session")
def gpus() -> list[Row]:
    """The GPUs of this machine, as nvidia-smi tells them."""
    return rows()


@pytest.fixture(scope="session")
def cuda(gpus: list[Row]) -> str:
    """The execution provider, on a machine that has a GPU for it."""
    known = runtime().get_available_providers()
    assert CUDA in known, f"{CUDA} is not in this ONNX Runtime ({', '.join(known)}); install onnxruntime-gpu instead"
    return CUDA


@pytest.fixture
def busy(cuda: str) -> Iterator[Busy]:
    """A process that keeps the first GPU busy, until the test is over."""
    with Busy() as process:
        yield process
