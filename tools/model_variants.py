"""Make float16 and int8 variants of an ONNX graph, which take from the shipped files what these hold already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.transformers.float16 import convert_float_to_float16

SHARED_FROM_BYTES = 256
Feed = Mapping[str, NDArray[Any]]


def as_float32(stored: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with the casts of its stored weights carried out."""
    model = onnx.ModelProto()
    model.CopyFrom(stored)
    halves = {i.name: i for i in model.graph.initializer if i.data_type == TensorProto.FLOAT16}
    casts = [node for node in model.graph.node if node.op_type == "Cast" and node.input[0] in halves]
    for node in casts:
        initialiser = halves[node.input[0]]
        whole = numpy_helper.to_array(initialiser).astype(np.float32)
        initialiser.CopyFrom(numpy_helper.from_array(whole, node.output[0]))
        model.graph.node.remove(node)
    for place, node in enumerate(model.graph.node):
        node.name = node.name or f"node {place}"
    return model


def float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Weights and activations as float16, inputs and outputs as before."""
    made: onnx.ModelProto = convert_float_to_float16(model, keep_io_types=True)
    del made.graph.value_info[:]
    return made


def int8_static(model: onnx.ModelProto, feeds: Sequence[Feed], folder: Path) -> onnx.ModelProto:
    """Convolutions in int8, the ranges of their activations fixed so that 99.99 % of what `feeds` gave lies inside.

    Weights take 7 bits a channel: products of 8 bits and 8 bits overflow the 16 bits in which processors without VNNI
    add pairs of them, and the result would depend on the processor. The first convolution, whose three channels of
    input cost little, stays in float: with it the outputs were twice as far off.
    """
    before, after = folder / "float.onnx", folder / "static.onnx"
    onnx.save(onnx.shape_inference.infer_shapes(model), before)
    quantize_static(
        before,
        after,
        _Reader(feeds),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv", "Gemm", "MaxPool", "Add"],
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        nodes_to_exclude=[node.name for node in model.graph.node if node.op_type == "Conv"][:1],
        calibrate_method=CalibrationMethod.Percentile,
        extra_options={"CalibPercentile": 99.99},
    )
    return onnx.load(after)


def int8_dynamic(model: onnx.ModelProto, folder: Path) -> onnx.ModelProto:
    """Matrix products in int8, the ranges of their activations found anew in each run.

    Convolutions are left: in integers with ranges of their own they took six to twelve times as long as in float.
    """
    before, after = folder / "float.onnx", folder / "dynamic.onnx"
    onnx.save(model, before)
    quantize_dynamic(
        before,
        after,
        op_types_to_quantize=["MatMul", "Gemm"],
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
    )
    return onnx.load(after)


def integer_products(stored: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with each product of floats and cast, scaled integers carried out on the integers."""
    made = onnx.ModelProto()
    made.CopyFrom(stored)
    by_output = {node.output[0]: node for node in made.graph.node}
    integers = {i.name for i in made.graph.initializer if i.data_type == TensorProto.INT8}
    nodes: list[onnx.NodeProto] = []
    for node in made.graph.node:
        scaled = by_output.get(node.input[1]) if node.op_type == "MatMul" else None
        cast = by_output.get(scaled.input[0]) if scaled is not None and scaled.op_type == "Mul" else None
        if scaled is None or cast is None or cast.op_type != "Cast" or cast.input[0] not in integers:
            nodes.append(node)
            continue
        name = node.output[0]
        step, whole, zero, product, floats, scale = (f"{name} {part}" for part in ("s", "q", "z", "p", "f", "c"))
        nodes += [
            helper.make_node("DynamicQuantizeLinear", [node.input[0]], [whole, step, zero]),
            helper.make_node("MatMulInteger", [whole, cast.input[0], zero], [product]),
            helper.make_node("Cast", [product], [floats], to=TensorProto.FLOAT),
            helper.make_node("Mul", [step, scaled.input[1]], [scale]),
            helper.make_node("Mul", [floats, scale], [name]),
        ]
    used = {name for node in nodes for name in node.input} | {value.name for value in made.graph.output}
    for _ in range(2):  # first the scaled matrices that nobody takes, then their casts
        nodes = [node for node in nodes if used & set(node.output)]
        used = {name for node in nodes for name in node.input} | {value.name for value in made.graph.output}
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    return made


def sharing(model: onnx.ModelProto, others: Sequence[Path]) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """The graph with every large tensor that another file holds, byte for byte, taken from there; and those files."""
    contents = {path.name: path.read_bytes() for path in others}
    used = set()
    for initialiser in model.graph.initializer:
        raw = numpy_helper.to_array(initialiser).tobytes()
        if len(raw) < SHARED_FROM_BYTES:
            continue
        for name, content in contents.items():
            offset = content.find(raw)
            if offset < 0:
                continue
            for field in ("raw_data", "float_data", "int32_data", "int64_data"):
                initialiser.ClearField(field)
            del initialiser.external_data[:]
            for key, value in (("location", name), ("offset", str(offset)), ("length", str(len(raw)))):
                initialiser.external_data.add(key=key, value=value)
            initialiser.data_location = TensorProto.EXTERNAL
            used.add(name)
            break
    return model, tuple(sorted(used))


def weights_bytes(model: onnx.ModelProto) -> int:
    """Bytes of the numbers that the graph was given, wherever they lie."""
    return sum(
        int(np.prod(i.dims)) * np.dtype(onnx.helper.tensor_dtype_to_np_dtype(i.data_type)).itemsize
        for i in model.graph.initializer
    )


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, feeds: Sequence[Feed]) -> None:
        self._left: Iterator[Feed] = iter(feeds)

    def get_next(self) -> Feed | None:
        return next(self._left, None)
