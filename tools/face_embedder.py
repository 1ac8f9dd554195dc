"""Write dlib's face recognition network as an ONNX graph, from the weights that face-api stores mostly in 8 bits.

Needs npm and the package onnx. Writes the file and its manifest into nodes/hedgerow_nodes/handlers/weights.
"""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx_files import npm_files

WEIGHTS = Path(__file__).resolve().parent.parent / "nodes/hedgerow_nodes/handlers/weights"
FILE = "dlib-face-resnet.onnx"
FACE_API = ("@vladmandic/face-api", "1.7.15")
Stored = tuple[np.ndarray[Any, Any], float, float]
SIDE = 150
OPSET = 18
# Units of the network in order, as (name, channels, stride); dlib's examples/dnn_face_recognition_ex.cpp has the same
# from the other end. A unit with stride 2 adds to its own output the mean of 2 x 2 pixels of what it was given.
UNITS = (
    *((f"conv32_{n}", 32, 1) for n in (1, 2, 3)),
    ("conv64_down", 64, 2),
    *((f"conv64_{n}", 64, 1) for n in (1, 2, 3)),
    ("conv128_down", 128, 2),
    *((f"conv128_{n}", 128, 1) for n in (1, 2)),
    ("conv256_down", 256, 2),
    *((f"conv256_{n}", 256, 1) for n in (1, 2)),
    ("conv256_down_out", 256, 2),
)


FACTS = {
    "file": FILE,
    "stored_as": "most weights as uint8 with a scale and a minimum, filters of 64 channels as float32, as in face-api",
    "conversion": "tools/face_embedder.py, which writes the graph anew from the weights",
    "origin": {
        "package": FACE_API[0],
        "version": FACE_API[1],
        "registry": "npm",
        "file": "model/face_recognition_model.bin",
        "licence": "MIT",
    },
    "upstream": {
        "name": "dlib_face_recognition_resnet_model_v1, davisking/dlib-models on GitHub",
        "licence": "public domain (CC0-1.0)",
        "copyright": "Davis E. King, who gave it up",
        "evidence": "README of davisking/dlib-models (released into the public domain), which face-api.js names",
        "data": "trained on about 3 million faces of 7485 people: FaceScrub, VGG Face and pictures from the web",
    },
    "preparation": {
        "resize": "none",
        "size": [SIDE, SIDE],
        "order": "rgb",
        "mean": [122.782, 117.001, 104.298],
        "std": [256.0, 256.0, 256.0],
    },
}


def main() -> None:
    """Fetch the weights, write the graph and the manifest."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = npm_files(FACE_API, "face_recognition_model", Path(scratch)).parent / "model"
        content = face_embedder(folder / "face_recognition_model-weights_manifest.json").SerializeToString()
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    (WEIGHTS / FILE).write_bytes(content)
    facts = FACTS | {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (WEIGHTS / "manifest.json").write_text(
        json.dumps({"format": 1, "files": [facts]}, indent=1) + "\n", encoding="utf-8"
    )
    print(f"{FILE}: {len(content)} bytes")


def face_embedder(manifest: Path) -> onnx.ModelProto:
    """The network from the prepared picture (1, 3, 150, 150) to the vector (1, 128), weights kept as uint8.

    A weight is `stored x scale + minimum`, and each convolution is followed by a scale and an offset of every channel:
    all that is folded into one multiplication and one addition of constants, which ONNX Runtime does when it loads.
    """
    graph = _Graph(_read(manifest))
    value, channels, side = graph.convolution("picture", "conv32_down", stride=2), 32, (SIDE - 7) // 2 + 1
    value = graph.add("MaxPool", [graph.add("Relu", [value])], kernel_shape=[3, 3], strides=[2, 2])
    side = (side - 3) // 2 + 1
    for name, wanted, stride in UNITS:
        first = graph.add("Relu", [graph.convolution(value, f"{name}/conv1", stride)])
        out = graph.convolution(first, f"{name}/conv2", 1)
        shortcut = value
        if stride == 2:
            pooled, own = side // 2, (side - 3) // 2 + 1
            shortcut = graph.add("AveragePool", [value], kernel_shape=[2, 2], strides=[2, 2])
            shortcut = graph.padded(shortcut, wanted - channels, max(own - pooled, 0))
            out = graph.padded(out, 0, max(pooled - own, 0))
            side = max(own, pooled)
        value, channels = graph.add("Relu", [graph.add("Add", [out, shortcut])]), wanted
    mean = graph.add("Flatten", [graph.add("GlobalAveragePool", [value])], axis=1)
    graph.nodes.append(helper.make_node("MatMul", [mean, graph.matrix("fc")], ["vector"]))
    return graph.model()


def _read(manifest: Path) -> dict[str, Stored]:
    """Name to the stored bytes, their scale and their minimum."""
    found: dict[str, Stored] = {}
    for group in json.loads(manifest.read_text(encoding="utf-8")):
        blob, offset = b"".join((manifest.parent / path).read_bytes() for path in group["paths"]), 0
        for weight in group["weights"]:
            stored = weight.get("quantization", {"dtype": weight["dtype"], "scale": 1.0, "min": 0.0})
            count = math.prod(weight["shape"])
            array = np.frombuffer(blob, dtype=stored["dtype"], count=count, offset=offset).reshape(weight["shape"])
            offset += array.nbytes
            found[weight["name"]] = (array, float(stored["scale"]), float(stored["min"]))
    return found


class _Graph:
    def __init__(self, weights: dict[str, Stored]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self._weights = weights
        self._constants: dict[str, onnx.TensorProto] = {}

    def add(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        name = f"value_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def constant(self, array: np.ndarray[Any, Any]) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def exact(self, name: str) -> np.ndarray[Any, Any]:
        stored, scale, minimum = self._weights[name]
        return stored.astype(np.float64) * scale + minimum

    def convolution(self, value: str, name: str, stride: int) -> str:
        """A convolution with its scale and offset; with a stride it takes no padding, without it keeps the size."""
        stored, scale, minimum = self._weights[f"{name}/conv/filters"]
        factor, offset = self.exact(f"{name}/scale/weights"), self.exact(f"{name}/scale/biases")
        bias = self.exact(f"{name}/conv/bias") * factor + offset
        kernel = self.stretched(stored.transpose(3, 2, 0, 1), (factor * scale, factor * minimum), (-1, 1, 1, 1))
        pad = 0 if stride == 2 else stored.shape[0] // 2
        inputs = [value, kernel, self.constant(bias.astype(np.float32))]
        return self.add("Conv", inputs, strides=[stride, stride], pads=[pad] * 4)

    def matrix(self, name: str) -> str:
        stored, scale, minimum = self._weights[name]
        return self.stretched(stored, (np.array(scale), np.array(minimum)), ())

    def stretched(self, stored: Any, by: tuple[Any, Any], shape: tuple[int, ...]) -> str:
        factor, offset = (self.constant(array.astype(np.float32).reshape(shape)) for array in by)
        number = self.add("Cast", [self.constant(stored)], to=TensorProto.FLOAT)
        return self.add("Add", [self.add("Mul", [number, factor]), offset])

    def padded(self, value: str, channels: int, pixels: int) -> str:
        if not channels and not pixels:
            return value
        return self.add("Pad", [value, self.constant(np.array([0, 0, 0, 0, 0, channels, pixels, pixels], np.int64))])

    def model(self) -> onnx.ModelProto:
        given = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
        found = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, 128])
        graph = helper.make_graph(self.nodes, "face", [given], [found], list(self._constants.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
        onnx.checker.check_model(model, full_check=True)
        return model


if __name__ == "__main__":
    main()
