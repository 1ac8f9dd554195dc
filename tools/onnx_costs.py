"""Count what an inference of an ONNX graph costs, as the catalogue counts; store its weights as float16."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

COUNTED_BY = "2 x MAC of Conv, ConvTranspose, Gemm and MatMul of the ONNX graph after shape inference"
_FREE = frozenset({"Identity", "Reshape", "Shape", "Flatten", "Squeeze", "Unsqueeze", "Constant"})


@dataclass(frozen=True)
class OnnxCount:
    """What one inference costs at float32, at the batch size of the graph."""

    parameters: int
    flops: int
    activation_bytes: int
    moved_bytes: int

    def and_then(self, other: OnnxCount, times: int) -> OnnxCount:
        """This once, then the other several times, with the weights of both at hand all the while."""
        return OnnxCount(
            parameters=self.parameters + other.parameters,
            flops=self.flops + times * other.flops,
            activation_bytes=max(self.activation_bytes, other.activation_bytes),
            moved_bytes=self.moved_bytes + times * other.moved_bytes,
        )


def loaded(file: Path) -> onnx.ModelProto:
    """A shipped graph with what ONNX Runtime folds while it loads: matrices of scaled integers become floats."""
    stored = onnx.load(file)
    if not any(i.data_type == TensorProto.INT8 for i in stored.graph.initializer):
        return stored
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with tempfile.TemporaryDirectory() as scratch:
        options.optimized_model_filepath = str(Path(scratch) / "folded.onnx")
        onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        folded = onnx.load(options.optimized_model_filepath)
    standard = [opset for opset in folded.opset_import if not opset.domain]
    del folded.opset_import[:]
    folded.opset_import.extend(standard)
    return folded


def count(model: onnx.ModelProto) -> OnnxCount:
    """Count a graph with static shapes whose weights are float initialisers.

    Raises:
        ValueError: a tensor has no static shape.
    """
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    weights = {i.name: tuple(i.dims) for i in inferred.initializer}
    casts = [node for node in inferred.node if node.op_type == "Cast" and node.input[0] in weights]
    weights |= {node.output[0]: weights[node.input[0]] for node in casts}
    floats = (i for i in inferred.initializer if i.data_type in (TensorProto.FLOAT, TensorProto.FLOAT16))
    shapes = {v.name: _shape(v) for v in (*inferred.input, *inferred.value_info, *inferred.output)} | weights
    nodes = [node for node in inferred.node if node not in casts]
    return OnnxCount(
        parameters=sum(math.prod(i.dims) for i in floats if "scale" not in i.name)
        # Two numbers of four bits a byte.
        + sum(2 * math.prod(i.dims) for i in inferred.initializer if i.data_type == TensorProto.UINT8),
        flops=sum(_flops(node, shapes) for node in nodes),
        activation_bytes=_peak_bytes(nodes, [output.name for output in inferred.output], shapes),
        moved_bytes=sum(
            4 * math.prod(shapes[name])
            for node in nodes
            if node.op_type not in _FREE
            # A table is read by row: as much of it as comes out.
            for name in (*(node.output if node.op_type == "Gather" else node.input), *node.output)
            if name
        ),
    )


def with_float16_weights(model: onnx.ModelProto, *, standard: bool = True) -> onnx.ModelProto:
    """The same graph with its large float weights stored as float16 and cast to float32 when it is loaded.

    ONNX Runtime folds the casts while it loads, so the inference itself is float32. A graph with operators of ONNX
    Runtime's own is not checked (`standard` is False), since the checker does not know these.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    casts = []
    for initialiser in made.graph.initializer:
        if initialiser.data_type != TensorProto.FLOAT or math.prod(initialiser.dims) < 64:
            continue
        name = initialiser.name
        halved = numpy_helper.to_array(initialiser).astype(np.float16)
        initialiser.CopyFrom(numpy_helper.from_array(halved, f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *made.graph.node]
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    if standard:
        onnx.checker.check_model(made)
    return made


def _shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    dims = value.type.tensor_type.shape.dim
    if not all(dim.HasField("dim_value") for dim in dims):
        raise ValueError(f"tensor {value.name!r} has no static shape")
    return tuple(dim.dim_value for dim in dims)


def _flops(node: onnx.NodeProto, shapes: dict[str, tuple[int, ...]]) -> int:
    if node.op_type == "Conv":
        return 2 * math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[1]][1:])
    if node.op_type == "ConvTranspose":
        return 2 * math.prod(shapes[node.input[0]]) * math.prod(shapes[node.input[1]][1:])
    if node.op_type == "Gemm":
        transposed = any(a.name == "transA" and a.i for a in node.attribute)
        return 2 * math.prod(shapes[node.output[0]]) * shapes[node.input[0]][0 if transposed else 1]
    if node.op_type == "MatMul":
        return 2 * math.prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
    return 0


def _peak_bytes(nodes: list[onnx.NodeProto], outputs: list[str], shapes: dict[str, tuple[int, ...]]) -> int:
    """The most bytes of computed tensors that live at once, in the order of the graph."""
    last = {name: i for i, node in enumerate(nodes) for name in node.input}
    last |= dict.fromkeys(outputs, len(nodes))
    live: dict[str, int] = {}
    peak = 0
    for i, node in enumerate(nodes):
        live |= {name: 4 * math.prod(shapes[name]) for name in node.output}
        peak = max(peak, sum(live.values()))
        live = {name: size for name, size in live.items() if last.get(name, -1) > i}
    return peak
