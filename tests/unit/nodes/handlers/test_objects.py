"""Objects and classes in the pictures that ship, and the way of a picture through a cut network."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handler_bench import SAMPLES, FakeContext, made, plain_picture, sample

from hedgerow_nodes.estimators.models.anchored_faces import overlap
from hedgerow_nodes.handlers.networks import OnnxPartitionParameters
from hedgerow_nodes.handlers.transport.providers import chosen
from hedgerow_nodes.partition import ModelError, ProviderUnusable, load
from hedgerow_nodes.partition.runtime import CPU, CUDA, runtime
from hedgerow_nodes.partition.store import digest_of
from hedgerow_nodes.serve import BadHandler, Image, Record, Tensors

LITE, DIGITS = "shipped:efficientnet-lite0.onnx", "shipped:digits-mlp.onnx"
WEIGHTS = SAMPLES.parent


def digit() -> tuple[Image, str]:
    """The digit that ships, as a picture of 8 x 8 cells of 10 pixels, and what it is."""
    told = json.loads((SAMPLES / "digit.json").read_text(encoding="utf-8"))
    levels = np.array(told["values"], np.float32).reshape(8, 8) * (255 / 16)
    return Image(np.repeat(np.kron(levels, np.ones((10, 10)))[..., None], 3, axis=2).astype(np.uint8)), str(told["is"])


def test_a_person_is_found() -> None:
    (person,) = made("detect_objects").process(sample("astronaut.jpg")).boxes
    assert person.label == "person"
    assert person.probability == pytest.approx(0.736, abs=0.02)
    box = np.float32([person.x, person.y, person.x + person.width, person.y + person.height])
    assert overlap(box, np.float32([15, 15, 365, 509])) > 0.9
    assert person.crop is not None
    assert person.crop.shape[2] == 3


def test_only_the_wished_kinds_are_told() -> None:
    picture = sample("astronaut.jpg")
    assert made("detect_objects", targets=["dog"]).process(picture).boxes == ()
    assert [one.label for one in made("detect_objects", targets=["person"]).process(picture).boxes] == ["person"]


def test_the_threshold_and_the_number_of_boxes_are_applied() -> None:
    picture = sample("astronaut.jpg")
    assert made("detect_objects", threshold=0.9).process(picture).boxes == ()
    many = made("detect_objects", threshold=0.1, with_crop=False).process(picture).boxes
    assert len(many) > 1
    assert [one.probability for one in many] == sorted((one.probability for one in many), reverse=True)
    assert all(one.crop is None for one in many)
    assert len(made("detect_objects", threshold=0.1, most=2).process(picture).boxes) == 2
    (best,) = made("detect_objects", threshold=0.1, multiple=False).process(picture).boxes
    assert best.probability == many[0].probability


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"targets unicorn are no kinds.*person"):
        made("detect_objects", targets=["unicorn"])


def test_a_cat_is_a_cat() -> None:
    classes = made("classify").process(sample("chelsea.jpg")).fields["classes"]
    assert classes[0]["label"] == "Egyptian cat"
    assert [one["label"] for one in classes[:3]] == ["Egyptian cat", "tiger cat", "tabby"]
    assert len(classes) == 5
    few = made("classify", threshold=0.3, top=1000).process(sample("chelsea.jpg")).fields["classes"]
    assert [one["label"] for one in few] == ["Egyptian cat", "tiger cat"]


def test_a_digit_is_what_it_is() -> None:
    picture, truth = digit()
    found = made("classify", model="digits-mlp", top=1).process(picture)
    assert found.fields["classes"][0]["label"] == truth


@pytest.mark.parametrize("boundaries", [[], [40], [40, 80], [13, 14, 77]])
def test_parts_one_after_the_other_say_what_the_whole_says(tmp_path: Path, boundaries: list[int]) -> None:
    picture = sample("chelsea.jpg")
    tensors = made("prepare").process(picture)
    edges = [0, *boundaries, -1]
    for first, last in itertools.pairwise(edges):
        part = made("onnx_partition", FakeContext(tmp_path), model=LITE, first=first, last=last)
        tensors = part.process(tensors)
    found = made("read_classes").process(tensors).fields["classes"]
    whole = made("classify").process(picture).fields["classes"]
    assert [one["label"] for one in found] == [one["label"] for one in whole]
    assert [one["probability"] for one in found] == pytest.approx([one["probability"] for one in whole], abs=2e-4)


def test_a_whole_model_runs_and_its_digest_is_checked(tmp_path: Path) -> None:
    path = WEIGHTS / "digits-mlp.onnx"
    tensors = made("prepare", model="digits-mlp").process(digit()[0])
    for model in (DIGITS, str(path)):
        network = made("onnx", FakeContext(tmp_path), model=model, sha256=digest_of(path).upper())
        found = made("read_classes", labels="digits-mlp", top=1).process(network.process(tensors))
        assert found.fields["classes"][0]["label"] == digit()[1]
    for model in (DIGITS, str(path)):
        with pytest.raises(ModelError, match="0000 was asked for"):
            made("onnx", FakeContext(tmp_path), model=model, sha256="0" * 64)


def test_a_model_is_fetched_into_the_store(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be fetched"):
        made("onnx", FakeContext(tmp_path), model="http://127.0.0.1:9/m.onnx", timeout_s=0.2)
    made("onnx", FakeContext(tmp_path / "own"), model=DIGITS, store=str(tmp_path / "shared"))
    assert list((tmp_path / "shared").rglob("*.onnx"))
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"model": "/nonexistent/m.onnx"}, "no model '/nonexistent/m.onnx'"),
        ({"model": "shipped:none.onnx"}, "'none.onnx' unknown"),
        ({"model": DIGITS, "first": 3, "last": 2}, r"layers \[3, 2\) are no part"),
        ({"model": DIGITS, "last": 1000}, r"layers \[0, 1000\) are no part"),
        ({"model": DIGITS, "providers": ["npu"]}, "execution provider 'npu' is not on this worker; it has"),
    ],
)
def test_what_cannot_be_run_is_told_before_it_works(tmp_path: Path, parameters: dict[str, object], words: str) -> None:
    with pytest.raises(Exception, match=words):
        made("onnx_partition", FakeContext(tmp_path), **parameters)


def test_a_wrong_or_missing_tensor_is_told(tmp_path: Path) -> None:
    network = made("onnx", FakeContext(tmp_path), model=DIGITS)
    with pytest.raises(ModelError, match="lack"):
        network.process(Tensors({"other": np.zeros(1, np.float32)}))
    (name,) = [one.name for one in load(WEIGHTS / "digits-mlp.onnx").inputs]
    with pytest.raises(ModelError, match=rf"'{name}' is float32 \[1, 3\]"):
        network.process(Tensors({name: np.zeros((1, 3), np.float32)}))


def test_a_gpu_is_taken_if_there_is_one() -> None:
    """Against made-up lists of providers: without a GPU there is nothing to run it on."""
    cpu, cuda = "CPUExecutionProvider", "CUDAExecutionProvider"
    assert chosen((), (cuda, cpu)) == (cuda, cpu)
    assert chosen((), ("AzureExecutionProvider", cpu)) == (cpu,)
    assert chosen(("cuda",), (cuda, cpu)) == (cuda, cpu)
    assert chosen(("cpu",), (cuda, cpu)) == (cpu,)
    assert chosen((cuda, cpu), (cuda, cpu)) == (cuda, cpu)
    with pytest.raises(ValueError, match="'cuda' is not on this worker; it has CPU"):
        chosen(("cuda",), (cpu,))


class WithoutGpu:
    """Opens sessions as ONNX Runtime does where it was built for CUDA and there is no GPU."""

    def __init__(self, session: Callable[..., Any]) -> None:
        self._session = session

    def __call__(self, content: object, *, providers: list[str], **options: Any) -> Any:
        return self._session(content, providers=[one for one in providers if one == CPU], **options)


@pytest.fixture
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    library = runtime()
    monkeypatch.setattr(library, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(library, "InferenceSession", WithoutGpu(library.InferenceSession))


@pytest.mark.usefixtures("without_gpu")
def test_without_a_gpu_the_processor_is_taken_unless_a_gpu_is_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network = made("onnx", FakeContext(tmp_path), model=DIGITS)
    (name,) = [one.name for one in load(WEIGHTS / "digits-mlp.onnx").inputs]
    assert network.process(Tensors({name: np.zeros((1, 64), np.float32)})).arrays
    assert "the processor is taken, as no provider is asked for: execution provider 'CUDAExecution" in caplog.text
    with pytest.raises(ProviderUnusable, match="cannot be used on this machine"):
        made("onnx", FakeContext(tmp_path), model=DIGITS, providers=["cuda"])


@pytest.mark.usefixtures("without_gpu")
def test_only_what_the_worker_lets_it_use_is_taken(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    context = FakeContext(tmp_path)
    context.execution_providers = (CPU,)
    made("onnx", context, model=DIGITS)
    assert "the processor is taken" not in caplog.text
    with pytest.raises(ValueError, match="'cuda' is not on this worker; it has CPUExecutionProvider"):
        made("onnx", context, model=DIGITS, providers=["cuda"])
    context.execution_providers = (CUDA,)
    with pytest.raises(ProviderUnusable, match="cannot be used on this machine"):
        made("onnx", context, model=DIGITS)


def test_a_tensor_is_named_as_the_network_wants_it() -> None:
    tensors = made("prepare", tensor="x").process(plain_picture())
    assert list(tensors.arrays) == ["x"]
    assert tensors.arrays["x"].shape == (1, 3, 224, 224)


def test_logits_without_names_are_numbers() -> None:
    found = made("read_classes", labels="numbers", top=2).process(Tensors({"any": np.float32([[0, 5, 1]])}))
    assert [one["label"] for one in found.fields["classes"]] == ["1", "2"]
    two = Tensors({"a": np.float32([[0, 5]]), "b": np.float32([[5, 0]])})
    assert made("read_classes", labels="numbers", top=1, tensor="b").process(two) == Record(
        {"classes": [{"label": "0", "probability": 0.9933}]}
    )
    with pytest.raises(ValueError, match="tensor '' is not among a, b; set `tensor`"):
        made("read_classes", labels="numbers").process(two)


@pytest.mark.parametrize(
    ("name", "parameters", "field"),
    [
        ("detect_objects", {"threshold": 0.0}, "threshold"),
        ("detect_objects", {"targets": "person"}, "targets"),
        ("detect_objects", {"most": 0}, "most"),
        ("classify", {"model": "resnet"}, "model"),
        ("classify", {"top": 0}, "top"),
        ("prepare", {"model": 1}, "model"),
        ("read_classes", {"labels": "none"}, "labels"),
        ("onnx", {}, "model"),
        ("onnx", {"model": "m", "sha256": "12"}, "sha256"),
        ("onnx", {"model": "m", "threads": 0}, "threads"),
        ("onnx_partition", {"model": "m", "first": -1}, "first"),
        ("onnx_partition", {"model": "m", "last": -2}, "last"),
        ("onnx_partition", {"model": "m", "shapes": {"x": "any"}}, "shapes"),
        ("onnx_partition", {"model": "m", "optimisation": "some"}, "optimisation"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(name: str, parameters: dict[str, object], field: str) -> None:
    with pytest.raises(BadHandler, match=field):
        made(name, **parameters)


def test_a_part_has_the_defaults_of_the_whole() -> None:
    given = OnnxPartitionParameters(model="m")
    assert (given.first, given.last, given.threads, given.providers) == (0, -1, 1, ())
