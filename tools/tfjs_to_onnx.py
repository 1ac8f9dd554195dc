"""Translate a TensorFlow.js graph model (JSON and weight shards) into ONNX, channels first."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tfjs_fused import FusedOperators

OPSET = 18
TO_NHWC, TO_NCHW = (0, 2, 3, 1), (0, 3, 1, 2)


class UnsupportedGraph(Exception):
    """An operator, or a use of one, that this translation does not know."""


@dataclass(frozen=True)
class _Value:
    """A tensor: its ONNX name, whether TensorFlow sees it channels last, padding not yet applied, or a constant."""

    name: str = ""
    channels_last: bool = False
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    constant: Any = None


def translate(model_json: Path) -> onnx.ModelProto:
    """Translate the graph; every 4-D tensor of the result is channels first, weights are float32.

    Raises:
        UnsupportedGraph: the graph holds something that is not translated.
    """
    document = json.loads(model_json.read_text(encoding="utf-8"))
    graph = _Graph(document["modelTopology"]["node"], _weights(document, model_json.parent))
    signature = document.get("signature") or document["userDefinedMetadata"]["signature"]
    return graph.model([name.removesuffix(":0") for name in signature["outputs"]])


def _weights(document: dict[str, Any], folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    found: dict[str, np.ndarray[Any, Any]] = {}
    for group in document["weightsManifest"]:
        blob, offset = b"".join((folder / path).read_bytes() for path in group["paths"]), 0
        for weight in group["weights"]:
            stored = weight.get("quantization", {}).get("dtype", weight["dtype"])
            if stored not in ("float16", "float32", "int32"):
                raise UnsupportedGraph(f"weights of type {stored!r}; known: float16, float32, int32")
            array = np.frombuffer(blob, dtype=stored, count=math.prod(weight["shape"]), offset=offset)
            offset += array.nbytes
            found[weight["name"]] = array.astype(weight["dtype"]).reshape(weight["shape"])
    return found


class _Graph(FusedOperators):
    unsupported, value = UnsupportedGraph, _Value

    def __init__(self, nodes: list[dict[str, Any]], weights: dict[str, np.ndarray[Any, Any]]) -> None:
        self._by_name = {node["name"]: node for node in nodes}
        self._weights = weights
        self._values: dict[str, _Value] = {}
        self._made: list[onnx.NodeProto] = []
        self._initialisers: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []

    def model(self, outputs: list[str]) -> onnx.ModelProto:
        infos = []
        for output in outputs:
            value = self._plain(self._value(output))
            self._made.append(helper.make_node("Identity", [value.name], [output]))
            infos.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, None))
        graph = helper.make_graph(self._made, "translated", self._inputs, infos, self._initialisers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
        return onnx.shape_inference.infer_shapes(model, strict_mode=True)

    def _value(self, name: str) -> _Value:
        name = name.removesuffix(":0")
        base = name.partition(":")[0]
        if name not in self._values:
            node = self._by_name[base]
            self._values[base] = self._translate(node, [self._value(i) for i in node.get("input", []) if i[0] != "^"])
        return self._values[name]

    def _translate(self, node: dict[str, Any], inputs: list[_Value]) -> _Value:
        translation: Callable[..., _Value] | None = getattr(self, "_op_" + node["op"].lower().removesuffix("v2"), None)
        if node["op"] == "Identity":
            return inputs[0]
        if translation is None:
            raise UnsupportedGraph(f"operator {node['op']!r} of {node['name']!r} is not translated")
        return translation(node, node.get("attr", {}), *inputs)

    def _emit(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        name = f"t{len(self._made)}"
        self._made.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def _initialiser(self, array: np.ndarray[Any, Any]) -> str:
        name = f"c{len(self._initialisers)}"
        self._initialisers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def _plain(self, value: _Value) -> _Value:
        """The tensor as TensorFlow sees it."""
        if any(value.pads):
            raise UnsupportedGraph("padding before something else than a convolution or a pooling")
        if value.constant is not None:
            return _Value(self._initialiser(value.constant))
        return _Value(self._emit("Transpose", [value.name], perm=TO_NHWC)) if value.channels_last else value

    def _channels_first(self, value: _Value) -> str:
        """The ONNX name of the same tensor channels first, given one that TensorFlow sees channels last."""
        return value.name if value.channels_last else self._emit("Transpose", [value.name], perm=TO_NCHW)

    def _op_const(self, node: dict[str, Any], _: Any) -> _Value:
        return _Value(constant=self._weights[node["name"]])

    def _op_placeholder(self, node: dict[str, Any], attributes: Any) -> _Value:
        shape = [int(dim["size"]) for dim in attributes["shape"]["shape"]["dim"]]
        if picture := len(shape) == 4 and shape[3] == 3:
            shape = [shape[axis] for axis in TO_NCHW]
        self._inputs.append(helper.make_tensor_value_info(node["name"], TensorProto.FLOAT, shape))
        return _Value(node["name"], channels_last=picture)

    def _op_transpose(self, _: Any, __: Any, x: _Value, permutation: _Value) -> _Value:
        order = tuple(int(axis) for axis in permutation.constant)
        if order == TO_NHWC and not x.channels_last:
            return replace(x, channels_last=True)
        if order == TO_NCHW and x.channels_last:
            return replace(x, channels_last=False)
        return _Value(self._emit("Transpose", [self._plain(x).name], perm=order))

    def _op_pad(self, _: Any, __: Any, x: _Value, paddings: _Value, *fill: _Value) -> _Value:
        rows = paddings.constant.tolist()
        if not any(map(sum, rows[:3])):
            return self._channels_padded(x, rows)
        (top, bottom), (left, right) = rows[1:3] if x.channels_last else rows[2:4]
        if sum(map(sum, rows)) != top + bottom + left + right:
            raise UnsupportedGraph(f"padding {rows} of other axes than height and width")
        return replace(x, pads=(top, left, bottom, right))

    def _op_conv2d(self, node: dict[str, Any], attributes: Any, x: _Value, kernel: _Value) -> _Value:
        if base64.b64decode(attributes["padding"]["s"]) != b"VALID":
            raise UnsupportedGraph(f"padding of {node['name']!r} is not VALID")
        weights = self._initialiser(kernel.constant.transpose(3, 2, 0, 1))
        spatial = {key: [int(i) for i in attributes[key]["list"]["i"]][1:3] for key in ("strides", "dilations")}
        return _Value(
            self._emit("Conv", [self._channels_first(x), weights], pads=x.pads, **spatial), channels_last=True
        )

    def _op_maxpool(self, node: dict[str, Any], attributes: Any, x: _Value) -> _Value:
        size, strides = ([int(i) for i in attributes[key]["list"]["i"]][1:3] for key in ("ksize", "strides"))
        name = self._emit("MaxPool", [self._channels_first(x)], kernel_shape=size, strides=strides, pads=x.pads)
        return _Value(name, channels_last=True)

    def _op_resizebilinear(self, _: Any, attributes: Any, x: _Value, size: _Value) -> _Value:
        if not attributes["half_pixel_centers"]["b"] or attributes["align_corners"]["b"]:
            raise UnsupportedGraph("bilinear resize other than with half-pixel centres")
        first = self._channels_first(x)
        head = self._emit("Shape", [first], start=0, end=2)
        sizes = self._emit("Concat", [head, self._initialiser(size.constant.astype(np.int64))], axis=0)
        mode = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        return _Value(self._emit("Resize", [first, "", "", sizes], **mode), channels_last=True)

    def _op_add(self, _: Any, __: Any, x: _Value, y: _Value) -> _Value:
        x, y = (y, x) if x.constant is not None else (x, y)
        if x.constant is not None:
            return _Value(constant=x.constant + y.constant)
        if y.constant is not None:
            array = y.constant.reshape(-1, 1, 1) if x.channels_last and y.constant.ndim == 1 else y.constant
            return replace(x, name=self._emit("Add", [x.name, self._initialiser(array)]))
        if x.channels_last != y.channels_last:
            x, y = self._plain(x), self._plain(y)
        return replace(x, name=self._emit("Add", [x.name, y.name]))

    def _op_concat(self, _: Any, __: Any, *inputs: _Value) -> _Value:
        names = [self._plain(part).name for part in inputs[:-1]]
        return _Value(self._emit("Concat", names, axis=int(inputs[-1].constant)))

    def _op_splitv(self, node: dict[str, Any], _: Any, x: _Value, sizes: _Value, axis: _Value) -> _Value:
        names = [f"{node['name']}_{i}" for i in range(len(sizes.constant))]
        lengths = self._initialiser(sizes.constant.astype(np.int64))
        self._made.append(helper.make_node("Split", [self._plain(x).name, lengths], names, axis=int(axis.constant)))
        for i, name in enumerate(names[1:], start=1):
            self._values[f"{node['name']}:{i}"] = _Value(name)
        return _Value(names[0])

    def _op_sparsetodense(self, _: Any, __: Any, at: _Value, shape: _Value, values: _Value, rest: _Value) -> _Value:
        dense = np.full(shape.constant.tolist(), rest.constant)
        dense[tuple(at.constant.T)] = values.constant
        return _Value(constant=dense)

    def _op_reshape(self, _: Any, __: Any, x: _Value, shape: _Value) -> _Value:
        return _Value(self._emit("Reshape", [self._plain(x).name, self._initialiser(shape.constant.astype(np.int64))]))
