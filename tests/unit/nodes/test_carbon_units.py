"""What follows from one inference: functional units, a year at a volume, a training, and the components apart."""

from __future__ import annotations

import math
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_frontend.bodies import FunctionalUnit as UnitOfRest
from hedgerow_idl import Calibration, Estimate, HWResources, MLModel, UserInput
from hedgerow_nodes.estimators.carbon.codecarbon_account import CodecarbonSettings, codecarbon_account
from hedgerow_nodes.estimators.carbon.components import components_of, with_memory
from hedgerow_nodes.estimators.carbon.footprint import SECONDS_PER_YEAR, Account
from hedgerow_nodes.estimators.carbon.functional_unit import UNITS, UnknownUnit, inferences_per_unit, unit_named
from hedgerow_nodes.estimators.carbon.training import Training, training_of
from hedgerow_nodes.estimators.carbon.volume import BadVolume, amount, yearly_volume
from hedgerow_nodes.estimators.devices.host_device import HOST_ID, Host
from hedgerow_nodes.estimators.figure import Figure
from hedgerow_nodes.estimators.interval import Interval

positive = st.floats(1e-9, 1e9)


def figure(value: float, factor: float = 1.0, method: str = "test") -> Figure:
    return Figure(Interval.within_factor(value, factor), method, "a document")


def account(energy_j: float, intensity: float = 100.0, embodied_kg: float = 1.0, factor: float = 1.0) -> Account:
    return Account(
        figure(energy_j, factor), figure(0.1), figure(1.0), figure(intensity, factor), figure(embodied_kg), 4.0
    )


class TestFunctionalUnit:
    def test_the_list_is_closed_and_the_same_everywhere(self) -> None:
        assert list(UNITS) == ["inference", "request", "image", "token", "thousand_inferences"]
        assert set(get_args(UnitOfRest)) == {"", *UNITS}

    def test_nothing_said_is_an_inference(self) -> None:
        assert unit_named("").id == "inference"

    @pytest.mark.parametrize("name", ["Inference", "kilogram", " "])
    def test_another_is_refused_with_those_known(self, name: str) -> None:
        with pytest.raises(UnknownUnit, match="known: inference, request, image, token, thousand_inferences"):
            unit_named(name)

    @pytest.mark.parametrize(
        ("unit", "model", "inferences"),
        [
            ("inference", MLModel(chosen="m"), 1.0),
            ("request", MLModel(chosen="m"), 1.0),
            ("thousand_inferences", MLModel(chosen="m"), 1000.0),
            ("image", MLModel(chosen="m", task="object-detection"), 1.0),
            ("image", MLModel(chosen="m", task="translation"), None),
            ("image", MLModel(chosen="m"), None),
            ("token", MLModel(chosen="m", passes_per_inference=64), 1 / 64),
            ("token", MLModel(chosen="m"), None),
        ],
    )
    def test_how_many_inferences_a_unit_takes(self, unit: str, model: MLModel, inferences: float | None) -> None:
        found, why = inferences_per_unit(unit_named(unit), model)
        assert found == inferences
        assert why

    @given(positive, positive, st.floats(1, 1000), st.floats(1, 5))
    def test_sci_grows_with_energy_intensity_and_unit(
        self, energy_j: float, intensity: float, more: float, factor: float
    ) -> None:
        base = account(energy_j, intensity, factor=factor).sci_gco2e(1.0).interval
        for grown in (
            account(energy_j * more, intensity, factor=factor).sci_gco2e(1.0).interval,
            account(energy_j, intensity * more, factor=factor).sci_gco2e(1.0).interval,
            account(energy_j, intensity, factor=factor).sci_gco2e(more).interval,
        ):
            assert grown.value >= base.value * (1 - 1e-9)
            assert grown.low <= grown.value <= grown.high

    @given(positive, st.floats(1e-3, 1e6))
    def test_the_unit_scales_linearly(self, energy_j: float, inferences: float) -> None:
        one = account(energy_j)
        assert one.sci_gco2e(inferences).interval.value == pytest.approx(inferences * one.carbon_gco2e.interval.value)


