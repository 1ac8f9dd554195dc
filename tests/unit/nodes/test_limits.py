"""What the parser of limits finds, what it leaves alone, and that no text can upset it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_idl import UserInput
from hedgerow_nodes.estimators.text.limit_names import LIMIT_NAMES, describe
from hedgerow_nodes.estimators.text.limits import find_limits, without_limits
from hedgerow_nodes.estimators.text.quantities import UNITS, Unit, find_quantities, number_value, unit_of
from hedgerow_nodes.estimators.text.requirements import BadLimit, explain, gather

STATED = [
    ("under 50 ms", "latency_s", "<=", 0.05),
    ("within 100 ms", "latency_s", "<=", 0.1),
    ("in less than half a second", "latency_s", "<=", 0.5),
    ("at most 0.2 s", "latency_s", "<=", 0.2),
    ("it should answer in 0,5 s", "latency_s", "<=", 0.5),
    ("100ms latency", "latency_s", "<=", 0.1),
    ("Maximum latency of 50 ms.", "latency_s", "<=", 0.05),
    ("latency: 50 ms", "latency_s", "<=", 0.05),
    ("not more than 20 ms", "latency_s", "<=", 0.02),
    ("must not take longer than 3 seconds", "latency_s", "<=", 3.0),
    ("no slower than 50 ms", "latency_s", "<=", 0.05),
    ("in under two hundred milliseconds", "latency_s", "<=", 0.2),
    ("50 ms per image", "latency_s", "<=", 0.05),
    ("reply within 5 minutes", "latency_s", "<=", 300.0),
    ("30 fps", "throughput_per_s", ">=", 30.0),
    ("30 frames per second", "throughput_per_s", ">=", 30.0),
    ("faster than 25 fps", "throughput_per_s", ">=", 25.0),
    ("1,000 requests per second", "throughput_per_s", ">=", 1000.0),
    ("1.5k requests/s", "throughput_per_s", ">=", 1500.0),
    ("600 images per minute", "throughput_per_s", ">=", 10.0),
    ("a million images a day", "volume_per_s", ">=", 1e6 / 86_400),
    ("20 tokens per second", "tokens_per_s", ">=", 20.0),
    ("4 GB", "memory_bytes", "<=", 4e9),
    ("512 MB of RAM", "memory_bytes", "<=", 512e6),
    ("2 GiB of memory", "memory_bytes", "<=", 2.0 * 2**30),
    ("at least 8 GB of memory", "memory_bytes", ">=", 8e9),
    ("do not use more than 4gb", "memory_bytes", "<=", 4e9),
    ("a 16 GB SD card", "storage_bytes", "<=", 16e9),
    ("a model smaller than 20 MB", "model_size_bytes", "<=", 20e6),
    ("at most 50M parameters", "model_parameters", "<=", 50e6),
    ("5 W", "power_w", "<=", 5.0),
    ("below 10 watts", "power_w", "<=", 10.0),
    ("max. 10 mW", "power_w", "<=", 0.01),
    ("less than 0.5 J per inference", "energy_j", "<=", 0.5),
    ("under 1 mWh per image", "energy_j", "<=", 3.6),
    ("under 1 g CO2 per inference", "carbon_gco2e", "<=", 1.0),
    ("0.5 gCO2e per image", "carbon_gco2e", "<=", 0.5),
    ("less than 2 g of CO2 per 1000 requests", "carbon_gco2e", "<=", 0.002),
    ("at most 7 kg CO2 per week", "carbon_gco2e_per_day", "<=", 1000.0),
    ("at least 95 % accuracy", "accuracy", ">=", 0.95),
    ("accuracy of at least 95 percent", "accuracy", ">=", 0.95),
    ("recall of 90%", "recall", ">=", 0.9),
    ("F1 above 0.8", "f1", ">=", 0.8),
    ("word error rate below 10 %", "word_error_rate", "<=", 0.1),
    ("hardware under $500", "price_usd", "<=", 500.0),
    ("it costs less than 100 euros", "price_eur", "<=", 100.0),
    ("in batches of 16", "batch_items", "==", 16.0),
    ("works offline", "offline", "==", 1.0),
    ("there is no internet", "offline", "==", 1.0),
    ("battery-powered", "battery", "==", 1.0),
    ("runs on a small battery", "battery", "==", 1.0),
    ("on-device only", "on_device", "==", 1.0),
    ("privacy matters", "private", "==", 1.0),
    ("in real time", "real_time", "==", 1.0),
]

DESCRIBING = [
    "3 cameras in 2024",
    "a 4K photo",
    "7 days of history",
    "30 second clips",
    "classify clips under 30 seconds",
    "videos of 10 s",
    "in the last 2 hours",
    "every 5 minutes",
    "15-minute smart meter readings",
    "predict failures within 30 days",
    "forecast the next 24 hours",
    "a 4 GB dataset",
    "200 GB of logs",
    "a 5 kg parcel",
    "a 5 MW wind turbine",
    "a battery of 50 Wh",
    "houses over $500,000",
    "20 % of users",
    "16 kHz audio",
    "predict battery failure",
    "it need not work offline",
    "twice a second",
    "people over 65",
    "100,000 customers",
]


@pytest.mark.parametrize(("text", "name", "comparison", "value"), STATED, ids=[row[0] for row in STATED])
def test_reads_a_stated_limit_in_si(text: str, name: str, comparison: str, value: float) -> None:
    found = {(one.name, one.comparison): one for one in find_limits(f"Find cracks in walls, {text}")}
    assert (name, comparison) in found
    assert found[name, comparison].value == pytest.approx(value, rel=1e-9)
    assert found[name, comparison].unit == LIMIT_NAMES[name].unit
    assert len(found) == 1


@pytest.mark.parametrize("text", DESCRIBING)
def test_leaves_numbers_alone_that_only_describe(text: str) -> None:
    assert find_limits(text) == []


@pytest.mark.parametrize(
    "text",
    ["latency between 10 and 20 ms", "between 10 ms and 20 ms", "10-20 ms per frame", "from 10 to 20 ms latency"],
)
def test_a_range_gives_both_ends(text: str) -> None:
    assert [(one.comparison, one.value) for one in find_limits(text)] == [(">=", 0.01), ("<=", 0.02)]


def test_reads_a_whole_sentence_in_its_order() -> None:
    text = "Detect 3 parts in 10 s clips at 15 fps with < 2 GB RAM and 5 W, >= 90% precision, offline, in 2024."
    assert [(one.name, one.comparison) for one in find_limits(text)] == [
        ("throughput_per_s", ">="),
        ("memory_bytes", "<="),
        ("power_w", "<="),
        ("precision", ">="),
        ("offline", "=="),
    ]


def test_keeps_two_values_of_one_quantity_and_drops_a_repetition() -> None:
    limits = find_limits("under 50 ms, at best under 20 ms, but always under 50 ms")
    assert [one.value for one in limits] == [0.05, 0.02]


def test_privacy_that_keeps_data_in_raises_both_flags() -> None:
    assert {one.name for one in find_limits("The images must not leave the hospital")} == {"on_device", "private"}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1,000", 1e3),
        ("0,5", 0.5),
        ("0,500", 0.5),
        ("1.5k", 1500.0),
        ("half a", 0.5),
        ("two hundred", 200.0),
        ("1e-3", 1e-3),
    ],
)
def test_reads_numbers_as_they_are_written(written: str, value: float) -> None:
    assert number_value(written) == pytest.approx(value)


@pytest.mark.parametrize("written", ["", "ms", "1 potato"])
def test_refuses_what_is_no_number(written: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        number_value(written)


def test_milliwatts_and_megawatts_are_told_apart() -> None:
    assert [q.value for q in find_quantities("5 mW, 5 MW, 5 mw")] == [0.005, 5e6]


@given(unit=st.sampled_from(UNITS), value=st.floats(1e-3, 1e6), gap=st.sampled_from(["", " ", "-"]))
def test_every_unit_is_read_back(unit: Unit, value: float, gap: str) -> None:
    written = f"{value:.6f}"
    (found,) = find_quantities(f"It is {written}{gap}{unit.name} now")
    assert found.unit.dimension == unit.dimension
    assert found.value == pytest.approx(float(written) * unit.factor, rel=1e-9)


@given(unit=st.sampled_from(UNITS))
def test_a_unit_is_found_by_its_name(unit: Unit) -> None:
    assert unit_of(unit.name) == unit


PIECES = st.sampled_from(
    "under below at least between and 10 20 0,5 1.5k half a ms s GB W J gCO2e $ € % fps images per second day not than "
    "more accuracy batch of RAM offline ; . - – \n max. latency \u0663 ½ µs 1e99 999999999999999 clips each less".split(
        " "
    )
)


@given(
    text=st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=40).map(" ".join), st.lists(PIECES).map("".join))
)
def test_no_text_upsets_it(text: str) -> None:
    for limit in find_limits(text):
        known = LIMIT_NAMES[limit.name]
        assert limit.unit == known.unit
        assert limit.comparison in ("<=", ">=", "==")
        assert math.isfinite(limit.value)
        assert limit.found_in == "text"
        assert limit.excerpt
        assert limit.excerpt in text
        assert describe(limit)


def test_a_problem_can_be_read_without_its_limits() -> None:
    assert without_limits("Count cows at 30 fps offline").split() == ["Count", "cows", "at", "offline"]


def test_a_field_wins_over_the_text_and_says_so() -> None:
    requirements = gather(UserInput(text="within 100 ms, 4 GB", max_latency_s=0.05))
    assert [(one.name, one.value, one.found_in) for one in requirements.limits] == [
        ("latency_s", 0.05, "field:max_latency_s"),
        ("memory_bytes", 4e9, "text"),
    ]
    assert "latency at most 100 ms (“within 100 ms”), but the field counts" in explain(requirements)


def test_a_field_that_agrees_with_the_text_is_listed_once() -> None:
    requirements = gather(UserInput(text="within 100 ms", max_latency_s=0.1))
    assert len(requirements.limits) == 1
    assert requirements.overruled == ()


def test_the_tightest_limit_is_the_one_that_binds() -> None:
    requirements = gather(UserInput(text="4 GB of RAM, better below 2 GB of RAM"))
    assert requirements.tightest("memory_bytes") == 2e9
    assert math.isnan(requirements.tightest("power_w"))


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf])
def test_a_field_that_is_no_limit_is_refused_by_name(value: float) -> None:
    with pytest.raises(BadLimit, match="max_memory_bytes is"):
        gather(UserInput(max_memory_bytes=value))
