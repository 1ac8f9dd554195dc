"""Numbers as people read them."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_frontend.formatting import (
    iso_moment,
    lapse,
    limit,
    moment,
    pretty_json,
    quantity,
    reading,
    stage_title,
    unit_of,
    words,
)
from hedgerow_frontend.labels import path_words


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0123, "s", "12.3 ms"),
        (4.1e6, "B", "4.1 MB"),
        (2.3e-6, "g", "2.3 µg CO2e"),
        (31.0, "kg", "31 kg CO2e"),
        (0.031, "kg", "31 g CO2e"),
        (2.5e6, "g", "2.5 t CO2e"),
        (3.83e-8, "kWh", "38.3 µWh"),
        (1.5, "kWh", "1.5 kWh"),
        (0.9996, "s", "1 s"),
        (999.6, "B", "1 kB"),
        (1e-3, "s", "1 ms"),
        (90.0, "s", "1.5 min"),
        (7200, "s", "2 h"),
        (25_557_032, "count", "25.6 M"),
        (0, "s", "0 s"),
        (0.0, "kg", "0 kg CO2e"),
        (-0.002, "s", "-2 ms"),
        (146.2, "g/kWh", "146 g CO2e/kWh"),
        (30, "", "30"),
        (12_345_678, "", "1.23e+07"),
        (5e-5, "", "5e-05"),
        (None, "s", "unknown"),
        (math.nan, "s", "unknown"),
        (math.inf, "s", "unknown"),
        (True, "s", "unknown"),
        ("12", "s", "unknown"),
    ],
)
def test_quantity(value: object, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


SECONDS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


@given(st.floats(min_value=1e-9, max_value=9e6))
def test_a_quantity_stays_within_half_a_percent_of_the_number(value_s: float) -> None:
    number, symbol = quantity(value_s, "s").split(" ")
    assert float(number.replace(",", "")) * SECONDS[symbol] == pytest.approx(value_s, rel=0.0051)
    assert re.fullmatch(r"\d{1,3}(\.\d{1,2})?", number)


def test_the_interval_has_the_unit_of_the_value() -> None:
    found = reading({"value": 0.9, "low": 0.2, "high": 1.4, "method": "measured", "source": "here"}, "s")
    assert (found.value, found.interval, found.method, found.source) == ("900 ms", "200 – 1,400 ms", "measured", "here")


def test_an_estimate_may_lack_anything() -> None:
    assert reading(None, "s").value == "unknown"
    assert reading({"value": 1.0, "low": None, "high": 2.0}, "s").interval == ""
    assert reading({"value": None, "low": 1.0, "high": 2.0}, "s").interval == "1 – 2 s"


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("latency_s", "s"),
        ("intensity_g_per_kwh", "g/kWh"),
        ("embodied_kgco2e", "kg"),
        ("carbon_gco2e", "g"),
        ("bandwidth_bytes_per_s", "B/s"),
        ("memory_bytes", "B"),
        ("energy_kwh", "kWh"),
        ("score", ""),
        ("tasks", ""),
    ],
)
def test_the_unit_stands_in_the_name(name: str, unit: str) -> None:
    assert unit_of(name) == unit


def test_names_become_words() -> None:
    assert words("max_latency_s") == "max latency"
    assert words("intensity_g_per_kwh") == "intensity"
    assert words("bandwidth_bytes_per_s") == "bandwidth"
    assert path_words("parts.GPU.energy_kwh") == "parts GPU energy"
    assert stage_title("ml_model_provider") == "ML model provider"
    assert stage_title("leaf_shape") == "Leaf shape"


def test_limits() -> None:
    assert (limit(0.1, "s"), limit(30, "fps"), limit(1, "flag")) == ("100 ms", "30 fps", "")


def test_times_are_utc() -> None:
    assert moment("2026-11-21T05:13:00.123Z") == "2026-11-21 05:13:00"
    assert moment("2026-11-21T07:13:00+02:00") == "2026-11-21 05:13:00"
    assert moment(None) == ""
    assert lapse("2026-11-21T05:13:00.000Z", "2026-11-21T05:13:02.250Z") == "2.25 s"
    assert lapse("2026-11-21T05:13:00.000Z", None) == ""


def test_json_for_reading_takes_texts_as_they_are() -> None:
    assert pretty_json('{"a":1}') == '{\n  "a": 1\n}'
    assert pretty_json("no json {") == "no json {"
    assert pretty_json({"ü": None}) == '{\n  "ü": null\n}'


def test_seconds_since_the_epoch_become_a_time() -> None:
    assert iso_moment(1_795_242_186.5735) == "2026-11-21T06:23:06.573+00:00"
    assert (iso_moment(None), iso_moment(math.nan), iso_moment(-1), iso_moment(1e30)) == (None, None, None, None)
