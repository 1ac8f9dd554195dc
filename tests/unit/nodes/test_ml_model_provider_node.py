"""The node on a bus in memory; calibration and execution are put in, so that no process is started."""

from __future__ import annotations

import importlib
import math
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from executed import report

from hedgerow_idl import (
    AppRequirements,
    Baselines,
    CommandKind,
    HWConstraints,
    Limit,
    MLModel,
    MLModelMetadata,
    NodeState,
    Outcome,
    TaskScore,
    UserInput,
)
from hedgerow_nodes.core.testing import NodeHarness
from hedgerow_nodes.estimators.models import bundled_weights, whole_catalogue
from hedgerow_nodes.estimators.models.calibration import Rates, Record
from hedgerow_nodes.estimators.models.child_process import ChildCancelled, ChildFailed, ChildTimedOut
from hedgerow_nodes.estimators.models.execution import ExecutionOrder, ExecutionReport, VariantReport
from hedgerow_nodes.ml_model_provider import MLModelProvider

RATES = Rates(compute_flops_per_s=1e11, bandwidth_bytes_per_s=2e10, software="numpy 2")
RECORD = Record(host="hedge", calibrated_at_s=1.0, threads=1, rates=RATES)
WITHIN_100_MS = Limit(name="latency_s", comparison="<=", value=0.1, unit="s")


class Executions:
    """Stands where models are run: remembers the orders, and answers or raises."""

    def __init__(self) -> None:
        self.orders: list[ExecutionOrder] = []
        self.error: Exception | None = None
        self.variants: tuple[VariantReport, ...] = ()
        self.while_running: Callable[[Callable[[], bool]], None] = lambda cancelled: None

    def __call__(self, order: ExecutionOrder, *, cancelled: Callable[[], bool], **_: Any) -> ExecutionReport:
        self.orders.append(order)
        self.while_running(cancelled)
        if self.error is not None:
            raise self.error
        return report(
            wall_p05_s=0.02,
            wall_p50_s=0.03,
            wall_p95_s=0.04,
            cpu_p50_s=0.03,
            peak_memory_bytes=7e7,
            threads=order.threads,
            sample_result='{"objects": []}',
            sample_words="Given a leaf, it found: nothing.",
            variants=self.variants,
        )


@pytest.fixture
def executions(monkeypatch: pytest.MonkeyPatch) -> Executions:
    made = Executions()
    monkeypatch.setattr(MLModelProvider, "execute", staticmethod(made))
    monkeypatch.setattr(MLModelProvider, "calibrate", staticmethod(lambda home, threads, measure: RECORD))
    return made


@pytest.fixture
def start(executions: Executions) -> Iterator[Callable[..., NodeHarness]]:
    started: list[NodeHarness] = []

    def make(**configuration: Any) -> NodeHarness:
        started.append(NodeHarness(MLModelProvider, configuration=configuration))
        return started[-1]

    yield make
    for harness in started:
        harness.close()


def ask(harness: NodeHarness, task: str = "object-detection", *limits: Limit, **fields: Any) -> MLModel:
    output: MLModel = harness.process(*asked(task, *limits, **fields))
    return output


def asked(task: str, *limits: Limit, **fields: Any) -> tuple[Any, ...]:
    found = MLModelMetadata(tasks=[TaskScore(id=task, score=0.9)])
    return UserInput(text="x", **fields), found, AppRequirements(limits=list(limits)), HWConstraints(), Baselines()


def test_the_worked_example_is_answered_by_a_real_detector(start: Any, executions: Executions) -> None:
    output = ask(start(), "object-detection", WITHIN_100_MS)
    assert output.header.outcome is Outcome.SUCCEEDED
    assert (output.chosen, output.task, output.runtime) == ("nanodet-g-416", "object-detection", "onnxruntime 1")
    assert (output.latency_s.value, output.latency_s.method) == (0.03, "measured")
    assert output.calibration.id == RECORD.id
    assert len(output.candidates) >= 5
    assert output.candidates[0].id == output.chosen
    assert all(c.rejected for c in output.candidates if c.latency_s.value > 0.1)
    assert executions.orders[0].bundled == "nanodet-g-416.onnx"
    assert executions.orders[0].kind == "onnx"


def test_like_problems_run_a_model_once(start: Any, executions: Executions) -> None:
    harness = start()
    first, *others = [ask(harness) for _ in range(20)]
    assert len(executions.orders) == 1
    assert "not repeated" not in first.explanation
    assert all("The run was not repeated: it was made at 1970-01-01" in other.explanation for other in others)


def test_a_generating_model_says_how_often_it_reads_its_weights(start: Any) -> None:
    harness = start()
    assert ask(harness).passes_per_inference == 1
    assert ask(harness, "text-generation").passes_per_inference == 64


def test_no_model_is_a_failure_with_its_reason(start: Any, executions: Executions) -> None:
    output = ask(start(), "object-detection", Limit(name="latency_s", comparison="<=", value=1e-6, unit="s"))
    assert output.header.outcome is Outcome.FAILED
    assert output.header.error_code == "NO_MODEL"
    assert "too slow" in output.header.reason
    assert not executions.orders


