"""The choice of a model: its rule, the limits, the names, the words; nothing here measures anything."""

from __future__ import annotations

import dataclasses
import math
import random
from typing import Any

import msgspec
import pytest
from executed import report
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_idl import (
    AppRequirements,
    Baselines,
    Calibration,
    CarbonFootprint,
    Estimate,
    HWConstraints,
    Limit,
    MLModel,
    MLModelMetadata,
    TaskId,
    TaskScore,
    UserInput,
)
from hedgerow_nodes.estimators.models.answer import answer
from hedgerow_nodes.estimators.models.candidate_costs import UnknownEfficiency, latency, memory
from hedgerow_nodes.estimators.models.catalogue import Accuracy, Catalogue, CatalogueModel, Generation, Weights, load
from hedgerow_nodes.estimators.models.choice import Choice, choose
from hedgerow_nodes.estimators.models.wish import NoModel, Wish, gather

TASK = "object-detection"
HOST = Calibration(id="abc", host="hedge", threads=1, compute_flops_per_s=1e11, bandwidth_bytes_per_s=2e10)
SHIPPED = Weights(kind="bundled", file="x.onnx", licence="MIT", data="trained on leaves")
MAP = "COCO val2017 mAP@0.5:0.95"


def model(name: str, gflop: float = 1.0, **changes: Any) -> CatalogueModel:
    values: dict[str, Any] = {
        "id": name,
        "family": "Leaf",
        "efficiency": "dense cnn, torch",
        "tasks": (TASK,),
        "inference": "one forward pass",
        "parameters": 10_000_000,
        "flops": int(gflop * 1e9),
        "activation_bytes": 1_000_000,
        "moved_bytes": 1_000_000,
        "counted_by": "hand",
        "inputs": {},
    }
    return CatalogueModel(**(values | changes))


def scored(value: float, metric: str = MAP) -> Accuracy:
    return Accuracy(metric=metric, value=value, source="a paper")


def catalogue(*models: CatalogueModel) -> Catalogue:
    return Catalogue(format=1, conventions={}, software={}, models=models)


def within(name: str, value: float, comparison: str = "<=") -> Limit:
    return Limit(name=name, comparison=comparison, value=value)


def chosen(choice: Choice) -> str:
    assert choice.chosen is not None
    return choice.chosen.model.id


def words(choice: Choice, **changes: Any) -> str:
    return answer(choice, weights="bundled", baselines=Baselines(), not_run="a test", **changes).explanation


# ---- the rule -------------------------------------------------------------------------------------------------------


def test_weights_at_hand_come_before_speed() -> None:
    models = catalogue(model("fast", 1), model("here", 9, weights=SHIPPED))
    assert chosen(choose(models, Wish(task=TASK), HOST)) == "here"


def test_a_known_accuracy_comes_before_speed() -> None:
    models = catalogue(model("fast", 1), model("known", 9, accuracy=scored(0.3)))
    assert chosen(choose(models, Wish(task=TASK), HOST)) == "known"


def test_then_the_least_time_and_then_the_id() -> None:
    assert chosen(choose(catalogue(model("slow", 2), model("fast", 1)), Wish(task=TASK), HOST)) == "fast"
    assert chosen(choose(catalogue(model("b"), model("a")), Wish(task=TASK), HOST)) == "a"


def test_a_limit_comes_before_everything() -> None:
    models = catalogue(model("here", 9, weights=SHIPPED), model("fast", 1))
    choice = choose(models, Wish(task=TASK, limits=(within("latency_s", 0.05),)), HOST)
    assert chosen(choice) == "fast"
    assert "50 ms are allowed" in choice.candidates[1].rejected


def test_an_open_hub_makes_all_weights_equal() -> None:
    models = catalogue(model("here", 9, weights=SHIPPED), model("fast", 1))
    choice = choose(models, Wish(task=TASK), HOST, allow_hub=True)
    assert chosen(choice) == "fast"
    assert choice.candidates[0].weights == "hub"


