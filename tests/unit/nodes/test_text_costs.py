"""Text models: the counted sizes, and the formulas beside what torch counts and beside hand-made sums."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_nodes.estimators.devices.roofline import Roofs
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.models import catalogue, published, text_costs, text_rows
from hedgerow_nodes.estimators.models.pool import gather
from hedgerow_nodes.estimators.models.text_costs import TextModel, TextModelError

MODELS = {model.id: model for model in text_costs.load().models}
COUNTED = [
    model
    for model in catalogue.load().models
    if model.generation is not None and model.id in MODELS and model.precision == "float32"
]


def test_there_are_models_for_each_task() -> None:
    assert len(MODELS) >= 50
    for task in ("text-generation", "summarization", "translation"):
        assert sum(task in model.tasks for model in MODELS.values()) >= 3


def test_every_task_is_of_the_taxonomy_and_every_entry_is_possible() -> None:
    text = files("hedgerow_nodes.estimators").joinpath("data/tasks.json").read_text(encoding="utf-8")
    known = {task["id"] for task in json.loads(text)["tasks"]}
    for model in MODELS.values():
        assert set(model.tasks) <= known
        assert model.source
        assert model.heads % model.kv_heads == 0
        assert 0 < model.decoder_matrices <= model.parameters + model.output_matrix
        assert min(model.layers, model.hidden, model.head_width, model.vocabulary, model.prompt_matrices) > 0


def test_published_sizes_of_caches_are_met() -> None:
    # Touvron et al. 2023 (arXiv:2307.09288) and the Llama team 2024: 32 layers, 4096 wide, and with 8 of 32 heads.
    assert text_costs.cache_bytes_per_token(MODELS["meta-llama/Llama-2-7b-hf"]) == 2 * 32 * 4096 * 2
    assert text_costs.cache_bytes_per_token(MODELS["meta-llama/Llama-3.1-8B"]) == 2 * 32 * 1024 * 2
    assert text_costs.weights_bytes(MODELS["meta-llama/Llama-3.1-70B"], "float16") == pytest.approx(141e9, rel=0.01)


@pytest.mark.parametrize("model", COUNTED, ids=lambda model: model.id)
def test_the_formula_agrees_with_what_torch_counts(model: catalogue.CatalogueModel) -> None:
    assert model.generation is not None
    shape = MODELS[model.id]
    work = text_costs.generation_work(shape, model.generation.prompt_tokens, model.generation.new_tokens, "float32")
    assert shape.parameters == model.parameters
    flops = work.flops
    if shape.kind == "decoder":
        # The catalogue counts the output layer for every token of the prompt, a generation needs it for the last.
        flops += 2 * shape.output_matrix * (model.generation.prompt_tokens - 1)
    assert flops == pytest.approx(model.flops, rel=0.05)


@pytest.mark.parametrize("model", COUNTED, ids=lambda model: model.id)
def test_bytes_and_memory_lie_in_the_intervals_of_their_rows(model: catalogue.CatalogueModel) -> None:
    columns = text_rows.text_columns(MODELS[model.id], model.tasks[0])
    weights, moved, low, high, memory = columns[4:9]
    assert 0 < weights <= moved
    assert moved == low <= 1.001 * model.moved_bytes
    assert model.moved_bytes <= high
    assert memory <= model.memory_bytes <= 1.1 * memory


def test_text_models_join_the_pool_of_their_task_once() -> None:
    texts = gather("text-generation", published.load(), catalogue.load(), text_costs.load())
    ids = [row.id for row in texts.rows]
    assert len(ids) == len(set(ids)) >= 30
    assert "meta-llama/Llama-3.1-405B" in ids
    image = gather("image-classification", published.load(), catalogue.load(), text_costs.load())
    assert not {row.id for row in image.rows} & set(MODELS)


def test_enough_models_are_counted_both_ways() -> None:
    assert len(COUNTED) >= 8
    assert {MODELS[model.id].kind for model in COUNTED} == {"decoder", "encoder-decoder"}


@given(model=st.sampled_from(sorted(MODELS)), context=st.integers(0, 4096), more=st.integers(1, 4096))
def test_a_longer_context_takes_more(model: str, context: int, more: int) -> None:
    shape = MODELS[model]
    short, long = (text_costs.token_work(shape, tokens) for tokens in (context, context + more))
    assert long.flops > short.flops
    assert long.bytes_moved - short.bytes_moved == pytest.approx(
        more * text_costs.cache_bytes_per_token(shape), rel=1e-6
    )
    assert text_costs.memory_bytes(shape, context, more) > text_costs.weights_bytes(shape, "float16")


@given(model=st.sampled_from(sorted(MODELS)), prompt=st.integers(1, 300), new=st.integers(1, 60))
def test_a_generation_is_the_sum_of_its_steps(model: str, prompt: int, new: int) -> None:
    shape = MODELS[model]
    whole = text_costs.generation_work(shape, prompt, new)
    first = text_costs.prompt_work(shape, prompt)
    if shape.encoder_layers:
        steps = [text_costs.token_work(shape, step, source_tokens=prompt) for step in range(1, new + 1)]
    else:
        steps = [text_costs.token_work(shape, prompt + step) for step in range(1, new)]
    assert whole.flops == pytest.approx(first.flops + sum(step.flops for step in steps))
    assert whole.bytes_moved == pytest.approx(first.bytes_moved + sum(step.bytes_moved for step in steps))


def test_one_stream_is_bound_by_memory_and_a_prompt_by_compute() -> None:
    roofs = Roofs(1e14, 1e12, *[Interval.exactly(0.5)] * 3, Interval.exactly(0.0))
    shape = MODELS["meta-llama/Llama-3.1-8B"]
    token = text_costs.token_time(shape, roofs, 1000)
    assert token.bound == "memory"
    assert 1 / token.latency_s.value == pytest.approx(0.5e12 / text_costs.token_work(shape, 1000).bytes_moved)
    assert text_costs.prompt_time(shape, roofs, 1000).bound == "compute"


def test_nothing_to_generate_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        text_costs.generation_work(next(iter(MODELS.values())), 10, 0)


@pytest.mark.parametrize("data", [b"{", b'{"format":2,"software":{},"models":[]}'])
def test_a_bad_file_is_refused(data: bytes) -> None:
    with pytest.raises(TextModelError):
        text_costs.parse(data)


def test_the_matrices_are_those_of_the_formula() -> None:
    def by_hand(model: TextModel) -> float:
        """Dense decoder with biases left out: 12 x layers x hidden^2 (Kaplan et al. 2020, table 1)."""
        return 12.0 * model.layers * model.hidden**2

    for name in ("openai-community/gpt2-xl", "facebook/opt-6.7b", "bigscience/bloom-7b1", "EleutherAI/pythia-6.9b"):
        body = MODELS[name].decoder_matrices - MODELS[name].output_matrix
        assert body == pytest.approx(by_hand(MODELS[name]), rel=0.01)
