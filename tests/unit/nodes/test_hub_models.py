"""A model of the hub through the node: looked up, counted, judged, fetched and run, or refused with its reason."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
import transformers

from hedgerow_idl import (
    AppRequirements,
    Baselines,
    HWConstraints,
    Limit,
    MLModel,
    MLModelMetadata,
    Outcome,
    TaskScore,
    UserInput,
)
from hedgerow_idl.codec import codec_of
from hedgerow_idl.plain import to_plain
from hedgerow_nodes.core.testing import NodeHarness
from hedgerow_nodes.estimators.devices.need import Need
from hedgerow_nodes.estimators.hub import counting
from hedgerow_nodes.estimators.hub.counting import Counted, CountOrder
from hedgerow_nodes.estimators.hub.remembered_counts import RememberedCounts
from hedgerow_nodes.estimators.models import child_process, execution
from hedgerow_nodes.estimators.models.calibration import Rates, Record
from hedgerow_nodes.estimators.models.child_process import ChildTimedOut
from hedgerow_nodes.estimators.models.execution import ExecutionOrder, ExecutionReport, perform
from hedgerow_nodes.estimators.models.orders import time_for_run_s
from hedgerow_nodes.estimators.models.provider_settings import Settings
from hedgerow_nodes.hw_resources import HardwareResources
from hedgerow_nodes.ml_model_provider import MLModelProvider
from tests.unit.nodes.fake_hub import COMMIT, FakeHub, Repository, running

TOKEN = "hf_SecretOfTheHedge0123456789"
RATES = Rates(compute_flops_per_s=1e11, bandwidth_bytes_per_s=2e10, software="numpy 2")
RECORD = Record(host="hedge", calibrated_at_s=1.0, threads=1, rates=RATES)
BERT: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "vocab_size": 200,
    "max_position_embeddings": 64,
}
VIT: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}


def saved(model: Any, folder: Path, **options: Any) -> dict[str, bytes]:
    model.save_pretrained(folder, **options)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    torch.manual_seed(1)
    model = transformers.BertForSequenceClassification(transformers.BertConfig(**BERT, num_labels=3))
    return saved(model, tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    torch.manual_seed(1)
    model = transformers.ViTForImageClassification(transformers.ViTConfig(**VIT, image_size=32, patch_size=8))
    return saved(model, tmp_path_factory.mktemp("vit"), max_shard_size="20KB")


@pytest.fixture
def fake(bert: dict[str, bytes], vit: dict[str, bytes]) -> Iterator[FakeHub]:
    with running() as found:
        result = {
            "task": {"type": "text-classification"},
            "dataset": {"name": "IMDb"},
            "metrics": [{"type": "accuracy", "value": 0.875}],
            "source": {"url": "https://example.org/run"},
        }
        found.repositories["garden/bert"] = Repository(
            dict(bert),
            {
                "pipeline_tag": "text-classification",
                "cardData": {"license": "apache-2.0"},
                "model-index": [{"results": [result]}],
            },
            large=frozenset({"model.safetensors"}),
        )
        found.repositories["garden/vit"] = Repository(dict(vit), {"pipeline_tag": "image-classification"})
        yield found


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[ExecutionOrder]:
    """Counts and runs happen in this process, for real."""
    orders: list[ExecutionOrder] = []

    def count(order: CountOrder, cancelled: Any) -> Counted:
        wire = msgspec.json.encode(counting.perform(msgspec.json.decode(msgspec.json.encode(order), type=CountOrder)))
        return msgspec.json.decode(wire, type=Counted)

    def execute(order: ExecutionOrder, **_: Any) -> ExecutionReport:
        orders.append(order)
        # May be set only once a process.
        monkeypatch.setattr(torch, "set_num_interop_threads", lambda threads: None)
        return perform(msgspec.json.decode(msgspec.json.encode(order), type=ExecutionOrder))

    monkeypatch.setattr(MLModelProvider, "calibrate", staticmethod(lambda home, threads, measure: RECORD))
    monkeypatch.setattr(MLModelProvider, "count", staticmethod(count))
    monkeypatch.setattr(MLModelProvider, "execute", staticmethod(execute))
    return orders


@pytest.fixture
def start(
    fake: FakeHub, executed: list[ExecutionOrder], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., NodeHarness]]:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with contextlib.ExitStack() as stack:

        def make(**configuration: Any) -> NodeHarness:
            settings = {"hub_endpoint": fake.url, "time_budget_s": 0.05, **configuration}
            return stack.enter_context(contextlib.closing(NodeHarness(MLModelProvider, configuration=settings)))

        yield make


def ask(harness: NodeHarness, required: str, task: str = "text-classification", *limits: Limit, **more: Any) -> MLModel:
    inputs = (
        UserInput(text="x", required_model=required, **more),
        MLModelMetadata(tasks=[TaskScore(id=task, score=0.9)]),
        AppRequirements(limits=list(limits)),
        HWConstraints(),
        Baselines(),
    )
    output: MLModel = harness.process(*inputs)
    return output


def parameters_of(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_a_small_model_is_looked_up_counted_fetched_and_run(start: Any, executed: list[ExecutionOrder]) -> None:
    slow = Limit(name="latency_s", comparison="<=", value=10.0, unit="s")
    harness = start()
    output = ask(harness, "hf:garden/bert", "text-classification", slow)
    assert output.header.outcome is Outcome.SUCCEEDED, output.header.reason
    model = transformers.BertForSequenceClassification(transformers.BertConfig(**BERT, num_labels=3))
    assert output.parameters == parameters_of(model)
    assert output.chosen == "hf:garden/bert"
    assert output.flops_per_inference > 2 * 62 * 2 * (4 * 32 * 32 + 2 * 32 * 64)
    assert output.latency_s.method == "measured"
    assert output.latency_s.value > 0
    assert output.runtime.startswith("torch")
    assert "The run was not repeated" in ask(harness, "hf:garden/bert").explanation
    [order] = executed
    assert (order.kind, sorted(path.suffix for path in Path(order.path).iterdir())[-1]) == ("folder", ".safetensors")
    [entry] = [candidate for candidate in output.candidates if candidate.id == output.chosen]
    assert (entry.licence, entry.weights) == ("apache-2.0", "hub")
    assert (entry.accuracy, entry.accuracy_metric) == (0.875, "IMDb accuracy")
    assert "https://example.org/run" in entry.accuracy_source
    assert f"at commit {COMMIT}" in entry.source
    assert entry.latency_s.method == "roofline"
    assert f"commit {COMMIT[:12]}" in output.explanation
    assert "licence apache-2.0" in output.explanation
    assert "nobody checked it here" in output.explanation


def test_shards_of_a_picture_model_at_half_precision(
    start: Any, fake: FakeHub, executed: list[ExecutionOrder], tmp_path: Path
) -> None:
    model = transformers.ViTForImageClassification(transformers.ViTConfig(**VIT, image_size=32, patch_size=8))
    half = saved(model.to(torch.bfloat16), tmp_path / "half", max_shard_size="20KB")
    assert len([name for name in half if name.endswith(".safetensors")]) > 1
    fake.repositories["garden/vit"].files = half
    output = ask(start(), "hf:garden/vit@main", "image-classification")
    assert output.header.outcome is Outcome.SUCCEEDED, output.header.reason
    assert (output.precision, output.weights_bytes) == ("bfloat16", 2 * parameters_of(model))
    [entry] = [candidate for candidate in output.candidates if candidate.id == output.chosen]
    assert (entry.weights_bytes, entry.rejected) == (2 * parameters_of(model), "")
    assert executed[0].entry is not None
    assert executed[0].entry.inputs["pixel_values"].shape == (1, 3, 32, 32)


def test_advice_needs_the_headers_only(start: Any, fake: FakeHub, executed: list[ExecutionOrder]) -> None:
    harness = start(hub_run_max_bytes=1000)
    weights = len(fake.repositories["garden/bert"].files["model.safetensors"])
    output = ask(harness, "hf:garden/bert")
    assert (output.runtime, output.latency_s.method) == ("not run", "roofline")
    assert "up to 1 kB are fetched to be run (hub_run_max_bytes)" in output.explanation
    assert sum(seen.sent_bytes for seen in fake.seen if seen.host == "files") <= min(weights, 65_536)
    assert not executed
    assert output.peak_memory_bytes.source.endswith("config.json")


@pytest.mark.parametrize(
    ("made", "task", "kind", "inference"),
    [
        (
            lambda: transformers.GPT2LMHeadModel(
                transformers.GPT2Config(n_layer=1, n_embd=32, n_head=2, vocab_size=99, n_positions=512)
            ),
            "text-generation",
            "generation",
            "input_ids 1x128, then 64 tokens",
        ),
        (
            lambda: transformers.T5ForConditionalGeneration(
                transformers.T5Config(
                    num_layers=1, d_model=32, d_ff=64, d_kv=16, num_heads=2, vocab_size=99, decoder_start_token_id=0
                )
            ),
            "translation",
            "generation",
            "input_ids 1x64, then 64 tokens",
        ),
        (
            lambda: transformers.ResNetForImageClassification(
                transformers.ResNetConfig(hidden_sizes=[16, 32], depths=[1, 1], embedding_size=16)
            ),
            "image-classification",
            "dense cnn",
            "pixel_values 1x3x224x224",
        ),
    ],
)
def test_kinds_of_networks_are_counted_as_the_catalogue_counts_them(
    made: Callable[[], Any], task: str, kind: str, inference: str
) -> None:
    model = made()
    values = {**json.loads(model.config.to_json_string()), "architectures": [type(model).__name__]}
    counted = counting.perform(CountOrder(configuration=values, task=task, precision="float32"))
    assert counted.problem == ""
    assert counted.parameters == parameters_of(model)
    assert counted.efficiency == f"{kind}, torch"
    assert inference in counted.inference
    assert (counted.generation is not None) == (kind == "generation")
    assert counted.flops > counted.parameters


def test_like_models_are_counted_once_and_failures_again() -> None:
    answers = [Counted(problem="no"), Counted(flops=1), Counted(flops=2)]
    remembering = RememberedCounts(lambda order, cancelled: answers.pop(0))
    orders = [CountOrder(configuration={"x": n}, task="t", precision="float32") for n in (1, 2)]
    found = [remembering(order, lambda: False) for order in (orders[0], orders[0], orders[0], orders[1])]
    assert [(one.problem, one.flops) for one in found] == [("no", 0), ("", 1), ("", 1), ("", 2)]


def test_a_run_ends_before_its_attempt() -> None:
    settings = Settings(execution_timeout_s=50.0)
    assert time_for_run_s(settings, math.nan) == 50.0
    assert 10.0 < time_for_run_s(settings, time.time() + 30.0) <= 20.0
    assert time_for_run_s(settings, time.time() - 5.0) == 1.0


def test_a_limit_is_judged_as_for_any_other_model(start: Any) -> None:
    tight = Limit(name="latency_s", comparison="<=", value=1e-9, unit="s")
    output = ask(start(), "hf:garden/bert", "text-classification", tight)
    assert output.header.outcome is Outcome.SUCCEEDED
    assert "It breaks what was asked for" in output.explanation
    [entry] = [candidate for candidate in output.candidates if candidate.id == output.chosen]
    assert "are allowed" in entry.rejected


def test_the_stage_after_places_it_on_a_device(start: Any, fake: FakeHub) -> None:
    fake.repositories["garden/my-resnet"] = fake.repositories["garden/bert"]
    known = ask(start(), "hf:garden/my-resnet")
    assert Need.of(known).kind == "attention"
    fake.repositories["garden/bert"].files["config.json"] = b'{"model_type": "hedge9000"}'
    unknown = ask(start(), "hf:garden/bert")
    with contextlib.closing(NodeHarness(HardwareResources)) as hardware:
        placed = hardware.process(UserInput(text="x"), known, AppRequirements(), HWConstraints())
        assert placed.header.outcome is Outcome.SUCCEEDED, placed.header.reason
        assert len([device for device in placed.candidates if not device.rejected]) > 5
        nowhere = hardware.process(UserInput(text="x"), unknown, AppRequirements(), HWConstraints())
        assert nowhere.header.outcome is Outcome.FAILED
        assert nowhere.header.error_code in ("NO_FIGURES", "NO_DEVICE")
        assert nowhere.header.reason


def test_an_unknown_architecture_is_told_with_what_is_known(start: Any, fake: FakeHub, bert: Any) -> None:
    for values, why in (
        ({"model_type": "hedge9000", "architectures": ["HedgeModel"]}, "'hedge9000', unknown to transformers"),
        ({"model_type": "bert", "architectures": ["os.system"]}, "'os.system', unknown to transformers"),
        ({**json.loads(bert["config.json"]), "quantization_config": {"bits": 4}}, "quantised"),
        ({**json.loads(bert["config.json"]), "num_hidden_layers": 40}, "its weights have"),
        ({**json.loads(bert["config.json"]), "hidden_size": "wide"}, "could not be built"),
    ):
        fake.repositories["garden/bert"].files["config.json"] = json.dumps(values).encode()
        output = ask(start(), "hf:garden/bert")
        assert output.header.outcome is Outcome.SUCCEEDED, output.header.reason
        assert why in output.explanation
        assert output.parameters > 1000
        assert math.isnan(output.latency_s.value)
        assert output.runtime == "not run"


def evil(fake: FakeHub, **files: bytes) -> None:
    held = fake.repositories["garden/bert"].files
    for name, content in files.items():
        held[name.replace("__", ".")] = content


def test_evil_models_are_refused(start: Any, fake: FakeHub, executed: list[ExecutionOrder], bert: Any) -> None:
    overlap = {"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}, "b": {"dtype": "F32", "shape": [4]}}
    overlap["b"]["data_offsets"] = [8, 24]
    text = json.dumps(overlap).encode()
    for files, why in (
        ({"config__json": b'{"model_type": "bert", "auto_map": {"AutoModel": "evil.Evil"}}'}, "never run"),
        ({"config__json": b"{"}, "no JSON"),
        ({"model__safetensors": len(text).to_bytes(8, "little") + text + bytes(24)}, "overlaps"),
        ({"model__safetensors": (2**50).to_bytes(8, "little") + bytes(100)}, "header would have"),
        ({"model__safetensors": bert["model.safetensors"][:-4]}, "by its header"),
    ):
        evil(fake, **{"config__json": bert["config.json"], "model__safetensors": bert["model.safetensors"], **files})
        output = ask(start(), "hf:garden/bert")
        assert (output.header.outcome, output.header.error_code) == (Outcome.FAILED, "MODEL_REFUSED")
        assert why in output.header.reason
    del fake.repositories["garden/bert"].files["model.safetensors"]
    evil(fake, pytorch_model__bin=b"\x80\x04")
    assert "pytorch_model.bin; pickles" in ask(start(), "hf:garden/bert").header.reason
    assert not executed
    assert not [seen for seen in fake.seen if seen.path.endswith(".bin")]


def test_a_wrong_checksum_is_refused(start: Any, fake: FakeHub, executed: list[ExecutionOrder]) -> None:
    fake.repositories["garden/bert"].stated["model.safetensors"] = {"sha256": "a" * 64}
    harness = start()
    output = ask(harness, "hf:garden/bert")
    assert output.header.error_code == "MODEL_REFUSED"
    assert "is not what the hub states" in output.header.reason
    folder = harness.node.environment.home / "hub" / "garden--bert" / COMMIT
    assert not [path.name for path in folder.iterdir() if path.suffix in (".safetensors", ".part")]
    assert not executed


def test_what_the_hub_does_not_give_is_a_refusal_and_the_node_lives(start: Any, fake: FakeHub) -> None:
    harness = start()
    assert ask(harness, "hf:garden/nothing").header.error_code == "MODEL_UNKNOWN"
    assert ask(harness, "hf:a/b/c").header.error_code == "MODEL_UNKNOWN"
    for status, headers, code, why in (
        (401, {}, "MODEL_GATED", "HF_TOKEN"),
        (429, {"Retry-After": "60"}, "HUB_BUSY", "after 60 s"),
        (500, {}, "HUB_UNREACHABLE", "answered 500"),
    ):
        fake.status = (status, headers)
        output = ask(harness, "hf:garden/bert")
        assert (output.header.outcome, output.header.error_code) == (Outcome.FAILED, code)
        assert why in output.header.reason
    fake.status = None
    fake.busy_times = 1
    assert ask(harness, "hf:garden/bert").header.outcome is Outcome.SUCCEEDED


def test_a_hub_that_is_away_ends_in_time(start: Any, fake: FakeHub) -> None:
    harness = start(hub_endpoint="http://127.0.0.1:9")
    assert ask(harness, "hf:garden/bert").header.error_code == "HUB_UNREACHABLE"
    fake.delay_s = 0.4
    began_s = time.monotonic()
    output = ask(start(hub_timeout_s=0.5), "hf:garden/bert")
    assert output.header.error_code == "HUB_UNREACHABLE"
    assert "within 0.5 s" in output.header.reason
    assert time.monotonic() - began_s < 5


def test_weights_that_do_not_come_leave_the_estimate(start: Any, fake: FakeHub) -> None:
    size = len(fake.repositories["garden/bert"].files["model.safetensors"])
    fake.breaks_off_after = [size, size, 10, 10, 10]
    output = ask(start(), "hf:garden/bert")
    assert output.header.outcome is Outcome.SUCCEEDED, output.header.reason
    assert output.latency_s.method == "roofline"
    assert "its weights did not come" in output.explanation


def test_the_token_is_nowhere_in_what_comes_out(
    start: Any, fake: FakeHub, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.echoes_token = True
    harness = start()
    outputs = [ask(harness, name) for name in ("hf:garden/bert", "hf:garden/nothing", "hf:garden/vit")]
    fake.status = (403, {"X-Error-Message": TOKEN})
    outputs.append(ask(harness, "hf:garden/vit@v1/a"))
    assert any(seen.headers.get("Authorization") == f"Bearer {TOKEN}" for seen in fake.seen)
    assert not [seen for seen in fake.seen if seen.host == "files" and TOKEN in str(seen)]
    # What the store keeps of an output is its bytes on the bus and the same as JSON.
    said = [codec_of(MLModel).encode(output).decode("latin-1") + json.dumps(to_plain(output)) for output in outputs]
    home = harness.node.environment.home
    said += [path.read_bytes().decode("latin-1") for path in home.rglob("*") if path.is_file()]
    said += [repr(harness.node.__dict__), caplog.text, *capfd.readouterr()]
    text = "\n".join(said)
    assert "[token]" in text
    assert TOKEN not in text


def test_counting_and_running_happen_in_processes_without_the_token(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The real ones, in place of those of this process.
    monkeypatch.setattr(MLModelProvider, "count", staticmethod(counting.count))
    monkeypatch.setattr(MLModelProvider, "execute", staticmethod(execution.execute))
    output = ask(start(), "hf:garden/bert")
    assert output.header.outcome is Outcome.SUCCEEDED, output.header.reason
    assert (output.latency_s.method, output.parameters > 10_000) == ("measured", True)
    inherited = child_process._environment({"HF_TOKEN": TOKEN, "HF_TOKEN_PATH": "/t", "HOME": "/h"}, 1)
    assert "HF_TOKEN" not in inherited
    assert "HF_TOKEN_PATH" not in inherited
    assert (inherited["HOME"], inherited["HF_HUB_OFFLINE"]) == ("/h", "1")


def test_a_configuration_without_bounds_does_not_take_the_host_along(bert: dict[str, bytes]) -> None:
    values = {**json.loads(bert["config.json"]), "num_hidden_layers": 10**9}
    began_s = time.monotonic()
    with pytest.raises(ChildTimedOut):
        counting.count(
            CountOrder(configuration=values, task="fill-mask", precision="float32"), lambda: False, timeout_s=8.0
        )
    assert time.monotonic() - began_s < 60