@given(seed=st.integers(0, 2**32), scale=st.floats(0.1, 10), limit_s=st.floats(1e-3, 30))
def test_the_same_question_has_the_same_answer(seed: int, scale: float, limit_s: float) -> None:
    tasks = load().tasks()
    wish = Wish(task=tasks[seed % len(tasks)], limits=(within("latency_s", limit_s),))
    host = dataclasses.replace(HOST, compute_flops_per_s=1e11 * scale, bandwidth_bytes_per_s=2e10 * scale)
    shuffled = list(load().models)
    random.Random(seed).shuffle(shuffled)
    answers = []
    for models in (load(), msgspec.structs.replace(load(), models=tuple(shuffled))):
        try:
            choice = choose(models, wish, host)
        except NoModel as error:
            answers.append((str(error), ""))
            continue
        assert choice.chosen is not None
        assert not choice.chosen.breaches
        assert choice.chosen.latency_s.value <= limit_s
        assert all(c.rejected for c in choice.candidates if c.latency_s.value > limit_s)
        answers.append((chosen(choice), words(choice)))
    assert answers[0] == answers[1]


# ---- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "kept"),
    [
        (within("latency_s", 0.02), True),
        (within("latency_s", 0.01), False),
        (within("throughput_per_s", 50, ">="), True),
        (within("throughput_per_s", 100, ">="), False),
        (within("memory_bytes", 41e6), True),
        (within("memory_bytes", 40.9e6), False),
        (within("model_size_bytes", 40e6), True),
        (within("model_size_bytes", 39e6), False),
        (within("model_parameters", 9e6), False),
        (within("map", 0.3, ">="), True),
        (within("map", 0.31, ">="), False),
        (within("accuracy", 0.99, ">="), True),
        (within("power_w", 0.001), True),
        (within("latency_s", 5.0, ">="), True),
    ],
)
def test_each_limit_is_kept_or_broken(limit: Limit, kept: bool) -> None:
    models = catalogue(model("one", accuracy=scored(0.3)))
    wish = Wish(task=TASK, limits=(limit,))
    if kept:
        assert chosen(choose(models, wish, HOST)) == "one"
    else:
        with pytest.raises(NoModel):
            choose(models, wish, HOST)


def test_tokens_a_second_are_judged_for_generation_only() -> None:
    talker = model("talker", generation=Generation(prompt_tokens=8, new_tokens=10))
    wish = Wish(task=TASK, limits=(within("tokens_per_s", 1000, ">="),))
    assert chosen(choose(catalogue(talker, model("one", 9)), wish, HOST)) == "one"


def test_a_worse_word_error_rate_is_out() -> None:
    models = catalogue(model("one", accuracy=scored(0.08, "LibriSpeech test-clean WER (lower is better)")))
    with pytest.raises(NoModel, match=r"at most 0\.05 is wanted"):
        choose(models, Wish(task=TASK, limits=(within("word_error_rate", 0.05),)), HOST)


def test_a_quality_that_nobody_published_is_remarked() -> None:
    choice = choose(catalogue(model("one")), Wish(task=TASK, limits=(within("accuracy", 0.9, ">="),)), HOST)
    assert "accuracy of 0.9 cannot be judged" in words(choice)


def test_an_interval_over_the_limit_is_remarked() -> None:
    choice = choose(catalogue(model("one")), Wish(task=TASK, limits=(within("latency_s", 0.017),)), HOST)
    assert "may take up to" in words(choice)


def test_latency_on_another_device_is_left_to_others() -> None:
    note = "latency is judged by hw_resources"
    wish = Wish(task=TASK, limits=(within("latency_s", 1e-6),), latency_note=note)
    choice = choose(catalogue(model("one")), wish, HOST)
    assert chosen(choice) == "one"
    assert note in words(choice)


# ---- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["owner/leaf-1", "LEAF-1", "Owner/Leaf-1", "leaf-1"])
def test_excluded_by_id_or_its_last_part(name: str) -> None:
    models = catalogue(model("owner/leaf-1"), model("owner/leaf-2", 5))
    choice = choose(models, Wish(task=TASK, excluded=(name,)), HOST)
    assert chosen(choice) == "owner/leaf-2"
    assert choice.candidates[1].rejected == "excluded by the user"


def test_excluded_by_family() -> None:
    with pytest.raises(NoModel, match=r"of 2 models for object-detection none is left: 2 excluded"):
        choose(catalogue(model("a"), model("b")), Wish(task=TASK, excluded=("leaf",)), HOST)


