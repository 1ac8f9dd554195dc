"""The shipped catalogue, what it promises, and that its figures can be computed again."""

from __future__ import annotations

import json
import math
from importlib.resources import files

import msgspec
import pytest
import torch
import transformers

from hedgerow_nodes.estimators.models import flops
from hedgerow_nodes.estimators.models.candidate_costs import EFFICIENCIES
from hedgerow_nodes.estimators.models.catalogue import CatalogueError, CatalogueModel, Generation, load, parse

SMALL = (
    "google/bert_uncased_L-2_H-128_A-2",
    "google/mobilenet_v2_1.0_224",
    "edbeeching/decision-transformer-gym-hopper-medium",
    "distilbert/distilgpt2",
    "openai/whisper-tiny",
)


def test_there_are_enough_models_and_tasks() -> None:
    assert len(load().models) >= 60
    assert len(load().tasks()) >= 20


def test_every_task_is_of_the_public_taxonomy() -> None:
    text = files("hedgerow_nodes.estimators").joinpath("data/tasks.json").read_text(encoding="utf-8")
    known = {task if isinstance(task, str) else task["id"] for task in json.loads(text)["tasks"]}
    assert set(load().tasks()) <= known


@pytest.mark.parametrize("model", load().models, ids=lambda model: model.id)
def test_every_entry_is_complete(model: CatalogueModel) -> None:
    assert min(model.parameters, model.flops, model.activation_bytes, model.moved_bytes) > 0
    assert model.flops >= 2 * 1000
    assert model.efficiency in EFFICIENCIES
    assert model.counted_by
    assert model.inference
    assert (model.architecture is None) == (model.weights.kind == "bundled")
    assert model.architecture is None or model.architecture.published
    assert model.accuracy is None or (model.accuracy.source and 0 < model.accuracy.value < 1)


@pytest.mark.parametrize("model_id", SMALL)
def test_the_figures_are_what_torch_counts(model_id: str) -> None:
    model = load().get(model_id)
    assert model is not None
    assert model.architecture is not None
    count = flops.count_architecture(model.architecture, model.inputs, model.generation, dtype=model.precision)
    assert (count.parameters, count.flops) == (model.parameters, model.flops)
    assert (count.activation_bytes, count.moved_bytes) == (model.activation_bytes, model.moved_bytes)


def test_published_sizes_are_met() -> None:
    # As the papers and model cards state them, in millions.
    published = {
        "openai-community/gpt2": 124.4,
        "google-bert/bert-base-uncased": 109.5,
        "meta-llama/Llama-2-7b-hf": 6738.4,
        "openai/whisper-tiny": 37.8,
        "microsoft/resnet-50": 25.6,
        "google/efficientnet-b0": 5.3,
    }
    for model_id, millions in published.items():
        model = load().get(model_id)
        assert model is not None
        assert model.parameters / 1e6 == pytest.approx(millions, rel=0.01)


def test_a_multiply_add_counts_as_two_and_memory_is_what_lives_at_once() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)).to("meta").eval()
    count = flops.count_model(model.requires_grad_(False), {"input": torch.empty(1, 4, device="meta")})
    assert count.parameters == 4 * 8 + 8 + 8 * 2 + 2
    assert count.flops == 2 * (4 * 8 + 8 * 2)
    assert count.activation_bytes == 2 * 8 * 4
    first, relu, second = 4 + 4 * 8 + 8 + 8, 8 + 8, 8 + 8 * 2 + 2 + 2
    assert count.moved_bytes == 4 * (first + relu + second)


def test_a_generation_costs_its_prompt_and_each_token() -> None:
    values = {"n_embd": 32, "n_layer": 2, "n_head": 2, "vocab_size": 100, "n_positions": 64}
    configuration = transformers.GPT2Config(**values)
    configuration._attn_implementation = "eager"
    with torch.device("meta"):
        model = transformers.GPT2LMHeadModel(configuration).eval().requires_grad_(False)
    prompt = {"input_ids": torch.empty(1, 7, dtype=torch.int64, device="meta")}
    counted = flops.count_model(model, prompt, Generation(prompt_tokens=7, new_tokens=5))
    with torch.no_grad(), torch.utils.flop_counter.FlopCounterMode(display=False) as counter:
        output = model(**prompt, use_cache=True)
        for _ in range(4):
            token = torch.empty(1, 1, dtype=torch.int64, device="meta")
            output = model(input_ids=token, past_key_values=output.past_key_values, use_cache=True)
    assert counted.flops == counter.get_total_flops()


def test_weights_bytes_follow_the_precision() -> None:
    model = load().get("efficientnet-lite0")
    assert model is not None
    assert model.weights_bytes == 4 * model.parameters
    assert model.weights_bytes_at("int8") == model.parameters
    assert model.memory_bytes == model.weights_bytes + model.activation_bytes
    with pytest.raises(KeyError, match=r"int2.*known: float32"):
        model.weights_bytes_at("int2")


def test_an_unknown_accuracy_is_nan() -> None:
    model = load().get("microsoft/resnet-50")
    assert model is not None
    assert math.isnan(model.accuracy_value)


def test_a_malformed_catalogue_is_refused() -> None:
    good = msgspec.json.decode(msgspec.json.encode(load()))
    twice = good | {"models": [*good["models"], good["models"][0]]}
    cases = ((b"{", "malformed"), (msgspec.json.encode(good | {"format": 2}), "format 2"))
    for text, words in (*cases, (msgspec.json.encode(twice), "more than once")):
        with pytest.raises(CatalogueError, match=words):
            parse(text)
