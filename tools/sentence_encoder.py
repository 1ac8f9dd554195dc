"""Write all-MiniLM-L6-v2 as an ONNX graph: tokens in, one vector of length 1 out, weights in 8 and 4 bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

LAYERS, HEADS, WIDTH, TOKENS = 6, 12, 384, 128
EPSILON = 1e-12
GROUP = 32

Floats = NDArray[np.float32]


def sentence_encoder(weights: Mapping[str, Floats], *, stored: bool = True) -> onnx.ModelProto:
    """The graph of Devlin et al. 2019 (arXiv:1810.04805) with mean pooling (Reimers and Gurevych 2019).

    Args:
        weights: by their names in the safetensors file.
        stored: whether matrices are kept in 8 bits and word vectors in 4; False keeps every number as it is.
    """
    return _Encoder(weights, stored).model()


def four_bits(table: Floats) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """Rows in 4 bits with one scale for each 32 numbers: (bytes that hold both halves of a row, scales)."""
    rows, width = table.shape
    grouped = table.reshape(rows, width // GROUP, GROUP)
    scales = (np.abs(grouped).max(axis=2) / 7.0).astype(np.float16)
    whole = np.rint(grouped / np.maximum(scales.astype(np.float32), 1e-8)[..., None]).clip(-8, 7).reshape(rows, width)
    low, high = np.split((whole + 8).astype(np.uint8), 2, axis=1)
    return low + 16 * high, scales


def eight_bits(matrix: Floats) -> tuple[NDArray[np.int8], Floats]:
    """A matrix (in, out) in 8 bits with one scale for each column."""
    scales = np.abs(matrix).max(axis=0) / 127.0
    return np.rint(matrix / scales).clip(-127, 127).astype(np.int8), scales.astype(np.float32)


class _Encoder:
    def __init__(self, weights: Mapping[str, Floats], stored: bool) -> None:
        self._weights, self._stored = weights, stored
        self._nodes: list[onnx.NodeProto] = []
        self._initialisers: dict[str, onnx.TensorProto] = {}

    def model(self) -> onnx.ModelProto:
        mask = self._emit("Cast", ["attention_mask"], to=TensorProto.FLOAT)
        absent = self._emit("Mul", [self._emit("Sub", [self._number(1.0), mask]), self._number(-1e9)])
        absent = self._emit("Reshape", [absent, self._shape(1, 1, 1, TOKENS)])
        x = self._embedded()
        for layer in range(LAYERS):
            x = self._layer(f"encoder.layer.{layer}", x, absent)
        self._pooled(x, mask)
        ids, vector = (TensorProto.INT64, [1, TOKENS]), (TensorProto.FLOAT, [1, WIDTH])
        graph = helper.make_graph(
            self._nodes,
            "sentence encoder",
            [helper.make_tensor_value_info(name, *ids) for name in ("input_ids", "attention_mask")],
            [helper.make_tensor_value_info("vector", *vector)],
            list(self._initialisers.values()),
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.checker.check_model(model, full_check=True)
        return model

    def _embedded(self) -> str:
        words = self._words(self._weights["embeddings.word_embeddings.weight"])
        places = self._weights["embeddings.position_embeddings.weight"][:TOKENS]
        places = places + self._weights["embeddings.token_type_embeddings.weight"][0]
        x = self._emit("Add", [words, self._array("places", places[None])])
        return self._normed(x, "embeddings.LayerNorm")

    def _words(self, table: Floats) -> str:
        if not self._stored:
            return self._emit("Gather", [self._array("words", table), "input_ids"], axis=0)
        packed, scales = four_bits(table)
        pair = self._emit("Gather", [self._array("words", packed), "input_ids"], axis=0)
        pair = self._emit("Cast", [pair], to=TensorProto.FLOAT)
        high = self._emit("Floor", [self._emit("Mul", [pair, self._number(1 / 16)])])
        low = self._emit("Sub", [pair, self._emit("Mul", [high, self._number(16.0)])])
        whole = self._emit("Sub", [self._emit("Concat", [low, high], axis=2), self._number(8.0)])
        whole = self._emit("Reshape", [whole, self._shape(1, TOKENS, WIDTH // GROUP, GROUP)])
        scale = self._emit("Gather", [self._array("word_scales", scales), "input_ids"], axis=0)
        scale = self._emit("Cast", [scale], to=TensorProto.FLOAT)
        scale = self._emit("Reshape", [scale, self._shape(1, TOKENS, WIDTH // GROUP, 1)])
        return self._emit("Reshape", [self._emit("Mul", [whole, scale]), self._shape(1, TOKENS, WIDTH)])

    def _layer(self, name: str, x: str, absent: str) -> str:
        own = f"{name}.attention.self"
        query, key, value = (self._heads(self._linear(x, f"{own}.{part}")) for part in ("query", "key", "value"))
        scores = self._emit("MatMul", [query, self._emit("Transpose", [key], perm=(0, 1, 3, 2))])
        scores = self._emit("Mul", [scores, self._number((WIDTH // HEADS) ** -0.5)])
        shares = self._emit("Softmax", [self._emit("Add", [scores, absent])], axis=-1)
        seen = self._emit("Transpose", [self._emit("MatMul", [shares, value])], perm=(0, 2, 1, 3))
        seen = self._emit("Reshape", [seen, self._shape(1, TOKENS, WIDTH)])
        seen = self._linear(seen, f"{name}.attention.output.dense")
        x = self._normed(self._emit("Add", [seen, x]), f"{name}.attention.output.LayerNorm")
        inner = self._gelu(self._linear(x, f"{name}.intermediate.dense"))
        inner = self._linear(inner, f"{name}.output.dense")
        return self._normed(self._emit("Add", [inner, x]), f"{name}.output.LayerNorm")

    def _heads(self, x: str) -> str:
        split = self._emit("Reshape", [x, self._shape(1, TOKENS, HEADS, WIDTH // HEADS)])
        return self._emit("Transpose", [split], perm=(0, 2, 1, 3))

    def _linear(self, x: str, name: str) -> str:
        matrix, bias = self._weights[f"{name}.weight"].T, self._array(f"{name}.bias", self._weights[f"{name}.bias"])
        if not self._stored:
            return self._emit("Add", [self._emit("MatMul", [x, self._array(name, np.ascontiguousarray(matrix))]), bias])
        whole, scales = eight_bits(matrix)
        kernel, scale = self._array(name, whole), self._array(f"{name}.scale", scales)
        floats = self._emit("Mul", [self._emit("Cast", [kernel], to=TensorProto.FLOAT), scale])
        product = self._emit("MatMul", [x, floats])
        return self._emit("Add", [product, bias])

    def _gelu(self, x: str) -> str:
        part = self._emit("Erf", [self._emit("Mul", [x, self._number(0.5**0.5)])])
        half = self._emit("Mul", [x, self._number(0.5)])
        return self._emit("Mul", [half, self._emit("Add", [part, self._number(1.0)])])

    def _normed(self, x: str, name: str) -> str:
        scale, bias = (self._array(f"{name}.{part}", self._weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self._emit("LayerNormalization", [x, scale, bias], axis=-1, epsilon=EPSILON)

    def _pooled(self, x: str, mask: str) -> None:
        weights = self._emit("Reshape", [mask, self._shape(1, 1, TOKENS)])
        total = self._emit("Reshape", [self._emit("MatMul", [weights, x]), self._shape(1, WIDTH)])
        # The mean and the sum point the same way, so the length of 1 makes them the same.
        self._nodes.append(helper.make_node("LpNormalization", [total], ["vector"], axis=-1, p=2))

    def _emit(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        name = f"t{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def _array(self, name: str, array: NDArray[Any]) -> str:
        self._initialisers[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def _number(self, value: float) -> str:
        return self._array(f"number {value:.9g}", np.float32(value))

    def _shape(self, *sizes: int) -> str:
        return self._array(f"shape {sizes}", np.array(sizes, dtype=np.int64))