def test_a_required_model_wins_and_is_judged() -> None:
    models = catalogue(model("slow", 90), model("fast", 1, weights=SHIPPED))
    choice = choose(models, Wish(task=TASK, required="slow", limits=(within("latency_s", 0.1),)), HOST)
    assert chosen(choice) == "slow"
    text = words(choice)
    assert "It is required" in text
    assert "It breaks what was asked for: would take 1.39 s" in text
    made = answer(choice, weights="x", baselines=Baselines(), not_run="a test")
    assert {c.id: c.rejected for c in made.candidates}["fast"] == "slow is required"


def test_a_required_model_for_another_task_says_so() -> None:
    models = catalogue(model("talker", tasks=("text-generation",)), model("one"))
    choice = choose(models, Wish(task=TASK, required="talker"), HOST)
    assert chosen(choice) == "talker"
    assert "listed for text-generation, not for object-detection" in words(choice)


def test_a_required_model_from_outside_is_left_open() -> None:
    assert choose(catalogue(model("one")), Wish(task=TASK, required="/models/m.onnx"), HOST).chosen is None


def test_no_model_counts_every_group() -> None:
    models = catalogue(model("a", 90), model("b", 80), model("c"))
    with pytest.raises(NoModel) as caught:
        choose(models, Wish(task=TASK, excluded=("c",), limits=(within("latency_s", 0.1),)), HOST)
    text = str(caught.value)
    assert "of 3 models" in text
    assert "2 too slow (best: b, would take 1.23 s" in text
    assert "1 excluded (best: c" in text


# ---- what the wish is gathered from ---------------------------------------------------------------------------------


def metadata(*tasks: str, unsure: bool = False) -> MLModelMetadata:
    return MLModelMetadata(tasks=[TaskScore(id=task, score=0.5) for task in tasks], unsure=unsure)


def gathered(found: MLModelMetadata, user: UserInput | None = None, hardware: HWConstraints | None = None) -> Wish:
    requirements = AppRequirements(limits=[within("latency_s", 0.1)])
    return gather(user or UserInput(), found, requirements, hardware or HWConstraints(), catalogue(model("one")))


def test_limits_come_from_every_message_once() -> None:
    user = UserInput(max_latency_s=0.1, max_memory_bytes=5e8)
    wish = gathered(metadata(TASK), user, HWConstraints(max_memory_bytes=4e8))
    assert [(limit.name, limit.value) for limit in wish.limits] == [
        ("latency_s", 0.1),
        ("memory_bytes", 4e8),
        ("memory_bytes", 5e8),
    ]


def test_a_sure_task_without_models_is_refused_with_the_known() -> None:
    with pytest.raises(NoModel, match=r"'text-to-video'; it has models for object-detection"):
        gathered(metadata("text-to-video", TASK))


def test_an_unsure_task_falls_back_and_says_so() -> None:
    wish = gathered(metadata("text-to-video", TASK, unsure=True))
    assert wish.task == TASK
    assert "text-to-video" in wish.task_note


def test_no_task_at_all_is_refused() -> None:
    with pytest.raises(NoModel, match="state a goal"):
        gathered(metadata())


@pytest.mark.parametrize(
    ("user", "hardware", "noted"),
    [
        (UserInput(), HWConstraints(device_class="edge"), False),
        (UserInput(), HWConstraints(device_class="gpu"), True),
        (UserInput(), HWConstraints(required_device="H100"), True),
        (UserInput(required_device="H100"), HWConstraints(), True),
    ],
)
def test_a_faster_device_takes_latency_from_this_host(user: UserInput, hardware: HWConstraints, noted: bool) -> None:
    assert bool(gathered(metadata(TASK), user, hardware).latency_note) == noted


# ---- costs ----------------------------------------------------------------------------------------------------------


def test_latency_is_the_higher_roof() -> None:
    compute = latency(model("c", 65), HOST)
    assert compute.value == pytest.approx(65e9 / (0.65 * 1e11) + 0.001)
    bytes_bound = latency(model("m", 0.001, moved_bytes=10**10), HOST)
    assert bytes_bound.value == pytest.approx(1e10 / (0.5 * 2e10) + 0.001)
    assert compute.low < compute.value < compute.high


def test_a_faster_host_is_faster() -> None:
    twice = dataclasses.replace(HOST, compute_flops_per_s=2e11, bandwidth_bytes_per_s=4e10)
    for entry in load().models:
        assert latency(entry, twice).value < latency(entry, HOST).value


