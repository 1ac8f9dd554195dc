"""Timing, memory and what a shipped model finds; the child's work is done in this process, no other is started."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from hedgerow_nodes.estimators.models import bundled_weights, sample_results
from hedgerow_nodes.estimators.models.bundled_weights import WeightsError
from hedgerow_nodes.estimators.models.catalogue import load
from hedgerow_nodes.estimators.models.execution import ExecutionOrder, ExecutionReport, perform
from hedgerow_nodes.estimators.models.measurement import PeakMemory, time_runs


class Clock:
    """A clock that only work moves."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.runs = 0

    def __call__(self) -> float:
        return self.now_s

    def work(self, seconds: Callable[[int], float]) -> Callable[[], None]:
        def run() -> None:
            self.now_s += seconds(self.runs)
            self.runs += 1

        return run


def test_a_steady_run_stops_early() -> None:
    clock = Clock()
    timing = time_runs(clock.work(lambda _: 0.01), budget_s=100.0, wall_clock=clock, cpu_clock=clock)
    assert timing.stable
    assert len(timing.wall_s) == 20
    assert timing.warm_ups == 5
    assert timing.cpu_median_s == pytest.approx(0.01)


def test_a_wandering_run_stops_at_its_budget() -> None:
    clock = Clock()
    timing = time_runs(
        clock.work(lambda run: 0.1 * 1.5 ** (run % 20)), budget_s=20.0, wall_clock=clock, cpu_clock=clock
    )
    assert not timing.stable
    assert len(timing.wall_s) >= 3


def test_a_run_longer_than_the_budget_is_made_once() -> None:
    clock = Clock()
    timing = time_runs(clock.work(lambda _: 9.0), budget_s=2.0, wall_clock=clock, cpu_clock=clock)
    assert clock.runs == 1
    assert timing.wall_s == (9.0,)
    assert not timing.stable
    assert timing.wall_quantile_s(0.05) == timing.wall_quantile_s(0.95) == 9.0


def test_the_first_slow_run_is_not_counted() -> None:
    clock = Clock()
    timing = time_runs(
        clock.work(lambda run: 1.5 if run == 0 else 0.1), budget_s=2.0, wall_clock=clock, cpu_clock=clock
    )
    assert max(timing.wall_s) == pytest.approx(0.1)


def test_quantiles_are_of_the_runs() -> None:
    clock = Clock()
    timing = time_runs(clock.work(lambda run: 0.1 + 0.3 * (run % 4)), budget_s=10.0, wall_clock=clock, cpu_clock=clock)
    assert timing.wall_quantile_s(0.0) == pytest.approx(min(timing.wall_s))
    assert timing.wall_quantile_s(1.0) == pytest.approx(max(timing.wall_s))
    assert timing.wall_quantile_s(0.05) <= timing.wall_quantile_s(0.5) <= timing.wall_quantile_s(0.95)


def test_peak_memory_is_above_the_beginning(tmp_path: Path) -> None:
    (tmp_path / "clear_refs").write_text("")
    (tmp_path / "status").write_text("Name:\tx\nVmHWM:\t 900 kB\nVmRSS:\t 500 kB\n")
    memory = PeakMemory(tmp_path)
    assert (tmp_path / "clear_refs").read_text() == "5"
    (tmp_path / "status").write_text("VmHWM:\t 700 kB\nVmRSS:\t 400 kB\n")
    assert memory.peak_bytes() == 200 * 1024


def test_a_kernel_without_the_field_is_told(tmp_path: Path) -> None:
    (tmp_path / "clear_refs").write_text("")
    (tmp_path / "status").write_text("Name:\tx\n")
    with pytest.raises(ValueError, match="has no VmRSS"):
        PeakMemory(tmp_path)


@pytest.mark.parametrize(
    ("model_id", "finds"),
    [("digits-mlp", "8"), ("efficientnet-lite0", "Egyptian cat"), ("nanodet-g-416", "person")],
)
def test_a_shipped_model_finds_what_its_sample_shows(model_id: str, finds: str) -> None:
    entry = load().get(model_id)
    assert entry is not None
    order = ExecutionOrder(kind="onnx", bundled=entry.weights.file, entry=entry, budget_s=0.05)
    report = perform(order)
    found = json.loads(report.sample_result)
    assert (found.get("objects") or found["classes"])[0]["label"] == finds
    assert 0 < report.wall_p05_s <= report.wall_p50_s <= report.wall_p95_s
    assert report.cpu_p50_s > 0
    assert report.runs >= 1
    assert report.runtime.startswith("onnxruntime ")
    assert msgspec.json.decode(msgspec.json.encode(report), type=ExecutionReport) == report


def test_an_architecture_runs_with_random_weights() -> None:
    entry = load().get("edbeeching/decision-transformer-gym-hopper-medium")
    assert entry is not None
    report = perform(ExecutionOrder(kind="architecture", entry=entry, budget_s=0.05))
    assert report.runtime.startswith("torch ")
    assert report.parameters == entry.parameters
    assert report.sample_result == ""


def test_changed_weights_are_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bundled_weights.checked_path("digits-mlp.onnx").read_bytes()
    (tmp_path / "digits-mlp.onnx").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    bundled_weights.manifest()
    monkeypatch.setattr(bundled_weights, "folder", lambda: tmp_path)
    with pytest.raises(WeightsError, match="SHA-256"):
        perform(ExecutionOrder(kind="onnx", bundled="digits-mlp.onnx"))
    with pytest.raises(WeightsError, match="cannot be read"):
        bundled_weights.checked_path("nanodet-g-416.onnx")


def test_unknown_weights_name_the_known() -> None:
    with pytest.raises(WeightsError, match=r"known: nanodet-g-416\.onnx"):
        bundled_weights.entry("yolo.onnx")


def test_classes_are_softmax_best_first() -> None:
    found = sample_results.classes(np.log(np.array([0.2, 0.7, 0.1], dtype=np.float32)), ("a", "b", "c"), top=2)
    assert found == [{"label": "b", "score": 0.7}, {"label": "a", "score": 0.2}]


def test_boxes_are_decoded_scaled_and_suppressed() -> None:
    names, bins = ("cat", "dog"), 3
    scores = np.zeros((1, 4, 2), dtype=np.float32)
    sides = np.full((1, 4, 4 * bins), -50.0, dtype=np.float32)
    sides.reshape(1, 4, 4, bins)[..., 1] = 50.0
    scores[0, 0, 1], scores[0, 1, 0], scores[0, 3, 1] = 0.9, 0.39, 0.8
    # Cell 3 is made to point at nearly the same box as cell 0, whose centre is one cell up and left of it.
    sides[0, 3] = np.array([[-50, -50, 50], [-50, -50, 50], [50, -50, -50], [50, -50, -50]], dtype=np.float32).ravel()
    found = sample_results.boxes([scores, sides], names, size=8, scale=0.5)
    assert found[0] == {"label": "dog", "score": 0.9, "box": [0, 0, 12, 12]}
    assert len(found) == 1
