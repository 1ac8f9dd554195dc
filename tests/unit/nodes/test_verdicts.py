"""How the limits that a user stated are judged by what an iteration answered."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_idl import Limit
from hedgerow_nodes.estimators.text.limit_names import LIMIT_NAMES
from hedgerow_nodes.estimators.verdicts.answered import Answered, answers_of
from hedgerow_nodes.estimators.verdicts.judgement import judge_limits, judge_outputs
from hedgerow_nodes.estimators.verdicts.verdict import Judgement, Verdict


def _limit(name: str, value: float, comparison: str = "") -> dict[str, Any]:
    known = LIMIT_NAMES[name]
    return {
        "name": name,
        "comparison": comparison or known.comparison,
        "value": value,
        "unit": known.unit,
        "found_in": "text",
        "excerpt": "so it was written",
    }


def _estimate(value: float, low: float, high: float) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "method": "roofline", "source": "data sheet"}


OUTPUTS: dict[str, dict[str, Any]] = {
    "ml_model_provider": {
        "chosen": "m",
        "weights_bytes": 2e7,
        "parameters": 5_000_000,
        "passes_per_inference": 64,
        "latency_s": _estimate(0.9, 0.8, 1.0),
        "candidates": [
            {"id": "other", "accuracy": 0.1, "accuracy_metric": "ImageNet-1k top-1", "accuracy_source": "a"},
            {"id": "m", "accuracy": 75.0, "accuracy_metric": "ImageNet-1k top-1", "accuracy_source": "paper"},
        ],
    },
    "hw_resources": {
        "chosen": "nvidia-jetson-nano",
        "device_class": "edge",
        "latency_s": _estimate(0.05, 0.025, 0.1),
        "memory_required_bytes": _estimate(1e8, 1e8, 1e8),
        "power_w": _estimate(8.0, 4.0, 16.0),
        "energy_j": _estimate(0.4, 0.2, 0.8),
    },
    "carbon_footprint": {"carbon_gco2e": _estimate(1e-4, 5e-5, 2e-4)},
}


def _judge(*limits: dict[str, Any], **changes: dict[str, Any]) -> list[Judgement]:
    return list(judge_outputs({**OUTPUTS, "app_requirements": {"limits": list(limits)}, **changes}))


@pytest.mark.parametrize(
    ("name", "value", "verdict", "certain", "missed_by"),
    [
        ("latency_s", 0.2, "met", True, None),
        ("latency_s", 0.06, "met", False, None),
        ("latency_s", 0.05, "met", False, None),
        ("latency_s", 0.04, "missed", False, 0.01),
        ("latency_s", 0.01, "missed", True, 0.04),
        ("throughput_per_s", 10.0, "met", True, None),
        ("throughput_per_s", 30.0, "missed", False, 10.0),
        ("tokens_per_s", 100.0, "met", True, None),
        ("memory_bytes", 4e9, "met", True, None),
        ("memory_bytes", 1.0, "missed", True, 1e8 - 1),
        ("model_size_bytes", 1e7, "missed", True, 1e7),
        ("model_parameters", 1e7, "met", True, None),
        ("power_w", 5.0, "missed", False, 3.0),
        ("carbon_gco2e", 1e-3, "met", True, None),
        ("accuracy", 0.8, "missed", True, 0.05),
        ("accuracy", 0.7, "met", True, None),
        ("f1", 0.7, "unknown", False, None),
        ("price_eur", 100.0, "unknown", False, None),
        ("offline", 1.0, "unknown", False, None),
        ("energy_j_per_day", 1.0, "unknown", False, None),
    ],
)
def test_each_limit_is_met_missed_by_so_much_or_unknown(
    name: str, value: float, verdict: str, certain: bool, missed_by: float | None
) -> None:
    (judgement,) = _judge(_limit(name, value))
    assert (judgement.verdict, judgement.certain) == (verdict, certain)
    assert judgement.missed_by == (None if missed_by is None else pytest.approx(missed_by))
    assert verdict in judgement.said
    assert ("holds the limit" in judgement.said) == (verdict != "unknown" and not certain)


def test_the_distance_is_said_in_the_limits_unit_and_as_a_factor() -> None:
    (judgement,) = _judge(_limit("latency_s", 0.01))
    assert judgement.said == "latency at most 10 ms: missed by 40 ms, 5 times the limit, with 50 ms (roofline)."


def test_a_day_is_judged_at_the_volume_that_the_user_gave() -> None:
    volume, energy = _judge(_limit("volume_per_s", 100 / 86_400), _limit("energy_j_per_day", 50.0))
    assert volume.verdict is Verdict.MET
    assert (energy.verdict, energy.certain) == (Verdict.MET, False)
    assert "at 100 inferences a day" in energy.said


def test_without_hardware_the_time_of_this_host_counts_and_without_anything_nothing_is_known() -> None:
    (judgement,) = _judge(_limit("latency_s", 1.0), hw_resources={})
    assert judgement.verdict is Verdict.MET
    assert judgement.answer is not None
    assert judgement.answer.value == 0.9
    assert judge_outputs({}) == ()
    (unknown,) = judge_outputs({"app_requirements": {"limits": [_limit("latency_s", 1.0)]}})
    assert unknown.verdict is Verdict.UNKNOWN


def test_nan_and_null_are_unknown_and_never_nought() -> None:
    for nothing in (None, math.nan, {}, {"value": None}, {"value": math.nan, "low": 0.0, "high": 1.0}):
        (judgement,) = _judge(_limit("latency_s", 1.0), hw_resources={"latency_s": nothing}, ml_model_provider={})
        assert judgement.verdict is Verdict.UNKNOWN


def test_a_limit_that_both_nodes_found_is_judged_once() -> None:
    both = _judge(_limit("power_w", 5.0), _limit("latency_s", 1.0), hw_constraints={"limits": [_limit("power_w", 5.0)]})
    assert [one.limit.name for one in both] == ["power_w", "latency_s"]


@pytest.mark.parametrize(
    ("wish", "verdict"),
    [
        ({"required_device": "nvidia-jetson-nano", "device_class": "edge"}, "met"),
        ({"required_device": "nvidia-a10", "device_class": "gpu"}, "missed"),
        ({"device_class": "edge"}, "met"),
        ({"device_class": "microcontroller"}, "missed"),
        ({"device_family": "Jetson"}, "met"),
        ({"device_family": "Raspberry Pi"}, "missed"),
    ],
)
def test_the_device_asked_for_is_judged_too(wish: dict[str, Any], verdict: str) -> None:
    (judgement,) = _judge(hw_constraints=wish)
    assert judgement.verdict == verdict
    assert "nvidia-jetson-nano was chosen" in judgement.said


def test_a_class_of_a_device_that_nobody_knows_is_unknown() -> None:
    (judgement,) = _judge(
        hw_constraints={"device_class": "gpu"}, hw_resources={"chosen": "own", "device_class": "server"}
    )
    assert judgement.verdict is Verdict.UNKNOWN
    (judgement,) = _judge(hw_constraints={"device_class": "gpu"}, hw_resources={})
    assert "no device was chosen" in judgement.said


@pytest.mark.parametrize(
    "change",
    [
        {"name": []},
        {"name": "charm"},
        {"value": None},
        {"value": True},
        {"value": math.nan},
        {"comparison": "~"},
        {"comparison": {}},
        {"unit": "ms"},
        {"excerpt": 7},
    ],
)
def test_what_is_no_limit_that_is_known_is_left_out(change: dict[str, Any]) -> None:
    assert [one.limit.name for one in _judge(_limit("latency_s", 1.0) | change, _limit("power_w", 1.0))] == ["power_w"]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "low", "limits", "name", "candidates", "id"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["app_requirements", "hw_constraints", "hw_resources", "ml_model_provider"]),
        st.dictionaries(
            st.sampled_from(["limits", "latency_s", "candidates", "chosen", "weights_bytes"]), JSON, max_size=4
        ),
        max_size=4,
    )
)
def test_no_output_of_a_stranger_upsets_it(outputs: dict[str, dict[str, Any]]) -> None:
    for judgement in judge_outputs({"app_requirements": {"limits": [_limit("latency_s", 1.0)]}} | outputs):
        assert judgement.said


@given(st.floats(0.001, 1000), st.floats(0.001, 1000), st.floats(1, 10), st.sampled_from(["<=", ">="]))
def test_a_certain_verdict_holds_all_over_the_interval(value: float, bound: float, factor: float, sign: str) -> None:
    answer = Answered(value, value / factor, value * factor, "m", "s")
    limit = Limit(name="latency_s", comparison=sign, value=bound, unit="s")
    (judgement,) = judge_limits([limit], {"latency_s": answer})
    sides = {one <= bound if sign == "<=" else one >= bound for one in (answer.low, answer.value, answer.high)}
    assert judgement.certain == (len(sides) == 1)
    assert (judgement.verdict is Verdict.MET) == (value <= bound if sign == "<=" else value >= bound)
    assert (judgement.missed_by is None) == (judgement.verdict is Verdict.MET)


def test_every_figure_names_its_method() -> None:
    answers = answers_of(OUTPUTS)
    assert {"latency_s", "throughput_per_s", "memory_bytes", "power_w", "energy_j", "accuracy"} <= set(answers)
    assert all(one.method and one.source and one.low <= one.value <= one.high for one in answers.values())
