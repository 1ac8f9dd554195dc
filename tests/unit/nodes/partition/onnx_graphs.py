"""Small ONNX models for the tests: chains, residual blocks, concats and branches, drawn by hypothesis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import TensorProto, helper

WEIGHTS = Path(__file__).parents[4] / "nodes/hedgerow_nodes/estimators/weights"
CHANNELS, SIDE = 4, 6
SHAPE = [1, CHANNELS, SIDE, SIDE]


def info(name: str, shape: list[Any] | None = None, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, SHAPE if shape is None else shape)


def written(
    folder: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    weights: dict[str, Any] | None = None,
    functions: tuple[onnx.FunctionProto, ...] = (),
    domains: tuple[str, ...] = (),
) -> Path:
    """A model of these nodes as a file."""
    stored = [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in (weights or {}).items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, stored)
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(name, 1) for name in domains)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=list(functions))
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def chain(folder: Path, count: int = 4) -> Path:
    """x -> Relu -> Relu … -> y"""
    names = ["x", *(f"t{index}" for index in range(1, count)), "y"]
    nodes = [helper.make_node("Relu", [names[i]], [names[i + 1]], name=f"relu {i}") for i in range(count)]
    return written(folder, nodes, [info("x")], [info("y")])


@st.composite
def models(draw: st.DrawFn) -> dict[str, Any]:
    """Nodes, outputs and weights of a model of one or two inputs with skips, branches, concats and shared weights."""
    generator = np.random.default_rng(draw(st.integers(0, 2**16)))
    weights: dict[str, Any] = {}
    nodes: list[onnx.NodeProto] = []
    inputs = ["x"] + ["x2"] * draw(st.booleans())
    tensors = list(inputs)
    shared = generator.standard_normal((CHANNELS, CHANNELS, 3, 3)).astype(np.float16)
    weights["shared.half"] = shared
    nodes.append(helper.make_node("Cast", ["shared.half"], ["shared"], to=TensorProto.FLOAT))
    for index in range(draw(st.integers(2, 10))):
        kind = draw(st.sampled_from(["conv", "shared conv", "relu", "add", "concat", "split", "residual", "skip"]))
        one = draw(st.sampled_from(tensors[-4:]))
        out = f"t{index}"
        if kind in ("conv", "shared conv"):
            kernel = "shared"
            if kind == "conv":
                kernel = f"w{index}"
                weights[kernel] = generator.standard_normal((CHANNELS, CHANNELS, 3, 3)).astype(np.float32)
            nodes.append(helper.make_node("Conv", [one, kernel], [out], pads=[1, 1, 1, 1]))
        elif kind == "relu":
            nodes.append(helper.make_node("Relu", [one], [out]))
        elif kind in ("add", "skip"):
            other = tensors[0] if kind == "skip" else draw(st.sampled_from(tensors))
            nodes.append(helper.make_node("Add", [one, other], [out]))
        elif kind == "residual":
            weights[f"w{index}"] = generator.standard_normal((CHANNELS, CHANNELS, 1, 1)).astype(np.float32)
            nodes.append(helper.make_node("Conv", [one, f"w{index}"], [f"{out}.a"]))
            nodes.append(helper.make_node("Relu", [f"{out}.a"], [f"{out}.b"]))
            nodes.append(helper.make_node("Add", [f"{out}.b", one], [out]))
        elif kind == "concat":
            other = draw(st.sampled_from(tensors))
            weights[f"w{index}"] = generator.standard_normal((CHANNELS, 2 * CHANNELS, 1, 1)).astype(np.float32)
            nodes.append(helper.make_node("Concat", [one, other], [f"{out}.a"], axis=1))
            nodes.append(helper.make_node("Conv", [f"{out}.a", f"w{index}"], [out]))
        else:
            weights.setdefault("halves", np.array([CHANNELS // 2, CHANNELS // 2], dtype=np.int64))
            nodes.append(helper.make_node("Split", [one, "halves"], [f"{out}.a", f"{out}.b"], axis=1))
            nodes.append(helper.make_node("Concat", [f"{out}.b", f"{out}.a"], [out], axis=1))
        tensors.append(out)
    made = [name for name in tensors if name not in inputs]
    outputs = [made[-1], *draw(st.lists(st.sampled_from(made[:-1]), max_size=2, unique=True))] if made[:-1] else made
    return {"nodes": nodes, "inputs": inputs, "outputs": outputs, "weights": weights}


def save(drawn: dict[str, Any], folder: Path) -> Path:
    """A drawn model as a file."""
    return written(
        folder,
        drawn["nodes"],
        [info(name) for name in drawn["inputs"]],
        [info(name) for name in drawn["outputs"]],
        drawn["weights"],
    )
