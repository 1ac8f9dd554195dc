"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_launch.quantities import has_unit, interval, is_estimate, label, quantity


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("latency_s", 0.0123, "12.3 ms"),
        ("latency_s", 0.9999, "1 s"),
        ("latency_s", 0.0, "0 s"),
        ("max_memory_bytes", 4e9, "4 GB"),
        ("energy_kwh", 2.5e-8, "25 µWh"),
        ("carbon_gco2e", 4.2e-6, "4.2 µg CO2e"),
        ("embodied_kgco2e", 12.0, "12 kg CO2e"),
        ("intensity_g_per_kwh", 174.4, "174 g/kWh"),
        ("power_w", 15.0, "15 W"),
        ("flops_per_inference", 1.2345e9, "1.23 GFLOP"),
        ("compute_flops_per_s", 2e12, "2 TFLOP/s"),
        ("lifetime_years", 4.0, "4 years"),
        ("margin", 0.25, "0.25"),
        ("margin", 1e-9, "1e-09"),
        ("parameters", 5_288_548, "5.29 M"),
        ("latency_s", None, "–"),
        ("latency_s", math.nan, "–"),
        ("latency_s", True, "–"),
        ("latency_s", -0.004, "-4 ms"),
    ],
)
def test_the_unit_comes_from_the_name_and_the_prefix_from_the_size(name: str, value: object, shown: str) -> None:
    assert quantity(name, value) == shown


@pytest.mark.parametrize(
    ("name", "low", "high", "shown"),
    [
        ("latency_s", 0.0101, 0.0149, "10.1 – 14.9 ms"),
        ("latency_s", 0.0005, 1.5, "0.0005 – 1.5 s"),
        ("latency_s", None, 1.5, "–"),
        ("pue", 1.1, 1.6, "1.1 – 1.6"),
    ],
)
def test_an_interval_has_one_unit(name: str, low: object, high: object, shown: str) -> None:
    assert interval(name, {"low": low, "high": high}) == shown


def test_labels_leave_the_unit_out() -> None:
    labels = {
        "max_memory_bytes": "max memory",
        "intensity_g_per_kwh": "intensity",
        "latency_s": "latency",
        "pue": "pue",
        "flops_per_inference": "flops per inference",
        "_s": "_s",
    }
    assert {name: label(name) for name in labels} == labels
    assert has_unit("latency_s")
    assert not has_unit("margin")


def test_an_estimate_is_known_by_its_fields() -> None:
    assert is_estimate({"value": 1.0, "low": None, "high": 2.0, "method": "measured", "source": ""})
    assert not is_estimate({"value": 1.0})
    assert not is_estimate([1.0])


@given(st.floats(-1e30, 1e30), st.sampled_from(["x_s", "x_bytes", "x_kwh", "x_gco2e", "x"]))
def test_any_number_keeps_its_size(value: float, name: str) -> None:
    number, _, unit = quantity(name, value).partition(" ")
    prefix = 1.0
    if name != "x" and len(unit.split()[0]) > (2 if name == "x_kwh" else 1):
        prefix = {"T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "m": 1e-3, "µ": 1e-6, "n": 1e-9, "p": 1e-12}[unit[0]]
    factor = 1e3 if name == "x_kwh" else 1.0
    shown = float(number.replace(",", "")) * prefix / factor
    assert shown == pytest.approx(value, rel=0.006, abs=1e-30)