def test_an_exclusion_is_honoured(start: Any) -> None:
    output = ask(start(), excluded_models=["nanodet-g-416"])
    assert output.chosen == "PekingU/rtdetr_r18vd"
    assert output.excluded == ["nanodet-g-416"]
    assert "Weights: random, timing only." in output.explanation


@pytest.mark.parametrize(
    ("task", "name", "layers"),
    [
        ("object-detection", "CNN", ("dense cnn", "depthwise cnn")),
        ("image-classification", "transformers", ("vision transformer",)),
    ],
)
def test_a_kind_of_architecture_is_excluded(start: Any, task: str, name: str, layers: tuple[str, ...]) -> None:
    models = whole_catalogue.load().for_task(task)
    out = {model.id for model in models if model.efficiency.startswith(layers)}
    output = ask(start(), task, excluded_models=[name])
    assert output.header.outcome is Outcome.SUCCEEDED
    assert {output.chosen, *(one.id for one in output.candidates if not one.rejected)}.isdisjoint(out)
    listed_out = [one for one in output.candidates if one.id in out]
    assert listed_out
    assert all("excluded by the user" in one.rejected for one in listed_out)
    plain = [model for model in models if model.id in out and not model.special]
    assert f"Out: {len(plain)} excluded" in output.explanation


def test_a_family_is_excluded(start: Any) -> None:
    assert ask(start(), excluded_models=["nanodet"]).chosen == "PekingU/rtdetr_r18vd"


U_NET = "mmsegmentation/unet-s5-d16_pspnet_4xb4-ce-1.0-dice-3.0-40k_drive-64x64"


def test_a_u_net_has_its_facts_and_is_estimated_and_says_why_it_is_not_run(start: Any, executions: Executions) -> None:
    output = ask(start(), "image-segmentation", required_model=U_NET)
    assert (output.chosen, output.runtime, output.latency_s.method) == (U_NET, "not run", "roofline")
    assert (output.parameters, output.flops_per_inference) == (28_972_290, 6_171_758_592)
    found = next(one for one in output.candidates if one.id == U_NET)
    assert (found.family, found.accuracy_metric, found.accuracy) == ("UNet", "DRIVE mDice", 88.76)
    assert "mmseg/.mim/configs/unet/metafile.yaml" in found.accuracy_source
    assert "its architecture is not part of Hedgerow" in output.explanation
    assert not executions.orders


def test_a_required_path_outside_is_refused(start: Any, executions: Executions) -> None:
    output = ask(start(), required_model="/models/m.onnx")
    assert output.header.error_code == "MODEL_REFUSED"
    assert "allowed_folders" in output.header.reason
    assert not executions.orders


def test_a_required_local_file_is_run_each_time(start: Any, executions: Executions, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"x")
    harness = start(allowed_folders=[str(tmp_path)])
    for _ in range(2):
        output = ask(harness, required_model=str(tmp_path / "m.onnx"))
        assert output.header.outcome is Outcome.SUCCEEDED
        assert output.chosen == str(tmp_path / "m.onnx")
    assert [order.path for order in executions.orders] == [str(tmp_path / "m.onnx")] * 2
    executions.error = ChildFailed("no graph in it")
    refused = ask(harness, required_model=str(tmp_path / "m.onnx"))
    assert refused.header.error_code == "MODEL_REFUSED"
    assert "no graph in it" in refused.header.reason


def test_a_large_model_is_estimated_and_says_so(start: Any, executions: Executions) -> None:
    output = ask(start(), "text-generation", required_model="meta-llama/Llama-2-7b-hf")
    assert (output.runtime, output.latency_s.method) == ("not run", "roofline")
    assert "13.5 GB, up to 1.5 GB are executed" in output.explanation
    assert output.sample_result == ""
    assert not executions.orders


def test_a_run_that_takes_too_long_becomes_an_estimate(start: Any, executions: Executions) -> None:
    executions.error = ChildTimedOut("still at work after 120 s")
    output = ask(start())
    assert output.header.outcome is Outcome.SUCCEEDED
    assert output.latency_s.method == "roofline"
    assert "still at work after 120 s" in output.explanation


def test_a_crash_is_no_answer(start: Any, executions: Executions) -> None:
    executions.error = ChildFailed("was killed by SIGSEGV")
    output = ask(start())
    assert output.header.outcome is Outcome.FAILED
    assert "SIGSEGV" in output.header.reason


def test_a_cancelled_task_ends_its_run(start: Any, executions: Executions) -> None:
    harness = start()
    task = harness.send(*asked("object-detection"))

    pause = threading.Event()

    def be_cancelled(cancelled: Callable[[], bool]) -> None:
        while not cancelled():
            pause.wait(0.005)
        raise ChildCancelled("cancelled after 0.1 s")

    executions.while_running = be_cancelled
    harness.run(task)
    harness.status_when(lambda status: status.state is NodeState.RUNNING)
    harness.command(CommandKind.CANCEL, task=task, stage="ml_model_provider")
    assert harness.output().header.outcome is Outcome.CANCELLED


