"""Find the type and shape of every tensor of a model: as stated, as inferred, and else as ONNX Runtime makes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from hedgerow_nodes.partition.problems import ModelError
from hedgerow_nodes.partition.runtime import open_session, run_session
from hedgerow_nodes.partition.tensors import Tensor, dimensions, dtype_of, known, made_up

MOST_PROTOBUF_BYTES = 2**31 - 2**20


def inputs_of(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """What has to be fed: inputs that no initializer gives.

    Raises:
        ModelError: there is none.
    """
    fixed = {one.name for one in graph.initializer}
    found = [one for one in graph.input if one.name not in fixed]
    if not found:
        raise ModelError("the model has no input; a model to be cut takes at least one tensor")
    return found


def closed(info: onnx.ValueInfoProto) -> Tensor:
    """The input, of fixed sizes.

    Raises:
        ModelError: a size is open; the message names it and says how to give it.
    """
    found = known(info)
    if found is not None and found.size_bytes:
        return found
    sizes = dimensions(info)
    if not dtype_of(info) or sizes is None:
        raise ModelError(f"input {info.name!r} states no type or shape; give it by the parameter shapes")
    shown = ", ".join(str(size) for size in sizes)
    opened = ", ".join(repr(size) for size in sizes if isinstance(size, str) or not size)
    example = ", ".join(str(size) if isinstance(size, int) and size else "1" for size in sizes)
    raise ModelError(
        f"input {info.name!r} of shape [{shown}] leaves {opened} open; bytes and times need fixed sizes: "
        f'give them by the parameter shapes, as in {{"{info.name}": [{example}]}}'
    )


def fix(graph: onnx.GraphProto, shapes: Mapping[str, Sequence[int]]) -> None:
    """Give inputs their sizes.

    Raises:
        ModelError: an input that is not there, or sizes that contradict those stated.
    """
    inputs = {info.name: info for info in inputs_of(graph)}
    for name, sizes in shapes.items():
        if name not in inputs:
            raise ModelError(f"shapes names {name!r}; the model's inputs are {', '.join(inputs)}")
        stated = dimensions(inputs[name])
        fits = stated is None or (
            len(stated) == len(sizes)
            and all(isinstance(one, str) or one in (0, size) for one, size in zip(stated, sizes, strict=True))
        )
        if not fits or any(size < 1 for size in sizes):
            raise ModelError(f"shapes gives {name!r} the sizes {list(sizes)}; the model states {stated}")
        shape = inputs[name].type.tensor_type.shape
        del shape.dim[:]
        for size in sizes:
            shape.dim.add().dim_value = size
    # What was inferred for open sizes would contradict, or keep what follows open.
    del graph.value_info[:]


def inferred(proto: onnx.ModelProto) -> dict[str, Tensor]:
    """What ONNX itself can tell; ONNX Runtime's own operators are unknown to it."""
    graph = proto.graph
    if proto.ByteSize() < MOST_PROTOBUF_BYTES:
        try:
            graph = onnx.shape_inference.infer_shapes(proto, data_prop=True).graph
        except onnx.shape_inference.InferenceError as error:
            raise ModelError(f"the shapes of the model contradict each other: {error}") from error
    found = {info.name: known(info) for info in (*graph.value_info, *graph.output)}
    return {name: one for name, one in found.items() if one is not None}


def measured(
    proto: onnx.ModelProto, inputs: Iterable[Tensor], names: Sequence[str], title: str = "the model"
) -> dict[str, Tensor]:
    """Types and shapes of tensors as ONNX Runtime makes them from made-up inputs.

    Raises:
        ModelError: the model cannot be run.
    """
    opened = onnx.ModelProto()
    opened.CopyFrom(proto)
    there = {one.name for one in opened.graph.output}
    opened.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in there)
    session = open_session(opened.SerializeToString(), title, optimisation="exact")
    values = run_session(session, names, made_up(inputs), title)
    return {name: _of_value(name, value) for name, value in zip(names, values, strict=True)}


def _of_value(name: str, value: Any) -> Tensor:
    if not isinstance(value, np.ndarray) or value.dtype == object:
        raise ModelError(f"value {name!r} is no tensor of numbers; only those can be sent")
    return Tensor(name, value.dtype.name, value.shape)