class TestVolume:
    def test_the_field_counts(self) -> None:
        found = yearly_volume(UserInput(text="a million images a day", inferences_per_year=5e6))
        assert found == Figure(Interval.exactly(5e6), "declared", "field inferences_per_year")

    @pytest.mark.parametrize(
        ("text", "per_day"), [("1 million requests a day", 1e6), ("about 500 images per day, on a board", 500.0)]
    )
    def test_else_the_text(self, text: str, per_day: float) -> None:
        found = yearly_volume(UserInput(text=text))
        assert found is not None
        assert found.interval.value == pytest.approx(per_day * 365.25)
        assert found.method == "text"
        assert "a day" in found.source or "per day" in found.source

    @pytest.mark.parametrize("text", ["", "20 images per second", "within 100 ms"])
    def test_else_it_is_unknown(self, text: str) -> None:
        assert yearly_volume(UserInput(text=text)) is None

    @pytest.mark.parametrize("value", [-1.0, 0.0, math.inf, 1e19])
    @pytest.mark.parametrize("field", ["inferences_per_year", "training_samples", "epochs"])
    def test_an_impossible_amount_is_refused(self, field: str, value: float) -> None:
        with pytest.raises(BadVolume, match=rf"{field} is .*above 0"):
            amount(UserInput(**{field: value}), field)

    @given(positive, positive)
    def test_a_year_is_the_inference_times_the_volume(self, energy_j: float, count: float) -> None:
        one = account(energy_j)
        energy, carbon = one.per_year(figure(count))
        assert energy.interval.value == pytest.approx(energy_j / 3.6e6 * count)
        assert carbon.interval.value == pytest.approx(one.carbon_gco2e.interval.value * count)

    def test_a_year_is_as_long_as_the_lifetime_counts_it(self) -> None:
        assert pytest.approx(365.25 * 24 * 3600) == SECONDS_PER_YEAR


class TestTraining:
    def test_worked_example(self) -> None:
        """3 x 1 GFLOP x 1000 samples x 10 epochs = 30 TFLOP; at 2 J an inference 60 kJ, between 15 and 240 kJ."""
        training = Training(1000, 10, 1e9)
        assert training.flops == pytest.approx(3e13)
        found = training.of(figure(2.0), "joules")
        assert found.interval == Interval(60_000, 15_000, 240_000)
        assert "3 x 1e+09 FLOP x 1000 samples x 10 epochs = 3e+13 FLOP" in found.source
        assert "assumed" in found.source

    @pytest.mark.parametrize(
        ("samples", "epochs", "flops", "missing"),
        [
            (math.nan, 10.0, 1e9, "training_samples"),
            (100.0, math.nan, 1e9, "epochs"),
            (100.0, 10.0, math.nan, "FLOPs of the model"),
            (math.nan, 3.0, 0.0, "training_samples, FLOPs of the model"),
        ],
    )
    def test_what_is_missing_is_named_and_nothing_is_zero(
        self, samples: float, epochs: float, flops: float, missing: str
    ) -> None:
        assert training_of(samples, epochs, flops) == (
            None,
            f"The training cannot be estimated: unknown is {missing}.",
        )

    def test_nobody_asked(self) -> None:
        assert training_of(math.nan, math.nan, 1e9) == (None, "")

    @given(positive, positive, positive, st.floats(1, 100), st.floats(1, 5))
    def test_it_is_linear_in_samples_and_wider_than_the_inference(
        self, samples: float, epochs: float, joules: float, more: float, factor: float
    ) -> None:
        inference = figure(joules, factor)
        once = Training(samples, epochs, 1e9).of(inference, "joules").interval
        often = Training(samples * more, epochs, 1e9).of(inference, "joules").interval
        assert often.value == pytest.approx(more * once.value)
        assert once.low <= once.value <= once.high
        assert once.high / once.low >= inference.interval.high / inference.interval.low * (1 - 1e-9)


def hardware(chosen: str, **fields: Any) -> HWResources:
    return HWResources(chosen=chosen, memory_required_bytes=Estimate(value=2e9, low=2e9, high=2e9), **fields)


