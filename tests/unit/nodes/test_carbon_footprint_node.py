"""The node `carbon_footprint` without a bus: places, settings, and the figures of one inference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hedgerow_idl import CarbonFootprint, Estimate, HWResources, MLModel, Outcome, UserInput
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


def ask(harness: NodeHarness, hardware: HWResources | None = None, **asked: Any) -> CarbonFootprint:
    model = MLModel(chosen="centernet")
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
        for name in (*names, "sci_gco2e"):
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