def test_memory_is_weights_and_activations() -> None:
    bounds = memory(model("one"))
    assert (bounds.value, bounds.low) == (41e6, 40e6)


def test_an_unknown_kind_names_the_known() -> None:
    with pytest.raises(UnknownEfficiency, match="'magic' unknown; known: dense cnn, onnxruntime"):
        latency(model("one", efficiency="magic"), HOST)


# ---- words ----------------------------------------------------------------------------------------------------------


def test_the_next_two_are_explained() -> None:
    near = model("near", 2, weights=SHIPPED, accuracy=scored(0.25))
    models = catalogue(model("here", weights=SHIPPED, accuracy=scored(0.2)), near, model("bare", 1), model("far", 90))
    text = words(choose(models, Wish(task=TASK, limits=(within("latency_s", 1.0),)), HOST))
    assert "here (Leaf, 10 M parameters, 1 GFLOP" in text
    assert "What its weights know: trained on leaves." in text
    assert "Not near: it takes longer; it would take 31.8 ms" in text
    assert "Not bare: there is its architecture only, without trained weights" in text
    assert "1 too slow" in text
    assert "It was not run: a test." in text


def test_a_measured_run_is_told_with_its_agreement() -> None:
    choice = choose(catalogue(model("one", weights=SHIPPED)), Wish(task=TASK), HOST)
    made = answer(choice, weights="bundled", baselines=Baselines(), report=report())
    assert (made.latency_s.value, made.latency_s.method) == (0.0164, "measured")
    assert (made.latency_s.low, made.latency_s.high) == (0.01, 0.02)
    assert made.peak_memory_bytes.value == 5e7
    assert "agrees within a factor of 2" in made.explanation
    assert made.candidates[0].latency_s.method == "roofline"
    assert made.calibration.id == "abc"


@pytest.mark.parametrize(("cpu_s", "cause"), [(0.016, "the host was busy"), (0.05, "CPU time is 3.1 times")])
def test_a_disagreement_is_flagged(cpu_s: float, cause: str) -> None:
    choice = choose(catalogue(model("one")), Wish(task=TASK), HOST)
    text = answer(
        choice, weights="x", baselines=Baselines(), report=report(wall_p50_s=0.05, cpu_p50_s=cpu_s)
    ).explanation
    assert "DISAGREE" in text
    assert cause in text


def test_a_measured_breach_is_told() -> None:
    wish = Wish(task=TASK, limits=(within("latency_s", 0.018), within("memory_bytes", 45e6)))
    choice = choose(catalogue(model("one")), wish, HOST)
    text = answer(choice, weights="x", baselines=Baselines(), report=report()).explanation
    assert "One run in twenty was over the 18 ms" in text
    assert "needs more than the 45 MB allowed" in text


def test_an_outside_model_is_unknown_until_it_ran() -> None:
    choice = choose(catalogue(model("one")), Wish(task=TASK, required="/m.onnx"), HOST)
    made = answer(choice, weights="local", baselines=Baselines(), report=report(weights_bytes=7.0))
    assert made.chosen == "/m.onnx"
    assert made.weights_bytes == 7.0
    assert math.isnan(made.flops_per_inference)
    assert made.latency_s.method == "measured"
    known = answer(choice, weights="local", baselines=Baselines(), report=report(parameters=5, flops=9.0))
    assert (known.parameters, known.flops_per_inference) == (5, 9.0)


def test_the_previous_answer_is_compared() -> None:
    before = MLModel(chosen="old", latency_s=Estimate(value=0.05))
    baselines = Baselines(
        previous=TaskId(problem_id=3, iteration_id=1),
        ml_model_provider=[before],
        carbon_footprint=[CarbonFootprint(carbon_gco2e=Estimate(value=0.002))],
    )
    choice = choose(catalogue(model("one")), Wish(task=TASK), HOST)
    text = answer(choice, weights="x", baselines=baselines, report=report()).explanation
    assert "Compared with iteration 3.1: old then, one now" in text
    assert "50 ms then, 16.4 ms now" in text
    assert "2 mgCO2e per inference then" in text


def test_the_worked_example_ends_with_a_detector_that_ships() -> None:
    choice = choose(load(), Wish(task=TASK, limits=(within("latency_s", 0.1),)), HOST)
    assert chosen(choice) == "nanodet-g-416"
    assert choice.candidates[0].weights == "bundled"
