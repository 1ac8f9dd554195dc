"""The node `carbon_footprint` without a bus: places, settings, and the figures of one inference."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hedgerow_idl import Calibration, CarbonFootprint, Estimate, HWResources, MLModel, Outcome, UserInput
from hedgerow_nodes.carbon_footprint import CarbonFootprintNode
from hedgerow_nodes.core.configuration import ConfigurationInvalid
from hedgerow_nodes.core.testing import NodeHarness


def board(**fields: Any) -> HWResources:
    """A board that takes 3.6 J and 0.1 s an inference."""
    facts: dict[str, Any] = {
        "chosen": "a-board",
        "device_name": "A Board",
        "device_class": "edge",
        "latency_s": Estimate(value=0.1, low=0.05, high=0.2, method="roofline", source="a document"),
        "energy_j": Estimate(value=3.6, low=1.8, high=7.2, method="roofline x load_scaled_tdp", source="a document"),
        "embodied_kgco2e": Estimate(value=10, low=5, high=20, method="assumed", source="a paper"),
        "lifetime_years": 5.0,
    }
    return HWResources(**(facts | fields))


@pytest.fixture
def harness() -> Iterator[NodeHarness]:
    plain = NodeHarness(CarbonFootprintNode)
    yield plain
    plain.close()


def ask(
    harness: NodeHarness, hardware: HWResources | None = None, model: MLModel | None = None, **asked: Any
) -> CarbonFootprint:
    model = model or MLModel(chosen="centernet", task="object-detection", flops_per_inference=3e9)
    answer: CarbonFootprint = harness.process(UserInput(**asked), model, hardware or board())
    return answer


class TestFigures:
    def test_one_inference_in_spain(self, harness: NodeHarness) -> None:
        """3.6 J = 1e-6 kWh; x 153.6 g/kWh = 153.6 ug; 10 kg x 0.1 s of 5 years = 6.34 ug."""
        answer = ask(harness, text="Count people on a small edge computer in Spain")
        assert (answer.location, answer.functional_unit) == ("Spain", "one inference")
        assert answer.energy_kwh.value == pytest.approx(1e-6)
        assert answer.pue.value == 1.0
        assert answer.operational_gco2e.value == pytest.approx(153.6e-6)
        assert answer.embodied_gco2e.value == pytest.approx(6.338e-6, rel=1e-3)
        assert answer.carbon_gco2e.value == pytest.approx(159.9e-6, rel=1e-3)
        assert answer.sci_gco2e == answer.carbon_gco2e
        assert answer.carbon_gco2e.low == pytest.approx(153.6e-6 / 2 / 1.5 + 6.338e-6 / 4, rel=1e-3)
        assert answer.carbon_gco2e.high == pytest.approx(153.6e-6 * 2 * 1.5 + 6.338e-6 * 4, rel=1e-3)

    def test_every_figure_has_method_source_and_an_interval(self, harness: NodeHarness) -> None:
        answer = ask(harness, location="ES")
        names = ("energy_kwh", "intensity_g_per_kwh", "pue", "operational_gco2e", "embodied_gco2e", "carbon_gco2e")
        for name in (*names, "sci_gco2e", "per_thousand_gco2e"):
            estimate = getattr(answer, name)
            assert estimate.low <= estimate.value <= estimate.high, name
            assert estimate.method, name
            assert estimate.source, name
        assert "2025" in answer.intensity_g_per_kwh.source

    def test_a_server_stands_in_a_building(self, harness: NodeHarness) -> None:
        at_home = ask(harness, location="ES").operational_gco2e.value
        answer = ask(harness, board(device_class="server"), location="ES")
        assert answer.operational_gco2e.value == pytest.approx(1.2 * at_home)
        assert answer.pue.method == "assumed"

    def test_a_device_without_embodied_carbon_says_so(self, harness: NodeHarness) -> None:
        answer = ask(harness, board(embodied_kgco2e=Estimate()), location="ES")
        assert answer.embodied_gco2e == Estimate()
        assert answer.carbon_gco2e.method == "operational only"

    @pytest.mark.parametrize(
        ("limit_g", "verdict"), [(1.0, "yes"), (1e-9, "no"), (160e-6, "undecided: interval straddles the limit")]
    )
    def test_the_limit_is_judged_by_the_interval(self, harness: NodeHarness, limit_g: float, verdict: str) -> None:
        answer = ask(harness, location="ES", max_carbon_gco2e=limit_g)
        assert answer.within_limit == verdict
        assert f": {verdict}." in answer.explanation

    def test_no_limit_no_verdict(self, harness: NodeHarness) -> None:
        assert ask(harness, location="ES").within_limit == ""


class TestPlace:
    def test_the_field_wins_over_the_text(self, harness: NodeHarness) -> None:
        assert ask(harness, text="a camera in Spain", location="France").location == "France"

    def test_of_several_places_the_first_counts_and_the_others_are_named(self, harness: NodeHarness) -> None:
        answer = ask(harness, text="cameras in Portugal and Norway")
        assert answer.location == "Portugal"
        assert "also names Norway" in answer.explanation

    def test_no_place_is_the_world_and_wide(self, harness: NodeHarness) -> None:
        answer = ask(harness, text="count people")
        spread = answer.intensity_g_per_kwh.high / answer.intensity_g_per_kwh.low
        assert answer.intensity_g_per_kwh.method == "world_average"
        assert spread > 4
        assert "No place was given" in answer.explanation

    def test_an_unknown_place_is_refused(self, harness: NodeHarness) -> None:
        answer = ask(harness, text="in Spain", location="Atlantis")
        assert (answer.header.outcome, answer.header.error_code) == (Outcome.FAILED, "UNKNOWN_LOCATION")
        assert "location 'Atlantis' unknown; nearest: " in answer.header.reason

    def test_a_device_without_energy_is_refused(self, harness: NodeHarness) -> None:
        answer = ask(harness, board(energy_j=Estimate()), location="ES")
        assert (answer.header.outcome, answer.header.error_code) == (Outcome.FAILED, "NO_ENERGY")
        assert "'a-board'" in answer.header.reason


class TestSettings:
    def test_declared_figures_replace_the_tables(self) -> None:
        settings = {"pue": 1.5, "intensity_g_per_kwh": 100.0, "lifetime_years": 10.0}
        harness = NodeHarness(CarbonFootprintNode, configuration=settings)
        try:
            answer = ask(harness, location="ES")
        finally:
            harness.close()
        assert answer.operational_gco2e.value == pytest.approx(150e-6)
        assert answer.embodied_gco2e.value == pytest.approx(3.169e-6, rel=1e-3)
        assert {answer.pue.method, answer.intensity_g_per_kwh.method} == {"declared"}
        assert answer.location == "Spain"

    @pytest.mark.parametrize("settings", [{"pue": 0.9}, {"intensity_g_per_kwh": -1}, {"lifetime_years": 0}, {"x": 1}])
    def test_impossible_settings_are_refused(self, settings: dict[str, float]) -> None:
        with pytest.raises(ConfigurationInvalid):
            NodeHarness(CarbonFootprintNode, configuration=settings)

    def test_memory_may_be_counted(self) -> None:
        hardware = board(chosen="this-host", memory_required_bytes=Estimate(value=4e9, low=4e9, high=4e9))
        harness = NodeHarness(CarbonFootprintNode, configuration={"count_memory": True})
        try:
            answer = ask(harness, hardware, location="ES")
        finally:
            harness.close()
        assert answer.ram_energy_kwh.value == pytest.approx(0.375 * 4 * 0.1 / 3.6e6)
        assert answer.energy_kwh.value == pytest.approx((3.6 + 0.15) / 3.6e6)
        assert "is part of the energy above" in answer.explanation

    def test_an_hourly_file_counts_and_names_the_cleanest_hours(self, tmp_path: Path) -> None:
        file = tmp_path / "grid.csv"
        rows = [f"2025-06-01T{hour:02}:00Z,{100 + hour}" for hour in range(24)]
        file.write_text("\n".join(["time_utc,intensity_g_per_kwh", *rows]))
        for settings, method, grams in (
            ({"hourly_csv": str(file)}, "hourly_mean", 111.5),
            ({"hourly_csv": str(file), "start_hour_utc": 3}, "hour_of_day", 103.0),
        ):
            harness = NodeHarness(CarbonFootprintNode, configuration=settings)
            try:
                answer = ask(harness)
            finally:
                harness.close()
            assert (answer.intensity_g_per_kwh.method, answer.intensity_g_per_kwh.value) == (method, grams)
            assert "cleanest from 00:00" in answer.explanation
            assert "world's average" not in answer.explanation

    def test_a_corrupt_hourly_file_is_refused_with_its_line(self, tmp_path: Path) -> None:
        file = tmp_path / "grid.csv"
        file.write_text("time_utc,intensity_g_per_kwh\nnoon,1\n")
        harness = NodeHarness(CarbonFootprintNode, configuration={"hourly_csv": str(file)})
        try:
            answer = ask(harness, location="ES")
        finally:
            harness.close()
        assert (answer.header.outcome, answer.header.error_code) == (Outcome.FAILED, "BAD_HOURLY_CSV")
        assert "line 2: 'noon' is no full hour" in answer.header.reason

    def test_codecarbons_method_on_this_host(self) -> None:
        """100 W x 0.1 s / 4 threads = 2.5 J and 8 W x 0.1 s = 0.8 J, in place of the 3.6 J of our own method."""
        settings = {
            "method": "codecarbon",
            "codecarbon_rated_w": 100.0,
            "codecarbon_threads": 4,
            "codecarbon_ram_w": 8.0,
        }
        model = MLModel(
            chosen="m",
            latency_s=Estimate(value=0.1, low=0.1, high=0.1),
            cpu_time_s=Estimate(value=0.1, low=0.1, high=0.1),
            calibration=Calibration(host=platform.node()),
        )
        harness = NodeHarness(CarbonFootprintNode, configuration=settings)
        try:
            answer = ask(harness, board(chosen="this-host"), model, location="ES")
            elsewhere = ask(harness, board(), model, location="ES")
        finally:
            harness.close()
        assert answer.energy_kwh.value == pytest.approx(3.3 / 3.6e6)
        assert answer.cpu_energy_kwh.value == pytest.approx(2.5 / 3.6e6)
        assert answer.ram_energy_kwh.value == pytest.approx(0.8 / 3.6e6)
        assert answer.energy_kwh.method == "codecarbon"
        assert "By codecarbon's method" in answer.explanation
        assert elsewhere.energy_kwh.value == pytest.approx(1e-6)
        assert "asked for and not used" in elsewhere.explanation


class TestWhatFollows:
    def test_the_unit_of_the_intensity(self, harness: NodeHarness) -> None:
        per_image = ask(harness, location="ES", functional_unit="image")
        assert per_image.functional_unit == "one image"
        assert per_image.sci_gco2e == per_image.carbon_gco2e
        many = ask(harness, location="ES", functional_unit="thousand_inferences")
        assert many.sci_gco2e.value == pytest.approx(1000 * many.carbon_gco2e.value)
        assert many.sci_gco2e == many.per_thousand_gco2e
        assert "SCI per 1,000 inferences (R = 1,000 inferences): (E x I 154 µgCO2e + M 6.34 µgCO2e)" in many.explanation

    def test_a_unit_that_the_model_has_not_is_unknown(self, harness: NodeHarness) -> None:
        answer = ask(harness, location="ES", functional_unit="token")
        assert answer.sci_gco2e == Estimate()
        assert answer.carbon_gco2e.value > 0
        assert "SCI per one generated token is unknown" in answer.explanation

    def test_a_unit_of_nobody_is_refused(self, harness: NodeHarness) -> None:
        answer = ask(harness, location="ES", functional_unit="hug")
        assert (answer.header.outcome, answer.header.error_code) == (Outcome.FAILED, "UNKNOWN_UNIT")

    def test_a_year_at_the_volume_of_the_text(self, harness: NodeHarness) -> None:
        answer = ask(harness, text="classify 10,000 images a day in Spain")
        count = 10_000 * 365.25
        assert answer.inferences_per_year.value == pytest.approx(count)
        assert answer.energy_per_year_kwh.value == pytest.approx(1e-6 * count)
        assert answer.per_year_gco2e.value == pytest.approx(answer.carbon_gco2e.value * count)
        assert "A year: 3,652,500 inferences (text: " in answer.explanation

    def test_without_a_volume_a_year_is_unknown_and_says_how_to_state_one(self, harness: NodeHarness) -> None:
        answer = ask(harness, location="ES")
        assert answer.per_year_gco2e == Estimate()
        assert math.isnan(answer.inferences_per_year.value)
        assert "Per year is unknown: give inferences_per_year" in answer.explanation

    def test_a_training(self, harness: NodeHarness) -> None:
        answer = ask(harness, location="ES", training_samples=50_000.0, epochs=90.0)
        times = 3 * 50_000 * 90
        assert answer.training_energy_kwh.value == pytest.approx(1e-6 * times)
        assert answer.training_gco2e.value == pytest.approx(answer.carbon_gco2e.value * times)
        assert answer.training_gco2e.high > 4 * answer.training_gco2e.value
        assert "3 x 3e+09 FLOP x 50000 samples x 90 epochs" in answer.explanation

    def test_a_training_without_samples_is_unknown_with_the_reason(self, harness: NodeHarness) -> None:
        answer = ask(harness, location="ES", epochs=90.0)
        assert answer.training_energy_kwh == Estimate()
        assert "unknown is training_samples" in answer.explanation

    @pytest.mark.parametrize("field", ["inferences_per_year", "training_samples", "epochs", "intensity_g_per_kwh"])
    @pytest.mark.parametrize("value", [-3.0, 0.0, math.inf])
    def test_an_impossible_amount_is_refused_and_the_node_lives(
        self, harness: NodeHarness, field: str, value: float
    ) -> None:
        answer = ask(harness, location="ES", **{field: value})
        assert (answer.header.outcome, answer.header.error_code) == (Outcome.FAILED, "BAD_AMOUNT")
        assert field in answer.header.reason
        assert ask(harness, location="ES").header.outcome is Outcome.SUCCEEDED

    def test_the_users_own_intensity_counts(self, harness: NodeHarness) -> None:
        answer = ask(harness, location="ES", intensity_g_per_kwh=12.0)
        assert (answer.intensity_g_per_kwh.value, answer.intensity_g_per_kwh.method) == (12.0, "declared")
        assert answer.location == "Spain"

    def test_a_region_counts(self, harness: NodeHarness) -> None:
        for asked in ({"location": "US-CA"}, {"text": "on a camera in California"}):
            answer = ask(harness, **asked)
            assert answer.location == "California, United States"
            assert answer.intensity_g_per_kwh.method == "regional_average"
            assert answer.intensity_g_per_kwh.value == 179.1

    def test_components_are_unknown_where_the_power_is_a_boards(self, harness: NodeHarness) -> None:
        answer = ask(harness, location="ES")
        assert answer.cpu_energy_kwh == answer.gpu_energy_kwh == answer.ram_energy_kwh == Estimate()
        assert "not told apart" in answer.explanation

    def test_the_method_of_the_energy_is_marked(self, harness: NodeHarness) -> None:
        assert "load_scaled_tdp: interval x/÷ 2, assumed" in ask(harness, location="ES").explanation
