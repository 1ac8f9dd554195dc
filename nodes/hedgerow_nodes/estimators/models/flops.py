"""Count what an inference of a torch model costs: FLOPs, parameters, peak of live activations, bytes moved."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from hedgerow_nodes.estimators.models.architectures import build, make_inputs
from hedgerow_nodes.estimators.models.catalogue import Architecture, Generation, TensorSpec


def counted_by(device: str) -> str:
    """The label of a count made on that device."""
    return f"torch.utils.flop_counter.FlopCounterMode on the {device} device, 2 x MAC, eager attention"


@dataclass(frozen=True)
class Count:
    """What one inference costs; `flops` are 2 x MAC of matrix products and convolutions, all else counts as none."""

    parameters: int
    flops: int
    activation_bytes: int
    moved_bytes: int


class _Traffic(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Watch every operator: bytes read and written, and the peak of the storages that operators made and still live."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.moved_bytes = 0
        self.peak_bytes = 0
        self._live_bytes = 0
        self._live: dict[int, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        read = {id(t.untyped_storage()): t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)}
        written = [t for t in tree_leaves(result) if isinstance(t, torch.Tensor)]
        made = [t for t in written if id(t.untyped_storage()) not in read]
        if func is torch.ops.aten.embedding.default:
            read = {0: result, 1: args[1]}  # of the table only the rows asked for are read
        if made or func._schema.is_mutable:  # noqa: SLF001  # no public way
            self.moved_bytes += sum(t.numel() * t.element_size() for t in (*read.values(), *written))
        for tensor in made:
            self._watch(tensor.untyped_storage())
        return result

    def _watch(self, storage: torch.UntypedStorage) -> None:
        key = id(storage)
        if key in self._live:
            return
        self._live[key] = storage.nbytes()
        self._live_bytes += storage.nbytes()
        self.peak_bytes = max(self.peak_bytes, self._live_bytes)
        weakref.finalize(storage, self._free, key)

    def _free(self, key: int) -> None:
        self._live_bytes -= self._live.pop(key, 0)


def count_architecture(
    architecture: Architecture,
    inputs: Mapping[str, TensorSpec],
    generation: Generation | None = None,
    *,
    dtype: str = "float32",
    device: str = "meta",
) -> Count:
    """Count an architecture without its weights: on the meta device, or on the CPU where the model looks at its data.

    Raises:
        ArchitectureError: a class unknown to the installed transformers.
    """
    model = build(architecture, device=device, dtype=dtype, attention="eager")
    return count_model(model, make_inputs(inputs, device=device, dtype=dtype), generation)


def count_model(model: Any, inputs: Mapping[str, torch.Tensor], generation: Generation | None = None) -> Count:
    """Count one inference of a model that is in evaluation mode and on the inputs' device."""
    parameters = sum(parameter.numel() for parameter in model.parameters())
    if generation is None:
        return Count(parameters, *_one_pass(model, inputs)[1:])
    return Count(parameters, *_generation(model, inputs, generation))


def _one_pass(model: Any, inputs: Mapping[str, Any]) -> tuple[Any, int, int, int]:
    traffic, counter = _Traffic(), FlopCounterMode(display=False)
    with torch.no_grad(), counter, traffic:
        result = model(**inputs)
    return result, counter.get_total_flops(), traffic.peak_bytes, traffic.moved_bytes


def _generation(model: Any, inputs: Mapping[str, Any], generation: Generation) -> tuple[int, int, int]:
    """Cost of the prompt and of every further token, in which FLOPs and bytes are linear in the length of the cache.

    So the first and the last step are counted and the rest is their mean: exact, and four passes instead of hundreds.
    """
    steps = generation.new_tokens - 1
    first = _Prompt(model, inputs, 1)
    last = _Prompt(model, inputs, max(steps, 1))
    flops, peak, moved = first.flops, first.peak_bytes, first.moved_bytes
    if steps:
        one, other = first.step(), last.step()
        flops += steps * (one[0] + other[0]) // 2
        moved += steps * (one[2] + other[2]) // 2
        # The cache that a step reads was made before it, so it is not among the storages of that step.
        peak = max(peak, other[1] + last.cache_bytes())
    return flops, peak, moved


class _Prompt:
    """A prompt worked off, its cache as long as before the `position`-th further token."""

    def __init__(self, model: Any, inputs: Mapping[str, Any], position: int) -> None:
        self._model = model
        self._encoded = model.config.is_encoder_decoder
        flops = peak = moved = 0
        if self._encoded:
            encoded, flops, peak, moved = _one_pass(model.get_encoder(), inputs)
            kept: dict[str, Any] = {"encoder_outputs": encoded}
            start = next(iter(inputs.values()))
            call = {**kept, "decoder_input_ids": _tokens(start, position)}
            decoder_peak_base = sum(t.untyped_storage().nbytes() for t in tree_leaves(dict(encoded)) if t is not None)
        else:
            kept, decoder_peak_base = {}, 0
            call = {name: _longer(value, position - 1) for name, value in inputs.items()}
        output, more, decoder_peak, more_moved = _one_pass(model, {**call, "use_cache": True})
        self._kept, self._cache = kept, output.past_key_values
        self.flops, self.moved_bytes = flops + more, moved + more_moved
        self.peak_bytes = max(peak, decoder_peak + decoder_peak_base)
        self._start = next(iter(inputs.values()))

    def step(self) -> tuple[int, int, int]:
        """FLOPs, peak and moved bytes of one more token."""
        name = "decoder_input_ids" if self._encoded else "input_ids"
        call = {**self._kept, name: _tokens(self._start, 1), "past_key_values": self._cache, "use_cache": True}
        return _one_pass(self._model, call)[1:]

    def cache_bytes(self) -> int:
        """Bytes of keys and values in the cache."""
        seen = {id(t.untyped_storage()): t.untyped_storage().nbytes() for t in _tensors(self._cache)}
        return sum(seen.values())


def _tokens(like: torch.Tensor, length: int) -> torch.Tensor:
    return torch.zeros((like.shape[0], length), dtype=torch.int64, device=like.device)


def _longer(tokens: torch.Tensor, extra: int) -> torch.Tensor:
    if tokens.ndim != 2 or tokens.is_floating_point() or not extra:
        return tokens
    return torch.zeros((tokens.shape[0], tokens.shape[1] + extra), dtype=tokens.dtype, device=tokens.device)


def _tensors(cache: Any) -> list[torch.Tensor]:
    """The keys and values of a transformers cache, of its self and cross attention."""
    halves = [getattr(cache, half, None) for half in ("self_attention_cache", "cross_attention_cache")]
    caches = [half for half in halves if half is not None] or [cache]
    layers = [layer for half in caches for layer in half.layers]
    return [t for layer in layers for t in (layer.keys, layer.values) if t is not None]
