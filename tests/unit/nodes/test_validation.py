"""Estimates beside references: what is counted, and that the commands print what they compare."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from executed import report
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_idl import Calibration
from hedgerow_nodes.estimators.devices.catalogue import load_devices
from hedgerow_nodes.estimators.devices.throughput import RUNS, Measured, Run
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.models import catalogue, published
from hedgerow_nodes.estimators.models.execution import ExecutionReport
from hedgerow_nodes.estimators.validation import answered, built, codecarbon, counts, digits, runs
from hedgerow_nodes.estimators.validation.comparison import Pair, farthest, row, table

GOLDEN = Path(__file__).parent / "codecarbon_golden.json"
PAGE = (Path(__file__).parents[3] / "docs" / "validation.md").read_text(encoding="utf-8")
CALIBRATION = Calibration(compute_flops_per_s=1e11, bandwidth_bytes_per_s=2e10)


class TestComparison:
    def test_a_row_counts_what_lies_near_within_two_and_inside(self) -> None:
        wide = Interval(1.0, 0.5, 1.5)
        pairs = [Pair("near", 1.0, 1.04, wide), Pair("twice", 1.0, 2.0, wide), Pair("far", 1.0, 0.4, wide)]
        said = "| latency | run | 3 | 1.040 (0.4000 to 2.000) | 33.3% | 66.7% | 33.3% |"
        assert row("latency", "run", pairs) == said
        assert [pair.case for pair in farthest(pairs, 2)] == ["far", "twice"]

    def test_without_an_interval_no_share_is_shown(self) -> None:
        assert row("FLOPs", "paper", [Pair("one", 2.0, 2.0)]).endswith("| 100.0% | 100.0% | - |")

    def test_nothing_cannot_be_compared(self) -> None:
        with pytest.raises(ValueError, match="latency: nothing to compare"):
            row("latency", "run", [])

    @given(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9), st.floats(1.0, 10.0))
    def test_near_is_near_both_ways(self, one: float, other: float, factor: float) -> None:
        forth, back = Pair("", one, other), Pair("", other, one)
        if not math.isclose(max(forth.ratio, back.ratio), factor, rel_tol=1e-9):
            assert forth.within(factor) == back.within(factor)

    def test_a_table_is_as_wide_as_its_rows(self) -> None:
        lines = table([row("a", "b", [Pair("", 1.0, 1.0)])]).splitlines()
        assert len({line.count("|") for line in lines}) == 1


class TestCounts:
    def test_other_packages_publish_the_same_of_the_same_architecture(self) -> None:
        parameters, flops = counts.from_catalogue()
        assert len(parameters) == len(flops) == len(counts.SAME)
        assert all(pair.within(1.005) for pair in (*parameters, *flops))

    def test_text_formulas_agree_with_what_torch_ran_through(self) -> None:
        flops, moved, memory = counts.from_formulas()
        assert len(flops) >= 8
        assert all(pair.within(1.05) for pair in flops)
        assert all(pair.inside for pair in (*moved, *memory))

    def test_counts_are_found_by_their_configuration(self, tmp_path: Path) -> None:
        record = next(one for one in published.load().models if one.id.startswith("mmpretrain/") and one.flops)
        assert record.parameters is not None
        assert record.flops is not None
        found = {"config": record.config, "parameters": record.parameters.value, "flops": 2 * record.flops.value}
        file = tmp_path / "counts.jsonl"
        file.write_text(json.dumps(found) + "\n" + json.dumps(found | {"config": "of nobody"}) + "\n")
        parameters, flops = counts.from_counts(file)
        assert {pair.case for pair in parameters} == {pair.case for pair in flops} >= {record.id}
        assert any(pair.ratio == pytest.approx(0.5) for pair in flops)

    def test_a_network_on_the_meta_device_is_counted(self) -> None:
        with torch.device("meta"):
            model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Flatten(), torch.nn.Linear(8 * 4, 2))
        found = built.count(model, (1, 3, 4, 4))
        assert found == built.Built(8 * 27 + 8 + 64 + 2, 2 * (4 * 8 * 27 + 64))
        assert built.count(model, None).flops is None

    def test_it_prints_a_row_for_each_source(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert counts.main(["--worst", "1"]) == 0
        printed = capsys.readouterr().out
        assert "| FLOPs | other packages' metadata | 10 |" in printed
        assert "memory by formula, torch's operators: " in printed

    def test_the_page_shows_what_is_printed(self, capsys: pytest.CaptureFixture[str]) -> None:
        counts.main([])
        rows = [line for line in capsys.readouterr().out.splitlines() if "metadata |" in line or "by formula |" in line]
        shown = [line for line in rows if "torchvision's" not in line]
        assert len(shown) == 5
        assert [line for line in shown if line not in PAGE] == []


class TestRuns:
    @pytest.mark.parametrize(("taken", "inside"), [(1.0, True), (1000.0, False)])
    def test_a_run_is_judged_by_the_interval_of_before(self, taken: float, inside: bool) -> None:
        model = catalogue.load().get("digits-mlp")
        assert model is not None
        expected_s = runs.candidate_costs.latency(model, CALIBRATION).value
        one = runs.compare(model, _report(expected_s * taken, model.memory_bytes), CALIBRATION)
        assert one.latency.inside is inside
        assert one.memory.inside
        assert one.latency.ratio == pytest.approx(taken)
        assert ("(outside)" in one.line) is not inside

    def test_a_model_that_ships_is_run(self) -> None:
        model = catalogue.load().get("digits-mlp")
        assert model is not None
        (one,) = runs.run_all([model], CALIBRATION, 0.05)
        assert one.latency.reference > 0
        assert [line.split(" | ")[2] for line in runs.rows([one])] == ["1", "1", "1", "1"]

    def test_the_host_is_named(self) -> None:
        assert "Linux" in runs.host()


class TestAnswered:
    @pytest.mark.parametrize("run", RUNS, ids=lambda run: run.device_id)
    def test_a_time_as_expected_is_inside_and_a_far_one_is_not(self, run: Run) -> None:
        device = next(device for device in load_devices() if device.id == run.device_id)
        expected_s = answered.answered(_measured(1.0), run, device).estimate
        assert answered.answered(_measured(expected_s), run, device).inside
        assert not answered.answered(_measured(100 * expected_s), run, device).inside

    def test_a_missing_folder_is_said(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert answered.main([str(tmp_path)]) == 2
        assert "give the folder that holds timm's results" in capsys.readouterr().err


class TestCodecarbon:
    def test_every_figure_is_within_one_percent(self, capsys: pytest.CaptureFixture[str]) -> None:
        golden = json.loads(GOLDEN.read_text())
        pairs = [
            *codecarbon.of_run(golden["run"]),
            *(pair for mode in ("process", "machine") for pair in codecarbon.of_loads(golden, mode)),  # type: ignore[arg-type]
            *(pair for arm in (True, False) for pair in codecarbon.of_memory(golden, arm=arm)),
        ]
        assert len(pairs) == 3 + 2 * 5 + 2 * 17
        assert all(pair.inside for pair in pairs)
        assert codecarbon.main([str(GOLDEN)]) == 0
        assert "emissions, kg: codecarbon 3.3.2 1.442e-05, ours 1.4365e-05, -0.38%" in capsys.readouterr().out
        assert "| run: emissions | 1 | 1.442e-05 kg | 1.4365e-05 kg | -0.38 % |" in PAGE

    def test_another_figure_is_outside(self) -> None:
        golden = json.loads(GOLDEN.read_text())
        golden["ram_w"][0] *= 1.02
        assert [pair.inside for pair in codecarbon.of_memory(golden, arm=False)].count(False) == 1


class TestDigits:
    def test_the_page_states_what_the_catalogue_states(self) -> None:
        accuracy = digits.entry(digits.FILE).measured_accuracy["value"]
        assert isinstance(accuracy, float)
        low, high = digits.wilson(352, 360)
        assert f"| 352 | 360 | {accuracy:.4f} | {low:.3f} to {high:.3f} | {accuracy:.4f} |" in PAGE

    def test_wilson_by_hand(self) -> None:
        # 54 of 58: (0.9310 + 0.0331) / 1.0662 = 0.904, half a width of 0.068.
        low, high = digits.wilson(54, 58)
        assert (low, high) == (pytest.approx(0.836, abs=0.002), pytest.approx(0.973, abs=0.002))
        assert digits.wilson(0, 10)[0] == 0.0
        with pytest.raises(ValueError, match="at least one"):
            digits.wilson(0, 0)

    def test_the_digit_of_the_sample_is_told_right(self) -> None:
        sample = json.loads((digits.checked_path(digits.FILE).parent / "samples" / "digit.json").read_text())
        vector = next(value for value in sample.values() if isinstance(value, list))
        truth = next(value for value in sample.values() if isinstance(value, int))
        pixels = np.array([vector])
        assert digits.right_answers(digits.checked_path(digits.FILE), pixels, [truth]) == 1
        assert digits.right_answers(digits.checked_path(digits.FILE), pixels, [(truth + 1) % 10]) == 0


def _report(cpu_s: float, memory_bytes: float) -> ExecutionReport:
    return report(wall_p05_s=cpu_s, wall_p50_s=cpu_s, wall_p95_s=cpu_s, cpu_p50_s=cpu_s, peak_memory_bytes=memory_bytes)


def _measured(sample_s: float) -> Measured:
    return Measured("resnet50", "dense convolution", 1, 8.2e9, 1e8, 9e7, 1.1e7, sample_s)