def variant(name: str, precision: str, weights_bytes: float | None, relative: float | None) -> VariantReport:
    return VariantReport(
        id=name,
        precision=precision,
        method="static" if weights_bytes else "as it ships",
        weights_bytes=weights_bytes,
        wall_p05_s=0.01,
        wall_p50_s=0.012,
        wall_p95_s=0.02,
        runs=4,
        largest_difference=relative,
        relative_difference=relative,
        agreement=0.98 if relative is not None else None,
        agreement_about="overlap of boxes, mean",
        sample_words="Given a leaf, it found: leaf.",
    )


def test_a_precision_is_run_told_and_sent_on(start: Any, executions: Executions) -> None:
    executions.variants = (variant("float32", "float32", None, 0.0), variant("int8 static", "int8", 3e6, 0.08))
    output = ask(start(), precision="int8")
    assert executions.orders[0].precision == "int8"
    assert (output.chosen, output.precision, output.weights_bytes) == ("nanodet-g-416", "int8", 3e6)
    assert [one.id for one in output.variants] == ["float32", "int8 static"]
    first, second = output.variants
    assert (first.weights_bytes, second.weights_bytes) == (4 * output.parameters, 3e6)
    assert (second.output_difference.value, second.output_difference.method) == (0.08, "measured")
    assert second.output_difference.low == second.output_difference.high == 0.08
    assert (second.latency_s.low, second.latency_s.value, second.latency_s.high) == (0.01, 0.012, 0.02)
    assert "int8 static (3 MB of weights, median 12 ms) its outputs differ by 8 % of their norm" in output.explanation


def test_an_unknown_difference_is_no_number(start: Any, executions: Executions) -> None:
    executions.variants = (variant("float32", "float32", None, 0.0), variant("int8 static", "int8", 3e6, None))
    output = ask(start())
    assert output.precision == "float32"
    assert math.isnan(output.variants[1].output_difference.value)
    assert math.isnan(output.variants[1].agreement.high)
    assert "no difference is known" in output.explanation


def test_each_precision_is_run_for_itself(start: Any, executions: Executions) -> None:
    harness = start()
    for precision in ("", "int8", "int8", "fp32"):
        ask(harness, precision=precision)
    assert [order.precision for order in executions.orders] == ["", "int8", "float32"]


def test_the_choice_does_not_depend_on_what_variants_took(start: Any, executions: Executions) -> None:
    plain = ask(start())
    executions.variants = (variant("float32", "float32", None, 0.0), variant("int8 static", "int8", 1.0, 0.0))
    again = ask(start())
    assert (again.chosen, again.precision) == (plain.chosen, plain.precision) == ("nanodet-g-416", "float32")
    assert [one.id for one in again.candidates] == [one.id for one in plain.candidates]


def test_a_model_without_the_precision_is_estimated_and_says_so(start: Any, executions: Executions) -> None:
    output = ask(start(), precision="int8", required_model="PekingU/rtdetr_r18vd")
    assert not executions.orders
    assert (output.runtime, output.precision) == ("not run", "int8")
    assert output.weights_bytes == output.parameters
    assert "int8 was asked for, and only models that ship have variants to run" in output.explanation


def test_faces_have_no_int8_and_say_so(start: Any, executions: Executions) -> None:
    harness = start()
    output = ask(harness, precision="int8", required_model="blazeface-256")
    assert "it ships at float32, float16, and int8 was asked for" in output.explanation
    assert not executions.orders


def test_an_unknown_precision_names_the_known(start: Any) -> None:
    output = ask(start(), precision="int4")
    assert output.header.outcome is Outcome.FAILED
    assert "precision 'int4' unknown; known: fp32, fp16, int8" in output.header.reason


def test_weights_that_are_gone_are_told(start: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bundled_weights, "folder", lambda: tmp_path)
    output = ask(start())
    assert output.header.error_code == "MODEL_REFUSED"
    assert "nanodet-g-416.onnx" in output.header.reason
    assert "install the package again" in output.header.reason


def test_a_corrupt_file_is_refused_and_the_node_lives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(MLModelProvider, "calibrate", staticmethod(lambda home, threads, measure: RECORD))
    (tmp_path / "leaf.onnx").write_bytes(b"\x08\x07no model")
    harness = NodeHarness(MLModelProvider, configuration={"allowed_folders": [str(tmp_path)]})
    try:
        output = ask(harness, required_model=str(tmp_path / "leaf.onnx"))
        assert output.header.error_code == "MODEL_REFUSED"
        assert "leaf.onnx cannot be opened by ONNX Runtime" in output.header.reason
        monkeypatch.setattr(MLModelProvider, "execute", staticmethod(Executions()))
        assert ask(harness).header.outcome is Outcome.SUCCEEDED
    finally:
        harness.close()


def test_the_node_imports_no_heavy_library(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("hedgerow_nodes.estimators")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "hedgerow_nodes.ml_model_provider")
    for heavy in ("torch", "transformers", "onnxruntime", "huggingface_hub", "PIL", "sklearn"):
        monkeypatch.setitem(sys.modules, heavy, None)
    assert importlib.import_module("hedgerow_nodes.ml_model_provider").MLModelProvider.kind == "ml_model_provider"
