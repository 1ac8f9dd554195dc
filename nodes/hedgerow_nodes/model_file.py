"""The file of a model by all references that blueprints may hold: a path, an address, an upload, weights that ship."""

from __future__ import annotations

from pathlib import Path

from hedgerow_nodes.estimators.models.bundled_weights import checked_path
from hedgerow_nodes.partition.problems import ModelError
from hedgerow_nodes.partition.store import digest_of, fetch

SHIPPED = "shipped:"


def model_file(reference: str, sha256: str, store: Path, timeout_s: float = 60.0) -> Path:
    """The file of a model, fetched if need be and checked.

    Args:
        reference: as `fetch` takes it, or `shipped:FILE`.
        store: the folder of models, with uploads as SHA256.onnx.

    Raises:
        ModelError: it cannot be had, or has another digest.
        WeightsError: no such weights ship.
    """
    if not reference.startswith(SHIPPED):
        return fetch(reference, store, sha256, timeout_s)
    path = checked_path(reference.removeprefix(SHIPPED))
    if sha256 and digest_of(path) != sha256.lower():
        raise ModelError(f"model {reference!r} has SHA-256 {digest_of(path)}, {sha256} was asked for")
    return path
