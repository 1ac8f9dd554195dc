"""The account of one inference: operational and embodied carbon, their sum, and the limit."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_idl import Estimate
from hedgerow_nodes.estimators.carbon.explanation import explain
from hedgerow_nodes.estimators.carbon.footprint import Account
from hedgerow_nodes.estimators.figure import Figure
from hedgerow_nodes.estimators.interval import Interval

amounts = st.floats(min_value=1e-6, max_value=1e6)


def figure(value: float, factor: float = 1.0, method: str = "test") -> Figure:
    return Figure(Interval.within_factor(value, factor), method, "a document")


def account(
    energy_j: float = 36.0,
    pue: float = 1.0,
    intensity: float = 150.0,
    embodied_kg: float | None = 10.0,
    latency_s: float = 0.1,
    years: float = 4.0,
    factor: float = 1.0,
) -> Account:
    return Account(
        figure(energy_j, factor),
        figure(latency_s, factor),
        figure(pue),
        figure(intensity, factor),
        None if embodied_kg is None else figure(embodied_kg, factor, "assumed"),
        years,
    )


class TestAccount:
    def test_worked_example(self) -> None:
        """36 J = 1e-5 kWh; x 1.2 x 150 g/kWh = 1.8 mg. 10 kg over 4 years, 0.1 s of it: 7.92 ug."""
        one = account(pue=1.2)
        assert one.energy_kwh.interval.value == pytest.approx(1e-5)
        assert one.operational_gco2e.interval.value == pytest.approx(1.8e-3)
        assert one.embodied_gco2e is not None
        assert one.embodied_gco2e.interval.value == pytest.approx(10_000 * 0.1 / (4 * 365.25 * 86400))
        assert one.embodied_gco2e.interval.value == pytest.approx(7.92e-6, rel=1e-3)
        assert one.carbon_gco2e.interval.value == pytest.approx(1.8e-3 + 7.92e-6, rel=1e-5)
        assert one.carbon_gco2e.method == "operational + embodied"

    def test_a_latency_in_hours_would_be_3600_times_more(self) -> None:
        seconds, hours = account(latency_s=1.0), account(latency_s=3600.0)
        assert seconds.embodied_gco2e is not None
        assert hours.embodied_gco2e is not None
        ratio = hours.embodied_gco2e.interval.value / seconds.embodied_gco2e.interval.value
        assert ratio == pytest.approx(3600)

    @given(amounts, amounts, amounts, st.floats(1, 5), st.floats(1, 3))
    def test_intervals_hold_the_value_and_grow_with_what_is_added(
        self, energy_j: float, intensity: float, embodied_kg: float, factor: float, pue: float
    ) -> None:
        one = account(energy_j, pue, intensity, embodied_kg, factor=factor)
        assert one.embodied_gco2e is not None
        total, operational = one.carbon_gco2e.interval, one.operational_gco2e.interval
        assert total.low <= total.value <= total.high
        assert total.low >= operational.low
        assert total.high >= operational.high
        assert operational.high == pytest.approx(operational.value * factor**2)

    @pytest.mark.parametrize("unknown", [account(embodied_kg=None), account(years=math.nan), account(years=0.0)])
    def test_an_unknown_embodied_part_is_left_out_and_said(self, unknown: Account) -> None:
        assert unknown.embodied_gco2e is None
        assert unknown.carbon_gco2e.interval == unknown.operational_gco2e.interval
        assert unknown.carbon_gco2e.method == "operational only"
        assert "unknown and not included" in explain(unknown, "m", "d", "Spain", "", math.nan)

    def test_an_unknown_estimate_is_no_figure(self) -> None:
        assert Figure.of(Estimate()) is None
        known = Figure.of(Estimate(value=2, low=1, high=3, method="m", source="s"))
        assert known == Figure(Interval(2, 1, 3), "m", "s")
        assert known.estimate == Estimate(value=2, low=1, high=3, method="m", source="s")


class TestLimit:
    """The example's carbon is 1.508 mg, with the factor 2 between 0.375 mg and 6.03 mg."""

    @pytest.mark.parametrize(
        ("limit_g", "verdict"),
        [
            (math.nan, ""),
            (0.01, "yes"),
            (0.0001, "no"),
            (0.001, "undecided: interval straddles the limit"),
            (0.002, "undecided: interval straddles the limit"),
        ],
    )
    def test_the_whole_interval_decides(self, limit_g: float, verdict: str) -> None:
        assert account(factor=2.0).within_limit(limit_g) == verdict

    def test_half_an_account_cannot_say_yes(self) -> None:
        half = account(embodied_kg=None)
        assert half.within_limit(1.0) == "undecided: the embodied part is unknown"
        assert half.within_limit(1e-9) == "no"


class TestExplanation:
    def test_it_shows_the_sum_the_sources_and_the_boundary(self) -> None:
        text = explain(account(pue=1.2), "resnet", "a board", "Spain", "A remark.", 0.5)
        assert "One inference of resnet on a board in Spain: 1.81 mgCO2e" in text
        assert "36 J = 1e-05 kWh (test) x PUE 1.2 (test) x 150 g/kWh (a document) = 1.8 mgCO2e" in text
        assert "10 kgCO2e (assumed) x 100 ms of 4 years (assumed) = 7.92 µgCO2e" in text
        assert "A remark." in text
        assert "Within the limit of 500 mgCO2e: yes." in text
        assert "ISO/IEC 21031:2024, not certified" in text
        assert "Not counted: network" in text
