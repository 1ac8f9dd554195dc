"""Train the small classifier of handwritten digits that ships, and turn it into ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

SEED = 20260101


def train() -> tuple[onnx.ModelProto, dict[str, float | str], list[float], int]:
    """Train on 80 % of scikit-learn's digits: the model, its accuracy on the rest, one unseen digit and what it is."""
    seen, unseen, seen_digits, unseen_digits = _split()
    classifier = MLPClassifier(hidden_layer_sizes=(64,), max_iter=300, random_state=SEED)
    classifier.fit(seen, seen_digits)
    accuracy: dict[str, float | str] = {
        "metric": "accuracy on held-out digits",
        "value": float(classifier.score(unseen, unseen_digits)),
        "source": f"measured by tools/convert_weights.py on {len(unseen)} of scikit-learn's 1797 digits, held out",
    }
    sample = [float(value) for value in np.round(unseen[0], 4)]
    return _onnx(classifier), accuracy, sample, int(unseen_digits[0])


def training_rows() -> Any:
    """The digits that it is trained on, without what they are."""
    return _split()[0]


def _split() -> Any:
    pixels, digits = load_digits(return_X_y=True)
    return train_test_split(pixels / 16.0, digits, test_size=0.2, random_state=SEED, stratify=digits)


def _onnx(classifier: Any) -> onnx.ModelProto:
    weights = []
    for layer, (kernel, bias) in enumerate(zip(classifier.coefs_, classifier.intercepts_, strict=True)):
        weights.append(numpy_helper.from_array(kernel.astype(np.float32), f"kernel{layer}"))
        weights.append(numpy_helper.from_array(bias.astype(np.float32), f"bias{layer}"))
    nodes = [
        helper.make_node("Gemm", ["pixels", "kernel0", "bias0"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Gemm", ["active", "kernel1", "bias1"], ["logits"]),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size])
        for name, size in (("pixels", 64), ("logits", 10))
    ]
    graph = helper.make_graph(nodes, "digits", ends[:1], ends[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
