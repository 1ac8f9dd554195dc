"""How near a problem is in meaning to the examples of each task, where a sentence embedder is installed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from hedgerow_nodes.estimators.text.likeness import nearest_two
from hedgerow_nodes.estimators.text.sentence_embedder import MODEL, Embedder, installed_embedder
from hedgerow_nodes.estimators.text.tasks import Taxonomy
from hedgerow_nodes.estimators.text.text_index import Floats

# In round numbers, chosen on the two tuning files; half and twice as much do as well within two problems.
NEAREST_EXAMPLE = 0.4
SECOND_EXAMPLE = 0.2
# So that the last digits, in which one processor differs from another, tell nothing.
DECIMALS = 3
VECTORS = "example_vectors.npz"


class Meaning:
    """Cosine similarity of a problem's vector with those of all examples.

    Args:
        embedder: by which `vectors` were made.
        vectors: of the examples in their order, each of length 1, shape (examples, dimensions).
        owner: the number of each example's task.
        tasks: how many tasks there are.
    """

    def __init__(self, embedder: Embedder, vectors: Floats, owner: NDArray[np.int_], tasks: int) -> None:
        self._embedder = embedder
        self._vectors = vectors
        self._owner = owner
        self._tasks = tasks
        self.name = embedder.name

    def of(self, text: str) -> Floats:
        """What meaning adds to each task, shape (tasks,)."""
        found = np.round(self._vectors @ self._embedder.embed(text), DECIMALS)
        nearest, second = nearest_two(found, self._owner, self._tasks)
        return NEAREST_EXAMPLE * nearest + SECOND_EXAMPLE * second


def packaged_meaning(taxonomy: Taxonomy) -> Meaning | None:
    """Meaning by the packaged vectors; None without an embedder, or where the vectors are of other examples."""
    embedder = installed_embedder()
    vectors = packaged_vectors(digest_of([text for task in taxonomy.tasks for text in task.examples]))
    if embedder is None or vectors is None:
        return None
    owner = np.array([number for number, task in enumerate(taxonomy.tasks) for _ in task.examples])
    return Meaning(embedder, vectors, owner, len(taxonomy.tasks))


@cache
def packaged_vectors(digest: str) -> Floats | None:
    """The vectors that `tools/embed_examples.py` made, if it made them of the examples with this digest."""
    path = resources.files("hedgerow_nodes.estimators") / "data" / VECTORS
    with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
        if str(content["digest"]) != digest:
            return None
        vectors: Floats = content["vectors"].astype(np.float64)
    unit: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def digest_of(examples: Sequence[str]) -> str:
    """What tells one list of examples from another, the model included."""
    return hashlib.sha256("\n".join([MODEL, *examples]).encode("utf-8")).hexdigest()
