"""The key-value cache of a generating model: what it takes of the memory, by its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hedgerow_nodes.estimators.models.catalogue import BYTES_PER_PARAMETER, CatalogueModel
from hedgerow_nodes.estimators.quantity_text import quantity

# The names that configurations of the transformers library have for one fact, decoder first.
_LAYERS = ("decoder_layers", "num_decoder_layers", "n_layer", "num_hidden_layers")
_HEADS = ("decoder_attention_heads", "n_head", "num_attention_heads", "num_heads")
_WIDTH = ("d_model", "n_embd", "hidden_size")
# Those whose decoder reads the encoded prompt; its length is known for text only.
_TEXT_ENCODERS = frozenset({"MarianConfig", "BartConfig", "MBartConfig", "M2M100Config", "PegasusConfig", "T5Config"})
_DECODERS = frozenset(
    {"GPT2Config", "GPTNeoXConfig", "LlamaConfig", "OPTConfig", "Qwen2Config", "MistralConfig", "Qwen3Config"}
)


@dataclass(frozen=True)
class KvCache:
    """Keys and values of every decoder layer for every token that is kept.

    Attributes:
        layers, heads, head_size: of the decoder; `heads` are those of keys and values, fewer than of queries in
            grouped attention.
        prompt_tokens, new_tokens: in the cache from the beginning, and added one a pass.
        bytes_per_element: of the precision at which the model runs.
    """

    layers: int
    heads: int
    head_size: int
    prompt_tokens: int
    new_tokens: int
    bytes_per_element: int

    @property
    def bytes_per_token(self) -> int:
        """2 (keys, values) x layers x heads x head size x bytes of an element (Pope et al. 2022, arXiv:2211.05102)."""
        return 2 * self.layers * self.heads * self.head_size * self.bytes_per_element

    @property
    def bytes_at_end(self) -> float:
        """With every token."""
        return float(self.bytes_per_token * (self.prompt_tokens + self.new_tokens))

    @property
    def read_bytes(self) -> float:
        """What all passes read of it together: each the prompt's part and half of the new tokens in the mean."""
        return self.bytes_per_token * self.new_tokens * (self.prompt_tokens + self.new_tokens / 2)

    @property
    def formula(self) -> str:
        """How the size comes about, in words."""
        tokens = self.prompt_tokens + self.new_tokens
        return (
            f"KV cache {quantity(self.bytes_at_end, 'B')} (2 x {self.layers} layers x {self.heads} heads x "
            f"{self.head_size} x {tokens} tokens x {self.bytes_per_element} B)"
        )


def kv_cache_of(model: CatalogueModel) -> KvCache | None:
    """The cache of a catalogued model; None for one that does not generate, or whose configuration does not tell it."""
    if model.generation is None or model.architecture is None:
        return None
    name, values = model.architecture.configuration, model.architecture.values
    if name not in _TEXT_ENCODERS | _DECODERS:
        return None
    layers, heads, width = (_first(values, names) for names in (_LAYERS, _HEADS, _WIDTH))
    if layers is None or heads is None or width is None:
        return None
    return KvCache(
        layers=layers,
        heads=int(values.get("num_key_value_heads", heads)),
        head_size=int(values.get("head_dim", values.get("d_kv", width // heads))),
        prompt_tokens=model.generation.prompt_tokens,
        new_tokens=model.generation.new_tokens,
        bytes_per_element=BYTES_PER_PARAMETER[model.precision],
    )


def _first(values: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    return next((int(values[name]) for name in names if name in values), None)
