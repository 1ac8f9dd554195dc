"""What a transformer that writes text takes: size, key-value cache, time to the first token and tokens per second."""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import Literal

import msgspec

from hedgerow_nodes.estimators.devices.roofline import RooflineTime, Roofs, Work, roofline_time
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.models.catalogue import BYTES_PER_PARAMETER

FILE = "data/text_models.json"


class TextModelError(Exception):
    """The file of text models cannot be used; the message says why."""


class TextModel(msgspec.Struct, frozen=True, kw_only=True):
    """A transformer by its configuration. Counts are of numbers, not of bytes.

    Attributes:
        layers, heads, kv_heads, head_width: of the decoder's own attention.
        encoder_layers: 0 for a model that is a decoder only.
        parameters: all of them, tied ones once.
        decoder_matrices: numbers in the matrices that each generated token is multiplied with, output layer included.
        prompt_matrices: those that each token of the prompt is multiplied with; for an encoder-decoder the encoder's
            and the decoder's projections of the encoder's output.
        output_matrix: numbers of the output layer, which a prompt needs for its last token only.
        checked: how the size was checked; `source` is where the configuration was published.
    """

    id: str
    family: str
    tasks: tuple[str, ...]
    layers: int
    encoder_layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_width: int
    vocabulary: int
    parameters: int
    decoder_matrices: int
    prompt_matrices: int
    output_matrix: int
    source: str
    checked: str

    @property
    def kind(self) -> Literal["decoder", "encoder-decoder"]:
        """Whether the prompt goes through the decoder or through an encoder of its own."""
        return "encoder-decoder" if self.encoder_layers else "decoder"


class TextModels(msgspec.Struct, frozen=True, kw_only=True):
    """All text models by id, with the software that counted them."""

    format: int
    software: dict[str, str]
    models: tuple[TextModel, ...]


def parse(data: bytes) -> TextModels:
    """Read the file.

    Raises:
        TextModelError: malformed or of another format.
    """
    try:
        found = msgspec.json.decode(data, type=TextModels)
    except msgspec.MsgspecError as error:
        raise TextModelError(f"{FILE} is malformed: {error}; build it with tools/build_text_models.py") from error
    if found.format != 1:
        raise TextModelError(f"{FILE} has format {found.format}; known: 1")
    return found


@functools.cache
def load() -> TextModels:
    """The text models that ship with the package."""
    return parse(files("hedgerow_nodes.estimators").joinpath(FILE).read_bytes())


def weights_bytes(model: TextModel, precision: str) -> float:
    """Bytes of all parameters, scales of a quantisation not counted."""
    return float(model.parameters * BYTES_PER_PARAMETER[precision])


def cache_bytes_per_token(model: TextModel, precision: str = "float16") -> float:
    """Bytes that each token adds to the cache: keys and values of every layer, 2 x layers x kv heads x head width.

    Grouped-query attention has fewer key and value heads than heads (Ainslie et al. 2023, arXiv:2305.13245).
    """
    return 2.0 * model.layers * model.kv_heads * model.head_width * BYTES_PER_PARAMETER[precision]


def cross_cache_bytes_per_token(model: TextModel, precision: str = "float16") -> float:
    """Bytes that each token of the encoder's input adds: keys and values of the decoder's attention to it; else 0."""
    return cache_bytes_per_token(model, precision) if model.encoder_layers else 0.0


def memory_bytes(model: TextModel, prompt_tokens: int, new_tokens: int, precision: str = "float16") -> float:
    """Weights and cache at the end of a generation; the activations of one token are left out, they are small."""
    held = cache_bytes_per_token(model, precision)
    if model.encoder_layers:
        cache = held * new_tokens + cross_cache_bytes_per_token(model, precision) * prompt_tokens
    else:
        cache = held * (prompt_tokens + new_tokens)
    return weights_bytes(model, precision) + cache


def prompt_work(model: TextModel, prompt_tokens: int, precision: str = "float16") -> Work:
    """FLOPs and bytes until the first token: every matrix for each token of the prompt, and attention over all pairs.

    FLOPs = 2 x prompt matrices x n + 4 x layers x heads x head width x n^2 (Kaplan et al. 2020, arXiv:2001.08361,
    section 2.1, with the term of attention), the masked half counted, as most kernels compute it. For a decoder the
    output layer is used once.
    """
    width = model.heads * model.head_width
    layers = model.encoder_layers or model.layers
    flops = 2.0 * model.prompt_matrices * prompt_tokens + 4.0 * layers * width * prompt_tokens**2
    if not model.encoder_layers:
        flops += 2.0 * model.output_matrix
    written = cache_bytes_per_token(model, precision) * prompt_tokens
    read = (model.prompt_matrices + model.output_matrix) * BYTES_PER_PARAMETER[precision]
    return Work(flops, weights_bytes=read, activation_bytes=Interval.exactly(written))


def token_work(model: TextModel, context_tokens: float, precision: str = "float16", source_tokens: int = 0) -> Work:
    """FLOPs and bytes of one generated token with so many tokens before it, at batch size one.

    FLOPs = 2 x decoder matrices + 4 x layers x heads x head width x context; bytes = those matrices and the cache, each
    read once. `source_tokens` are the encoder's, to which the decoder attends as well.
    """
    width = model.heads * model.head_width
    seen = context_tokens + (source_tokens if model.encoder_layers else 0)
    flops = 2.0 * model.decoder_matrices + 4.0 * model.layers * width * seen
    cache = cache_bytes_per_token(model, precision) * context_tokens
    cache += cross_cache_bytes_per_token(model, precision) * source_tokens
    read = model.decoder_matrices * BYTES_PER_PARAMETER[precision]
    return Work(flops, weights_bytes=read, activation_bytes=Interval.exactly(cache))


def generation_work(model: TextModel, prompt_tokens: int, new_tokens: int, precision: str = "float16") -> Work:
    """The prompt once, which gives the first token, and the tokens after it one by one; sums over the growing cache.

    Raises:
        ValueError: no token is to be generated.
    """
    if new_tokens < 1:
        raise ValueError(f"{new_tokens} new tokens; at least one is generated")
    prompt = prompt_work(model, prompt_tokens, precision)
    if model.encoder_layers:
        # The decoder starts with one token of its own, so it makes every new token in a step.
        steps, mean_context = new_tokens, (new_tokens + 1) / 2
    else:
        steps, mean_context = new_tokens - 1, prompt_tokens + new_tokens / 2
    step = token_work(model, mean_context, precision, prompt_tokens)
    return Work(
        prompt.flops + steps * step.flops,
        prompt.weights_bytes + steps * step.weights_bytes,
        prompt.activation_bytes + step.activation_bytes * float(steps),
    )


def token_time(
    model: TextModel, roofs: Roofs, context_tokens: float, precision: str = "float16", source_tokens: int = 0
) -> RooflineTime:
    """Seconds of one token on a device by its roofline; 1 over its latency is tokens per second of one stream."""
    return roofline_time(token_work(model, context_tokens, precision, source_tokens), roofs)


def prompt_time(model: TextModel, roofs: Roofs, prompt_tokens: int, precision: str = "float16") -> RooflineTime:
    """Seconds until the first token on a device by its roofline."""
    return roofline_time(prompt_work(model, prompt_tokens, precision), roofs)
