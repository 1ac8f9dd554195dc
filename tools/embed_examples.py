"""Embed the example phrases of all tasks and write `example_vectors.npz`; run again after any change to the examples.

`python tools/embed_examples.py` needs the extra `hedgerow[embedder]`; about 4 s on one core.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from hedgerow_nodes.estimators.text.meaning import VECTORS, digest_of
from hedgerow_nodes.estimators.text.sentence_embedder import PACKAGE, installed_embedder
from hedgerow_nodes.estimators.text.tasks import load_taxonomy

TARGET = Path(__file__).parents[1] / "nodes" / "hedgerow_nodes" / "estimators" / "data" / VECTORS


def main() -> int:
    """Write the file; 1 where the embedder is not installed."""
    embedder = installed_embedder()
    if embedder is None:
        print(f"the embedder is not installed: {PACKAGE} with its expected weights, and onnxruntime", file=sys.stderr)
        return 1
    examples = [text for task in load_taxonomy().tasks for text in task.examples]
    vectors = np.array([embedder.embed(text) for text in examples], dtype=np.float16)
    np.savez_compressed(TARGET, vectors=vectors, digest=np.array(digest_of(examples)))
    print(f"{len(examples)} examples in {TARGET.name}, {TARGET.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
