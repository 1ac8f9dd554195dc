"""Parts of a network on CUDA: the same answers as the whole on the processor, profiles by the wall clock, plain errors.

The tolerance: CUDA's products of float32 are of TF32 by default, which keeps 10 bits of a factor's mantissa, so that a
product is good to a thousandth; over the layers of a network a hundredth of the largest output is allowed.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hedgerow_nodes.estimators.models import bundled_weights
from hedgerow_nodes.handlers.transport.providers import chosen
from hedgerow_nodes.partition import Model, ModelError, Part, extract, load, profile
from hedgerow_nodes.partition.runtime import CPU, CUDA, runtime
from hedgerow_nodes.partition.tensors import made_up
from hedgerow_nodes.worker_side.profiling import ProfileFailed, ProfileOrder, Profiling

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(240), pytest.mark.usefixtures("cuda")]

NETWORK = "efficientnet-lite0.onnx"
TOLERANCE = 0.01
BOTH = (CUDA, CPU)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parts")


@pytest.fixture(scope="module")
def network() -> Model:
    return load(bundled_weights.folder() / NETWORK)


@pytest.fixture(scope="module")
def answer(network: Model, folder: Path) -> np.ndarray[Any, Any]:
    """The logits of the whole on the processor."""
    return only(Part(extract(network, 0, -1, folder)).run(made_up(network.inputs)))


def only(tensors: dict[str, Any]) -> np.ndarray[Any, Any]:
    (found,) = tensors.values()
    return np.asarray(found)


@pytest.mark.parametrize(
    ("boundaries", "places"),
    [
        ((), (BOTH,)),
        ((40,), (BOTH, BOTH)),
        ((20, 60), (BOTH, (CPU,), BOTH)),
        ((13, 14, 77), ((CPU,), BOTH, BOTH, BOTH)),
    ],
)
def test_parts_on_cuda_answer_as_the_whole_on_the_processor(
    network: Model,
    folder: Path,
    answer: np.ndarray[Any, Any],
    boundaries: tuple[int, ...],
    places: tuple[tuple[str, ...], ...],
) -> None:
    tensors = made_up(network.inputs)
    for (first, last), providers in zip(itertools.pairwise((0, *boundaries, -1)), places, strict=True):
        part = Part(extract(network, first, last, folder), providers)
        assert part.providers[0] == providers[0]
        tensors = part.run(tensors)
    found = only(tensors)
    apart = float(np.abs(found - answer).max() / np.abs(answer).max())
    print(f"{boundaries}: {apart:.2g} of the largest output apart")
    assert apart < TOLERANCE
    assert found.argmax() == answer.argmax()


def test_a_profile_on_cuda_is_by_the_wall_clock(network: Model, folder: Path) -> None:
    found = profile(network, 5, providers=BOTH, folder=folder)
    assert (found.provider, found.time_kind) == (CUDA, "wall")
    assert sum(one.seconds_mean for one in found.layers) == pytest.approx(found.whole_seconds_mean)
    assert all(one.seconds_mean > 0 for one in found.layers)
    whole = Part(extract(network, 0, -1, folder), BOTH)
    whole.warm()
    feed, taken = made_up(network.inputs), []
    for _ in range(20):
        begin = time.perf_counter()
        whole.run(feed)
        taken.append(time.perf_counter() - begin)
    print(f"the whole: {found.whole_seconds_mean * 1e3:.2f} ms profiled, {np.median(taken) * 1e3:.2f} ms run beside")
    assert 0.4 < found.whole_seconds_mean / float(np.median(taken)) < 2.5


def test_a_worker_profiles_on_cuda_unless_it_is_for_the_processor(tmp_path: Path) -> None:
    order = ProfileOrder(model="shipped:digits-mlp.onnx", iterations=3)
    assert f'"provider":"{CUDA}"' in Profiling(tmp_path).run(order)
    assert f'"provider":"{CPU}"' in Profiling(tmp_path, lambda: (CPU,)).run(order)
    wanted = ProfileOrder(model="shipped:digits-mlp.onnx", providers=("cuda",))
    with pytest.raises(ProfileFailed, match="'cuda' is not on this worker"):
        Profiling(tmp_path, lambda: (CPU,)).run(wanted)


def test_an_unknown_provider_is_told_beside_those_that_there_are(network: Model, folder: Path) -> None:
    part = extract(network, 0, -1, folder)
    with pytest.raises(ModelError, match=f"'NoSuchProvider' is not on this machine; there are: .*{CUDA}"):
        Part(part, ("NoSuchProvider",))
    with pytest.raises(ModelError, match=f"'NoSuchProvider' is not on this machine; there are: .*{CUDA}"):
        profile(network, 1, providers=("NoSuchProvider",))


def test_cuda_is_taken_first_where_nothing_is_wished() -> None:
    available = runtime().get_available_providers()
    assert chosen((), available) == BOTH
    assert chosen(("cuda",), available) == BOTH
    assert chosen(("cpu",), available) == (CPU,)


HIDDEN = """
import sys
from hedgerow_nodes.partition import Part, ProviderUnusable
try:
    Part(sys.argv[1], sys.argv[2:])
except ProviderUnusable as unusable:
    print(unusable)
"""


def test_a_gpu_that_is_hidden_is_told_and_the_processor_not_taken_in_silence(network: Model, folder: Path) -> None:
    part = extract(network, 0, -1, folder)
    command = [sys.executable, "-c", HIDDEN, str(part), CUDA, CPU]
    variables = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120, check=False)
    print(done.stdout, done.stderr)
    assert f"execution provider '{CUDA}' cannot be used on this machine" in done.stdout
