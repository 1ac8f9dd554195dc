"""The loop without a node: it always ends, repeats nothing, keeps the best, and says why in numbers."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loop_world import DeviceFacts, LoopWorld, ModelFacts, Run, about, whole_loop, wish

from hedgerow_idl import Estimate, HWConstraints, UserInput
from hedgerow_nodes.estimators.optimization.answer import optimization
from hedgerow_nodes.estimators.optimization.answers import Answers, figure, in_words
from hedgerow_nodes.estimators.optimization.comparison import compared
from hedgerow_nodes.estimators.optimization.decision import DECISIONS

NAN = math.nan
BIG = ModelFacts("big", 0.4, 0.80, 4e7)
MIDDLE = ModelFacts("middle", 0.1, 0.75, 1e7)
SMALL = ModelFacts("small", 0.02, 0.60, 2e6)
WASTEFUL = ModelFacts("wasteful", 0.2, 0.50, 2e7)
FAST = DeviceFacts("fast", 20.0, 300.0)
THRIFTY = DeviceFacts("thrifty", 2.0, 5.0)
WORLD = LoopWorld((BIG, MIDDLE, SMALL, WASTEFUL), (THRIFTY, FAST))


def words(runs: list[Run]) -> list[str]:
    return [run.said.decision if run.said else "failed" for run in runs]


def models(runs: list[Run]) -> list[str]:
    return [run.answers.model.chosen for run in runs if run.answers]


def last(runs: list[Run]) -> Any:
    assert runs[-1].said is not None
    return runs[-1].said


class TestTheMove:
    def test_what_gives_up_least_accuracy_of_what_reaches_the_target(self) -> None:
        """big takes 200 ms on thrifty; middle reaches 60 ms with 50 ms, small with 10 ms and less accuracy."""
        runs = whole_loop(WORLD, wish(target="latency_ms", value=60.0, required_device="thrifty"))
        assert (models(runs), words(runs)) == (["big", "middle"], ["continue", "target_met"])

    def test_the_greatest_improvement_where_there_is_no_target(self) -> None:
        runs = whole_loop(WORLD, wish(target="energy_j", precision="fp32"))
        assert models(runs) == ["big", "small"]
        assert last(runs).decision == "nothing_better"
        assert last(runs).best[0].iteration_id == 2

    def test_another_device_where_that_is_the_way(self) -> None:
        runs = whole_loop(WORLD, wish(target="latency_ms", value=25.0))
        assert [run.answers.hardware.chosen for run in runs if run.answers] == ["thrifty", "fast"]
        assert models(runs) == ["big", "big"]
        assert last(runs).decision == "target_met"

    def test_a_smaller_precision_halves_the_weights(self) -> None:
        """40 MB of weights and 1 MB of activations: fp16 is expected at 21 MB, int8 at 11 MB."""
        for value, precision, expected in ((22.0, "fp16", 21.0), (15.0, "int8", 11.0)):
            runs = whole_loop(WORLD, wish(target="memory_mb", value=value, required_model="big"))
            first = runs[0].said
            assert first is not None
            assert (first.change[0].what, first.change[0].after) == ("precision", precision)
            assert first.change[0].expected.value == pytest.approx(expected)
            assert last(runs).value.value == pytest.approx(expected)
            assert words(runs) == ["continue", "target_met"]

    def test_a_precision_that_was_asked_for_and_not_given_is_not_asked_again(self) -> None:
        world = LoopWorld((BIG,), (THRIFTY,), only_fp32=True)
        runs = whole_loop(world, wish(target="memory_mb"))
        assert [run.asked.precision for run in runs] == ["", "int8"]
        assert words(runs) == ["continue", "nothing_better"]

    def test_another_device_comes_before_a_smaller_precision_where_both_reach_the_target(self) -> None:
        held = DeviceFacts("held", 2.0, 5.0, bound="memory")
        runs = whole_loop(LoopWorld((BIG,), (held, FAST)), wish(target="latency_ms", value=150.0))
        assert [run.asked.required_device for run in runs] == ["", "fast"]

    def test_what_cannot_be_told_comes_last(self) -> None:
        """On a device held back by computing nothing says what fp16 brings; it is tried when all else is spent."""
        runs = whole_loop(WORLD, wish(target="energy_j", required_model="big", required_device="thrifty"))
        changes = [run.said.change[0] for run in runs if run.said and run.said.change]
        assert [change.after for change in changes] == ["fp16", "int8"]
        assert all(math.isnan(change.expected.value) for change in changes)
        assert words(runs)[-1] == "nothing_better"

    def test_what_the_user_has_fixed_stays(self) -> None:
        asked = wish(required_model="big", required_device="fast", precision="fp32", location="PL")
        runs = whole_loop(WORLD, asked)
        assert words(runs) == ["nothing_better"]
        for name in ("model", "precision", "device", "region (no other is allowed)"):
            assert name in last(runs).explanation

    def test_a_device_that_the_text_asks_for_stays_in_every_iteration(self) -> None:
        answers = WORLD.answer(wish(target="latency_ms"), 1, [])
        assert answers is not None
        bound = Answers(
            answers.user_input,
            answers.model,
            answers.hardware,
            answers.carbon,
            HWConstraints(required_device="thrifty"),
        )
        said = optimization(bound)
        assert said.change[0].what == "model"
        assert said.next_input[0].optimization.trials[0].device == "thrifty"

    def test_a_model_with_no_known_accuracy_does_not_replace_one_with(self) -> None:
        world = LoopWorld((BIG, ModelFacts("strange", 0.001)), (THRIFTY,))
        assert models(whole_loop(world, wish(precision="fp32"))) == ["big"]

    def test_a_model_that_breaks_a_limit_is_never_taken(self) -> None:
        world = LoopWorld((BIG, ModelFacts("weak", 0.001, 0.79, rejected="accuracy below 0.8")), (THRIFTY,))
        assert models(whole_loop(world, wish(precision="fp32"))) == ["big"]


class TestRegions:
    def test_no_other_country_unless_it_is_allowed(self) -> None:
        runs = whole_loop(WORLD, wish(location="PL"))
        assert {run.asked.location for run in runs} == {"PL"}

    def test_an_allowed_country_with_a_cleaner_grid(self) -> None:
        asked = wish(location="PL", allow_regions=["DE", "Atlantis", "Sweden"], precision="fp32", required_model="big")
        runs = whole_loop(WORLD, asked)
        assert [run.asked.location for run in runs] == ["PL", "Sweden"]
        assert "left out: Atlantis" in last(runs).explanation

    def test_anywhere_is_the_cleanest_grid_of_all_and_then_no_other(self) -> None:
        runs = whole_loop(WORLD, wish(allow_regions=["any"], precision="fp32", required_model="big"))
        assert len(runs) == 2
        assert last(runs).decision == "nothing_better"

    def test_a_region_changes_nothing_but_carbon(self) -> None:
        runs = whole_loop(WORLD, wish(target="latency_ms", allow_regions=["any"], required_model="big"))
        assert {run.asked.location for run in runs} == {""}


class TestTheEnd:
    def test_a_target_that_is_met_at_once(self) -> None:
        runs = whole_loop(WORLD, wish(target="latency_ms", value=1e6))
        assert words(runs) == ["target_met"]
        assert "its whole interval" in last(runs).explanation

    def test_a_target_that_is_met_by_the_value_only_says_so(self) -> None:
        runs = whole_loop(WORLD, wish(target="latency_ms", value=210.0))
        assert "its interval reaches above" in last(runs).explanation

    def test_the_budget(self) -> None:
        runs = whole_loop(WORLD, wish(target="latency_ms", value=1e-9, most=2))
        assert words(runs) == ["continue", "budget_spent"]
        assert "its 2 iterations are spent" in last(runs).explanation
        assert "times the target" in last(runs).explanation

    def test_manual_waits_with_one_proposal(self) -> None:
        [run] = whole_loop(WORLD, wish("manual", "latency_ms", 60.0))
        assert run.said is not None
        assert (run.said.decision, len(run.said.next_input)) == ("waits_for_user", 1)
        assert run.said.explanation.count("Proposed: ") == 1

    def test_without_a_loop_it_only_compares(self) -> None:
        answers = WORLD.answer(UserInput(text="x"), 1, [])
        assert answers is not None
        said = optimization(answers)
        assert (said.decision, said.next_input, said.comparison) == ("off", [], [])

    def test_a_figure_that_is_unknown_ends_it(self) -> None:
        answers = WORLD.answer(wish(), 1, [])
        assert answers is not None
        answers.carbon.carbon_gco2e = Estimate()
        said = optimization(answers)
        assert (said.decision, said.best) == ("nothing_better", [])
        assert "gco2e is not known" in said.explanation

    def test_an_iteration_that_fails_is_not_the_end(self) -> None:
        world = LoopWorld(WORLD.models, WORLD.devices, fails=frozenset({"middle"}))
        runs = whole_loop(world, wish(target="latency_ms", value=60.0, required_device="thrifty"))
        assert words(runs) == ["continue", "failed", "target_met"]
        assert models(runs) == ["big", "small"]
        assert runs[2].asked.optimization.trials[1].model == "middle"


class TestCandidates:
    def test_as_many_different_models_as_were_asked_for(self) -> None:
        runs = whole_loop(WORLD, wish("candidates", "", most=3))
        assert models(runs) == ["big", "middle", "small"]
        assert words(runs) == ["continue", "continue", "delivered"]

    def test_fewer_with_the_reason(self) -> None:
        world = LoopWorld((BIG, ModelFacts("weak", 1.0, rejected="too slow"), SMALL), (THRIFTY,))
        runs = whole_loop(world, wish("candidates", "", most=5))
        assert models(runs) == ["big", "small"]
        assert words(runs) == ["continue", "nothing_better"]
        assert "Only 2 of 5 different models" in last(runs).explanation


class TestComparison:
    def test_a_difference_within_the_intervals_is_none(self) -> None:
        found = compared("latency_s", about(0.010, 2.0), about(0.007, 2.0))
        assert (found.verdict, found.overlap, found.ratio) == ("no difference", True, pytest.approx(0.7))

    def test_a_difference_beyond_them_has_a_side(self) -> None:
        assert compared("latency_s", about(0.010, 1.1), about(0.001, 1.1)).verdict == "better"
        assert compared("latency_s", about(0.001, 1.1), about(0.010, 1.1)).verdict == "worse"
        assert compared("accuracy", about(0.5, 1.0), about(0.6, 1.0)).verdict == "better"

    def test_what_is_unknown_has_no_verdict(self) -> None:
        found = compared("energy_j", Estimate(), about(1.0))
        assert found.verdict == "unknown"
        assert math.isnan(found.ratio)

    def test_each_iteration_is_compared_with_the_one_before(self) -> None:
        runs = whole_loop(
            LoopWorld(WORLD.models, WORLD.devices, factor=1.1),
            wish(target="latency_ms", value=60.0, required_device="thrifty"),
        )
        assert str(last(runs).previous) == "1.1"
        verdicts = {one.name: one.verdict for one in last(runs).comparison}
        assert verdicts == {
            "latency_s": "better",
            "energy_j": "better",
            "memory_bytes": "better",
            "carbon_gco2e": "better",
            "accuracy": "worse",
        }
        assert "latency 200 ms then, 50 ms now (better, 0.25 times)" in last(runs).explanation


figures = st.floats(1e-4, 10.0)
names = st.sampled_from(["a", "b", "c", "d", "e"])
models_of = st.lists(
    st.builds(
        ModelFacts,
        id=names,
        work_s=figures | st.just(NAN),
        accuracy=st.floats(0, 1) | st.just(NAN),
        weights_bytes=st.floats(1e3, 1e9),
        rejected=st.sampled_from(["", "", "", "too slow"]),
        metric=st.sampled_from(["top-1", "mAP"]),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda one: one.id,
)
devices_of = st.lists(
    st.builds(
        DeviceFacts,
        id=st.sampled_from(["x", "y", "z"]),
        speed=st.floats(0.1, 100.0),
        power_w=st.floats(0.1, 500.0),
        rejected=st.sampled_from(["", "", "too small"]),
        bound=st.sampled_from(["compute", "memory"]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda one: one.id,
).filter(lambda found: any(not one.rejected for one in found))


@settings(max_examples=250, deadline=None)
@given(
    models_there=models_of.filter(lambda found: any(not one.rejected for one in found)),
    devices_there=devices_of,
    target=st.sampled_from(["gco2e", "latency_ms", "energy_j", "memory_mb"]),
    value=st.floats(1e-6, 1e4) | st.just(NAN),
    most=st.integers(1, 12),
    regions=st.lists(st.sampled_from(["any", "DE", "Sweden", "FR", "nowhere"]), max_size=3),
    fails=st.frozensets(st.sampled_from(["b", "d", "y", "fp16", "int8"]), max_size=2),
    fixed=st.fixed_dictionaries({}, optional={"precision": st.sampled_from(["fp32", "fp16"])}),
)
def test_whatever_there_is_the_loop_ends_repeats_nothing_and_keeps_the_best(
    models_there: list[ModelFacts],
    devices_there: list[DeviceFacts],
    target: str,
    value: float,
    most: int,
    regions: list[str],
    fails: frozenset[str],
    fixed: dict[str, str],
) -> None:
    world = LoopWorld(tuple(models_there), tuple(devices_there), fails=fails)
    runs = whole_loop(world, wish("auto", target, value, most, allow_regions=regions, **fixed))
    assert len(runs) <= most
    asked = [(r.asked.required_model, r.asked.precision, r.asked.required_device, r.asked.location) for r in runs]
    assert len(set(asked)) == len(asked), "a state was asked for twice"
    said = [run.said for run in runs if run.said is not None]
    if not said:
        return
    assert all(one.decision in DECISIONS for one in said)
    ended = said[-1].decision
    assert ended in ("target_met", "nothing_better", "budget_spent") or words(runs)[-1] == "failed"
    seen = [figure(target, run.answers.hardware, run.answers.carbon).value for run in runs if run.answers]
    known = [one for one in seen if not math.isnan(one)]
    if known:
        assert said[-1].best[0].value == min(known)
        assert (ended == "target_met") == (min(known) <= value)
        assert in_words(min(known), target)
    for run in runs:
        if run.said is not None and run.said.decision == "continue":
            assert run.said.change
            assert run.said.explanation.endswith(".")
    allowed = {"", *({"Germany", "Sweden", "France"} if "any" not in regions else set())}
    if "any" not in regions:
        assert {run.asked.location for run in runs} <= allowed


@settings(max_examples=100, deadline=None)
@given(there=models_of.filter(lambda found: any(not one.rejected for one in found)), most=st.integers(2, 8))
def test_candidates_are_always_different_and_as_many_as_there_are(there: list[ModelFacts], most: int) -> None:
    runs = whole_loop(LoopWorld(tuple(there), (THRIFTY,)), wish("candidates", "", most=most))
    usable = [one.id for one in there if not one.rejected]
    assert sorted(models(runs)) == sorted(usable[:most])
    assert words(runs)[-1] == ("delivered" if len(usable) >= most else "nothing_better")
