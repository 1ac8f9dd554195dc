"""The key-value cache: by hand, and beside what was counted for the catalogue."""

from __future__ import annotations

from hedgerow_nodes.estimators.devices.kv_cache import KvCache, kv_cache_of
from hedgerow_nodes.estimators.models.catalogue import load


def test_by_hand() -> None:
    """GPT-2: 2 x 12 layers x 12 heads x 64 x 4 B = 73,728 B a token, 192 tokens."""
    model = load().get("openai-community/gpt2")
    assert model is not None
    cache = kv_cache_of(model)
    assert cache == KvCache(12, 12, 64, 128, 64, 4)
    assert cache.bytes_per_token == 73_728
    assert cache.bytes_at_end == 73_728 * 192
    assert cache.read_bytes == 73_728 * 64 * (128 + 32)


def test_grouped_attention_keeps_fewer_heads() -> None:
    model = load().get("TinyLlama/TinyLlama-1.1B-Chat-v1.0")
    assert model is not None
    cache = kv_cache_of(model)
    assert cache is not None
    assert (cache.heads, cache.head_size, cache.bytes_per_element) == (4, 64, 2)


def test_the_counted_peak_holds_every_cache() -> None:
    caches = {model.id: (kv_cache_of(model), model) for model in load().models}
    known = [(cache, model) for cache, model in caches.values() if cache is not None]
    assert len(known) >= 10
    for cache, model in known:
        assert cache.bytes_at_end <= model.activation_bytes, model.id
    assert all(model.generation is not None for _, model in known)


def test_no_cache_where_nothing_is_generated_or_its_length_is_unknown() -> None:
    for name in ("openai/whisper-tiny", "google/mobilenet_v2_1.0_224"):
        model = load().get(name)
        assert model is not None
        assert kv_cache_of(model) is None