class TestComponents:
    def test_this_host_is_its_processor_and_memory_beside_it(self) -> None:
        """0.375 W/GB x 2 GB x 0.1 s = 75 mJ."""
        parts = components_of(hardware(HOST_ID), figure(1.0), figure(0.1), count_memory=False)
        assert (parts.cpu_j, parts.gpu_j) == (figure(1.0), None)
        assert parts.ram_j is not None
        assert parts.ram_j.interval.value == pytest.approx(0.075)
        assert parts.ram_j.interval.high == pytest.approx(0.3)
        assert parts.ram_j.method == "default"
        assert with_memory(parts, figure(1.0)) == figure(1.0)
        assert "not part of it" in parts.remark

    def test_memory_is_counted_where_that_is_asked_for(self) -> None:
        parts = components_of(hardware(HOST_ID), figure(1.0), figure(0.1), count_memory=True)
        whole = with_memory(parts, figure(1.0))
        assert whole.interval.value == pytest.approx(1.075)
        assert whole.method == "test + default for memory"

    def test_a_card_is_a_gpu(self) -> None:
        parts = components_of(hardware("nvidia-rtx-3090"), figure(1.0), figure(0.1), count_memory=True)
        assert (parts.cpu_j, parts.gpu_j, parts.ram_j) == (None, figure(1.0), None)

    @pytest.mark.parametrize("chosen", ["raspberry-pi-3b-plus", "a device of nobody"])
    def test_a_board_cannot_be_told_apart(self, chosen: str) -> None:
        parts = components_of(hardware(chosen), figure(1.0), figure(0.1), count_memory=True)
        assert (parts.cpu_j, parts.gpu_j, parts.ram_j) == (None, None, None)
        assert "not told apart" in parts.remark

    def test_unknown_memory_is_unknown(self) -> None:
        parts = components_of(HWResources(chosen=HOST_ID), figure(1.0), figure(0.1), count_memory=True)
        assert parts.ram_j is None
        assert with_memory(parts, figure(1.0)) == figure(1.0)
        assert "unknown" in parts.remark


class TestCodecarbonAccount:
    HOST = Host(name="north", cpu="a processor of nobody", cores=2, memory_bytes=8e9, device_class="", gpus=())

    @staticmethod
    def model(host: str = "north", **fields: Any) -> MLModel:
        facts: dict[str, Any] = {
            "latency_s": Estimate(value=0.5, low=0.4, high=0.6),
            "cpu_time_s": Estimate(value=0.4, low=0.4, high=0.5),
            "calibration": Calibration(host=host),
        }
        return MLModel(chosen="m", **(facts | fields))

    def test_rated_power_by_load_and_constant_memory(self) -> None:
        """65 W x 0.4 s / 8 threads = 3.25 J, and 20 W x 0.5 s = 10 J."""
        told = CodecarbonSettings(rated_w=65.0, threads=8, ram_w=20.0)
        parts, whole, remark = codecarbon_account(hardware(HOST_ID), self.model(), told, self.HOST)
        assert parts is not None
        assert whole is not None
        assert parts.cpu_j is not None
        assert parts.ram_j is not None
        assert (parts.cpu_j.interval.value, parts.ram_j.interval.value) == (pytest.approx(3.25), pytest.approx(10.0))
        assert whole.interval.value == pytest.approx(13.25)
        assert whole.method == "codecarbon"
        assert "65 W x load 0.1 x 0.5 s" in remark

    def test_an_unknown_processor_counts_four_watts_a_thread(self) -> None:
        parts, _, remark = codecarbon_account(hardware(HOST_ID), self.model(), CodecarbonSettings(threads=2), self.HOST)
        assert parts is not None
        assert parts.cpu_j is not None
        assert parts.cpu_j.interval.value == pytest.approx(8.0 * 0.4 / 2)
        assert "4 W a thread" in remark

    @pytest.mark.parametrize(
        ("chosen", "model", "reason"),
        [
            ("nvidia-rtx-3090", model(), "not the device chosen"),
            (HOST_ID, model("south"), "not the device chosen"),
            (HOST_ID, model(latency_s=Estimate()), "was not run here"),
        ],
    )
    def test_it_says_nothing_of_what_it_could_not_measure(self, chosen: str, model: MLModel, reason: str) -> None:
        parts, whole, remark = codecarbon_account(hardware(chosen), model, CodecarbonSettings(), self.HOST)
        assert (parts, whole) == (None, None)
        assert reason in remark
