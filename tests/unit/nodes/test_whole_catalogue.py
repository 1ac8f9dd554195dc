"""Both catalogues as one, and what the whole of them says about a wish."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from hedgerow_idl import Baselines, Calibration, Limit
from hedgerow_nodes.estimators.models import catalogue, published, whole_catalogue
from hedgerow_nodes.estimators.models.alternatives import alternatives, ask_of, in_words, pool_of
from hedgerow_nodes.estimators.models.answer import MAX_PUBLISHED, answer
from hedgerow_nodes.estimators.models.candidate_costs import latency, memory
from hedgerow_nodes.estimators.models.choice import choose
from hedgerow_nodes.estimators.models.published import PublishedModel
from hedgerow_nodes.estimators.models.wish import Wish

HOST = Calibration(id="abc", host="hedge", threads=1, compute_flops_per_s=1e11, bandwidth_bytes_per_s=2e10)
TASK = "image-classification"


def limit(name: str, value: float, comparison: str = "<=") -> Limit:
    return Limit(name=name, comparison=comparison, value=value)


def test_it_has_every_model_that_is_counted_and_hundreds_of_others() -> None:
    whole = whole_catalogue.load()
    for model in catalogue.load().models:
        assert whole.get(model.id) == model
    others = [model for model in whole.models if model.published_only]
    assert len(others) >= 1000
    assert [model.id for model in whole.models] == sorted(model.id for model in whole.models)
    for model in others:
        assert min(model.parameters, model.flops, model.moved_bytes, model.activation_bytes) > 0
        assert latency(model, HOST).value > 0
        assert memory(model).low >= 4 * model.parameters


def test_a_model_without_figures_is_not_judged() -> None:
    model = PublishedModel(id="a/b", family="B", task=TASK, kind="dense cnn")
    with pytest.raises(ValueError, match="a/b"):
        whole_catalogue.as_catalogue_model(model, published.load())


def test_both_catalogues_word_a_metric_alike() -> None:
    whole = whole_catalogue.load()
    found = whole.get("torchvision/resnet50.imagenet1k_v2")
    assert found is not None
    assert found.accuracy is not None
    assert found.accuracy.metric == "ImageNet-1k top-1"
    assert "torchvision 0.28.0, torchvision/models/resnet.py" in found.accuracy.source


def test_what_can_be_run_here_comes_before_published_figures() -> None:
    choice = choose(whole_catalogue.load(), Wish(task=TASK), HOST)
    assert choice.chosen is not None
    assert not choice.chosen.model.published_only
    places = [candidate.model.published_only for candidate in choice.candidates if not candidate.breaches]
    assert places == sorted(places)


def test_published_figures_decide_where_nothing_else_is_good_enough() -> None:
    wish = Wish(task=TASK, limits=(limit("accuracy", 0.87, ">="), limit("latency_s", 60.0)))
    choice = choose(whole_catalogue.load(), wish, HOST)
    assert choice.chosen is not None
    assert choice.chosen.model.published_only
    assert choice.chosen.model.accuracy is not None
    assert choice.chosen.model.accuracy.value >= 0.87
    made = answer(choice, weights="none", baselines=Baselines(), not_run="a test")
    assert "published figures only" in made.explanation
    assert made.candidates[0].id == made.chosen
    assert made.candidates[0].source == choice.chosen.model.counted_by


def test_an_answer_lists_some_of_the_published_models_and_says_so() -> None:
    choice = choose(whole_catalogue.load(), Wish(task=TASK), HOST)
    made = answer(choice, weights="none", baselines=Baselines(), not_run="a test")
    own = [candidate for candidate in choice.candidates if not candidate.model.published_only]
    assert len(made.candidates) == len(own) + MAX_PUBLISHED
    assert f"Of {len(choice.candidates)} candidates the first {len(made.candidates)} are listed." in made.explanation


def test_the_wish_is_put_in_the_terms_of_the_filters() -> None:
    limits = (
        limit("latency_s", 0.2),
        limit("latency_s", 0.1),
        limit("memory_bytes", 1e9),
        limit("accuracy", 0.8, ">="),
    )
    ask = ask_of(Wish(task=TASK, limits=limits, excluded=("ResNet",)), pool_of(TASK), "energy")
    assert (ask.max_latency_s, ask.max_memory_bytes, ask.min_quality) == (0.1, 1e9, 0.8)
    assert ask.group == ("top-1 accuracy", "ImageNet-1k")
    assert (ask.excluded, ask.objective) == (("ResNet",), "energy")
    elsewhere = ask_of(Wish(task=TASK, limits=limits, latency_note="judged elsewhere"), pool_of(TASK))
    assert math.isnan(elsewhere.max_latency_s)


def test_the_sentences_name_the_front_the_rule_and_what_fell() -> None:
    found = alternatives(Wish(task=TASK, limits=(limit("latency_s", 0.05),)), HOST, "", 4)
    assert len(found.suggestions) == 4
    text = " ".join(in_words(found))
    for one in found.suggestions:
        assert one.row.id in text
        assert one.latency_s[0] <= 0.05
    assert f"{len(found.front)} are on the Pareto front of accuracy x latency x memory" in text
    assert "top-1 accuracy on ImageNet-1k" in text
    assert "too slow" in text
    assert found.rule in text


def test_a_front_of_one_is_said_in_the_singular() -> None:
    found = alternatives(Wish(task=TASK, limits=(limit("latency_s", 0.05),)), HOST, "", 4)
    text = " ".join(in_words(replace(found, front=found.front[:1])))
    assert "1 is on the Pareto front of accuracy" in text


def test_a_strange_objective_counts_as_none() -> None:
    strange, none = (alternatives(Wish(task=TASK), HOST, objective, 2) for objective in ("beauty", ""))
    assert [one.row for one in strange.suggestions] == [one.row for one in none.suggestions]
    assert strange.rule == none.rule


def test_one_model_needs_no_words() -> None:
    assert in_words(alternatives(Wish(task="tabular-classification"), HOST, "", 3)) == []
    assert in_words(alternatives(Wish(task=""), HOST, "", 3)) == []
