"""Which files of a model may be fetched, and which configurations may be used: nothing that can run code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from hedgerow_nodes.estimators.hub.interface import FileRefused, HubFile

CONFIGURATION = "config.json"
WHOLE_WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
JSON_FILES = frozenset(
    {
        CONFIGURATION,
        INDEX,
        "added_tokens.json",
        "generation_config.json",
        "preprocessor_config.json",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.json",
    }
)
_SHARD = re.compile(r"model-(\d{5})-of-(\d{5})\.safetensors")
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".h5", ".keras", ".msgpack", ".npy", ".npz")
_DEEPEST = 32


def check_file(name: str) -> str:
    """The name, if a file of that name may be fetched.

    Raises:
        FileRefused: it may not; the message says why.
    """
    path = PurePosixPath(name)
    if name != str(path) or len(path.parts) != 1 or name.startswith("."):
        raise FileRefused(f"{name[:100]!r} is not fetched: only files at the top of a model are")
    if path.suffix == ".safetensors" or name in JSON_FILES:
        return name
    if path.suffix in _PICKLES:
        raise FileRefused(f"{name} is not fetched: such a file can run code when it is loaded; take a safetensors one")
    if path.suffix == ".py":
        raise FileRefused(f"{name} is not fetched: it is code, and code of a hub is never run")
    raise FileRefused(f"{name[:100]!r} is not fetched; fetched are *.safetensors, {', '.join(sorted(JSON_FILES))}")


def weights_among(files: Iterable[HubFile]) -> tuple[HubFile, ...]:
    """The files of a model's weights: one whole, or all its shards in their order.

    Raises:
        FileRefused: there are none as safetensors, or shards are missing.
    """
    by_name = {file.name: file for file in files}
    if WHOLE_WEIGHTS in by_name:
        return (by_name[WHOLE_WEIGHTS],)
    shards = {int(found[1]): (by_name[name], int(found[2])) for name in by_name if (found := _SHARD.fullmatch(name))}
    if not shards:
        others = sorted(name for name in by_name if PurePosixPath(name).suffix in (*_PICKLES, ".safetensors"))
        listed = f"there are {', '.join(others[:5])}" if others else "there are no weights"
        raise FileRefused(f"no {WHOLE_WEIGHTS} or shards of it: {listed}; pickles can run code and are never loaded")
    total = next(iter(shards.values()))[1]
    if sorted(shards) != list(range(1, total + 1)) or any(of != total for _, of in shards.values()):
        raise FileRefused(f"shards {', '.join(map(str, sorted(shards)))} of {total} are there, the others are missing")
    return tuple(shards[number][0] for number in sorted(shards))


def check_configuration(values: Any) -> dict[str, Any]:
    """The configuration, if nothing in it asks for code.

    Raises:
        FileRefused: it is no object, or names code of its own.
    """
    if not isinstance(values, dict):
        raise FileRefused(f"{CONFIGURATION} is no JSON object")
    _look_for_code(values, 0)
    return values


def _look_for_code(value: Any, depth: int) -> None:
    if depth > _DEEPEST:
        raise FileRefused(f"{CONFIGURATION} is nested deeper than {_DEEPEST}")
    if isinstance(value, list):
        for item in value:
            _look_for_code(item, depth + 1)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key in ("auto_map", "custom_pipelines") and item:
            raise FileRefused(f"{CONFIGURATION} brings code of its own ({key}), which is never run")
        if "attn_implementation" in key and any(mark in str(item) for mark in "/:@"):
            raise FileRefused(f"{CONFIGURATION} asks for a kernel from elsewhere ({key}), which is never run")
        _look_for_code(item, depth + 1)
