"""Efficiencies: fitted to measurements, judged by others, and looked up for a device.

The judgement reads timm's published results, which are no part of the project: from the folder in the environment
variable HEDGEROW_TIMM_RESULTS, else from `shared/reference/data/timm_results` beside the checkout.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_nodes.estimators.devices import validation
from hedgerow_nodes.estimators.devices.catalogue import Device, find_device, load_devices
from hedgerow_nodes.estimators.devices.efficiency import TRANSFER_FACTOR, efficiency_for, load_efficiencies
from hedgerow_nodes.estimators.devices.fitting import AtPeak, fit
from hedgerow_nodes.estimators.devices.layer_kinds import ANY, KINDS
from hedgerow_nodes.estimators.devices.roofline import Roofs, Work, roofline_time
from hedgerow_nodes.estimators.devices.throughput import (
    RUNS,
    UnreadableResults,
    in_calibration_half,
    measurements,
    read_run,
)
from hedgerow_nodes.estimators.interval import Interval

PUBLISHED = Path(
    os.environ.get("HEDGEROW_TIMM_RESULTS", Path(__file__).parents[4] / "shared/reference/data/timm_results")
)
HEADER = (
    "model,infer_img_size,infer_samples_per_sec,infer_step_time,infer_batch_size,param_count,infer_gmacs,infer_macts"
)
NAMES = ("resnet", "regnety", "mobilenetv", "vit_", "maxvit_")


def device(name: str) -> Device:
    return find_device(name, load_devices())


def write_results(folder: Path, slower: float = 1.0) -> None:
    """300 models a file whose times are those of a device at half its compute and a quarter of its bandwidth.

    `slower` multiplies the time of the half that judges.
    """
    random = np.random.default_rng(7)
    for run in RUNS:
        what = next(one for one in load_devices() if one.id == run.device_id)
        lines = [HEADER]
        for number in range(300):
            name = f"{NAMES[number % len(NAMES)]}{number}.recipe"
            gmacs, macts, params, batch = *random.uniform(0.1, 20, 3), 256
            flops, moved = 2e9 * gmacs, 2e6 * macts * run.bytes_per_element
            time_s = max(flops / what.peak_flops_per_s[run.peak] / 0.5, moved / what.bandwidth_bytes_per_s / 0.25)
            time_s *= 1.0 if in_calibration_half(name) else slower
            lines.append(
                f"{name},224,{float(1 / time_s)!r},1,{batch},{float(params)!r},{float(gmacs)!r},{float(macts)!r}"
            )
        (folder / run.file).write_text("\n".join(lines) + "\n")


class TestFit:
    @given(st.floats(0.05, 0.95), st.floats(0.05, 0.95))
    def test_it_finds_what_made_the_times(self, compute: float, memory: float) -> None:
        random = np.random.default_rng(1)
        compute_s, weights_s, activations_s = random.uniform(1e-4, 1e-2, (3, 200))
        truth = np.maximum(compute_s / compute, weights_s + activations_s / memory)
        at = AtPeak(compute_s, weights_s, activations_s, truth, np.ones(200))
        found = fit(at)
        assert np.median(np.abs(np.log(found.predicted_s(at) / truth))) < 0.06
        assert 0.85 < found.ratio_low <= 1 <= found.ratio_high < 1.2

    def test_a_dispatch_is_found_and_shared_by_a_batch(self) -> None:
        compute_s = np.geomspace(1e-5, 1e-2, 50)
        one = AtPeak(compute_s, compute_s / 100, compute_s / 100, compute_s / 0.5 + 0.004, np.ones(50))
        found = fit(one, (0.0, 0.002, 0.004))
        assert found.dispatch_s == 0.004
        shared = dataclasses.replace(one, batch=np.full(50, 4.0))
        assert found.predicted_s(one)[0] - found.predicted_s(shared)[0] == pytest.approx(0.003)

    def test_the_interval_is_that_of_the_residuals(self) -> None:
        compute_s = np.full(1001, 1e-3)
        spread = np.geomspace(0.5, 2.0, 1001)
        found = fit(AtPeak(compute_s, compute_s / 1000, compute_s / 1000, compute_s / 0.5 * spread, np.ones(1001)))
        assert found.compute == pytest.approx(0.5, rel=0.06)
        assert found.ratio_high / found.ratio_low == pytest.approx(4**0.9, rel=0.01)

    def test_nothing_cannot_be_fitted(self) -> None:
        with pytest.raises(ValueError, match="no measurement"):
            fit(AtPeak(*(np.array([]) for _ in range(5))))


class TestFiles:
    def test_units_by_hand(self) -> None:
        row = dict(zip(HEADER.split(","), ("vit_x", "224", "200.0", "5", "4", "1,000.0", "2.0", "3.0"), strict=True))
        (one,) = measurements([row], RUNS[0])
        assert (one.kind, one.batch, one.flops, one.sample_s) == ("attention", 4, 4e9, 0.005)
        assert (one.weights_bytes, one.activation_bytes) == (1e9 / 4 * 2, 2 * 3e6 * 2)

    def test_rows_without_work_are_left_out(self) -> None:
        row = dict.fromkeys(HEADER.split(","), "1") | {"infer_gmacs": ""}
        assert list(measurements([row], RUNS[0])) == []

    def test_the_halves_hold_about_as_much_and_one_architecture_each(self) -> None:
        share = np.mean([in_calibration_half(f"model{number}") for number in range(2000)])
        assert 0.45 < share < 0.55
        assert in_calibration_half("vit_x.one") == in_calibration_half("vit_x.two") == in_calibration_half("vit_x")

    @pytest.mark.parametrize(
        ("text", "message"),
        [(None, "cannot be read"), ("a,b\n1,2\n", "no column"), (HEADER + "\nx,1,y,1,1,1,1,1\n", "no number")],
    )
    def test_a_wrong_file_is_named(self, tmp_path: Path, text: str | None, message: str) -> None:
        if text is not None:
            (tmp_path / RUNS[0].file).write_text(text)
        with pytest.raises(UnreadableResults, match=message):
            read_run(tmp_path, RUNS[0])


class TestValidation:
    def test_the_table_is_printed_and_the_promise_kept(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_results(tmp_path)
        assert validation.main([str(tmp_path)]) == 0
        printed = capsys.readouterr().out
        assert printed.count("| all |") == len(RUNS) + 2
        assert "calibrated on the other GPU" in printed

    def test_a_missed_promise_is_said(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        write_results(tmp_path, slower=2.5)
        assert validation.main([str(tmp_path)]) == 1
        assert "80% are promised" in capsys.readouterr().out

    def test_a_missing_folder_is_said(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert validation.main([str(tmp_path / "nowhere")]) == 2
        assert "give the folder" in capsys.readouterr().err

    @pytest.mark.skipif(not PUBLISHED.is_dir(), reason="timm's published results are not at hand")
    def test_published_times_are_met_within_a_factor_of_two(self) -> None:
        runs = {run: read_run(PUBLISHED, run) for run in RUNS}
        rows = {row.device: row for row in validation.judge(runs, validation.calibrate(runs)) if row.kind == "all"}
        shipped = {one.device: one for one in load_efficiencies().validation}
        assert rows.keys() == shipped.keys() == {"nvidia-rtx-3090", "nvidia-rtx-4090", "intel-core-i9-10940x"}
        for name, row in rows.items():
            assert row.models >= 700
            assert row.within_2x >= validation.PROMISED_SHARE, name
            assert 0.8 <= row.median_ratio <= 1.25, name
            assert row.in_interval >= 0.8, name
            assert row.within_2x == pytest.approx(shipped[name].within_2x, abs=1e-3)
        for row in validation.transferred(runs):
            assert row.within_2x >= validation.PROMISED_SHARE, row.device

    @pytest.mark.skipif(not PUBLISHED.is_dir(), reason="timm's published results are not at hand")
    def test_the_shipped_table_is_what_the_results_give(self) -> None:
        fits = validation.calibrate({run: read_run(PUBLISHED, run) for run in RUNS})
        for one in load_efficiencies().efficiencies:
            found = fits[one.processor, one.peak, one.kind]
            assert (one.compute, one.activations) == pytest.approx((found.compute, found.activations), rel=1e-3)
            assert (one.ratio_low, one.ratio_high) == pytest.approx((found.ratio_low, found.ratio_high), rel=1e-3)


class TestLookUp:
    def test_the_shipped_table_is_whole(self) -> None:
        table = load_efficiencies()
        wanted = {(p, peak, kind) for p, peak in (("gpu", "fp16_tensor"), ("cpu", "fp32")) for kind in (*KINDS, ANY)}
        assert {(one.processor, one.peak, one.kind) for one in table.efficiencies} == wanted
        assert all(0 < one.compute <= 1 and 0 < one.activations <= 1 for one in table.efficiencies)
        assert all(one.ratio_low <= 1 <= one.ratio_high for one in table.efficiencies)
        assert {one.kind for one in table.activation_rates} == {*KINDS, ANY}
        assert all(one.within_2x >= validation.PROMISED_SHARE for one in table.validation)

    def test_a_measured_device_has_the_calibrations_own_interval(self) -> None:
        entry = load_efficiencies().calibrated("gpu", "fp16_tensor", "attention")
        assert entry is not None
        found = efficiency_for(device("RTX 4090"), "fp16_tensor", "attention")
        roofs = Roofs(1e14, 1e12, found.compute, found.weights, found.activations, Interval.exactly(0))
        time = roofline_time(Work(1e9, 0.0, Interval.exactly(1e8)), roofs).latency_s
        assert time.low / time.value == pytest.approx(max(entry.ratio_low, entry.activations), rel=1e-6)
        assert time.high / time.value == pytest.approx(entry.ratio_high)
        assert "this device" in found.source

    def test_another_device_has_a_wider_one(self) -> None:
        measured = efficiency_for(device("i9-10940X"), "fp32", "dense convolution")
        other = efficiency_for(device("Ryzen 9 7950X"), "fp32", "dense convolution")
        assert other.compute.value == measured.compute.value
        assert other.compute.low == pytest.approx(measured.compute.low / TRANSFER_FACTOR["cpu"])
        assert "intel-core-i9-10940x" in other.source

    def test_what_was_not_measured_is_assumed_and_said(self) -> None:
        for name in ("RTX 4090", "Raspberry Pi 5"):
            assert "assumed" in efficiency_for(device(name), "fp32", "attention").source

    @given(
        st.sampled_from(load_devices()),
        st.sampled_from(("fp32", "fp16", "fp16_tensor", "int8")),
        st.sampled_from((*KINDS, ANY, "?")),
    )
    def test_every_efficiency_is_an_interval_within_one(self, one: Device, peak: str, kind: str) -> None:
        found = efficiency_for(one, peak, kind)
        for efficiency in (found.compute, found.weights, found.activations):
            assert 0 < efficiency.low <= efficiency.value <= efficiency.high <= 1
        assert 0 <= found.dispatch_s.low <= found.dispatch_s.value <= found.dispatch_s.high
        assert found.source
