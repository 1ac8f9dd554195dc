"""Load an ONNX model for cutting: its layers in order, what crosses each boundary between them, and how many bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from hedgerow_nodes.partition.layers import Constant, Layer, live_tensors, split_nodes, unknown_operator
from hedgerow_nodes.partition.problems import ModelError
from hedgerow_nodes.partition.shapes import closed, fix, inferred, inputs_of, measured
from hedgerow_nodes.partition.tensors import Tensor, bytes_stored


@dataclass(frozen=True)
class Model:
    """A model that can be cut before any layer; all ranges of layers are half-open, [first, last).

    Attributes:
        digest: SHA-256 of its file; where weights are kept in other files, of those as well.
        key: digest and given shapes: what parts are cached by.
        live: names of the tensors that cross boundary b, for b = 0 (the inputs) to the number of layers (the outputs).
        tensors: type and shape of each of these.
        constants: nodes of constants only, by output.
    """

    digest: str
    key: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    layers: tuple[Layer, ...]
    live: tuple[tuple[str, ...], ...]
    tensors: Mapping[str, Tensor] = field(repr=False)
    constants: Mapping[str, Constant] = field(repr=False)
    proto: onnx.ModelProto = field(repr=False, compare=False)

    def bytes_at(self, boundary: int) -> int:
        """Bytes of all tensors that cross a boundary, 0 to the number of layers."""
        return sum(self.tensors[name].size_bytes for name in self.live[boundary])

    @property
    def input_bytes(self) -> int:
        """Bytes of all inputs."""
        return self.bytes_at(0)

    @cached_property
    def cut_bytes(self) -> tuple[int, ...]:
        """Bytes that cross the cut behind each layer; the last are those of the outputs."""
        return tuple(self.bytes_at(index + 1) for index in range(len(self.layers)))

    @cached_property
    def stored_bytes(self) -> Mapping[str, int]:
        """Bytes of each stored tensor, as the file holds it."""
        stored = {one.name: bytes_stored(one) for one in self.proto.graph.initializer}
        return stored | {one.values.name: bytes_stored(one.values) for one in self.proto.graph.sparse_initializer}


def load(path: Path | str, shapes: Mapping[str, Sequence[int]] | None = None) -> Model:
    """Read a model.

    Args:
        shapes: sizes of inputs that the file leaves open.

    Raises:
        ModelError: no file, no ONNX model, open sizes, an unknown operator, or values that are no tensors.
    """
    path = Path(path)
    proto, digest = _read(path)
    key = digest
    if shapes:
        fix(proto.graph, shapes)
        text = repr(sorted((name, [int(size) for size in sizes]) for name, sizes in shapes.items()))
        key = hashlib.sha256(f"{digest} {text}".encode()).hexdigest()
    layers, constants = split_nodes(proto.graph)
    if problem := unknown_operator(layers, proto):
        raise ModelError(f"{path.name}: {problem}")
    inputs = tuple(closed(info) for info in inputs_of(proto.graph))
    outputs = tuple(info.name for info in proto.graph.output)
    live = live_tensors(layers, [one.name for one in inputs], outputs)
    wanted = {name for names in live for name in names}
    tensors = {one.name: one for one in inputs}
    tensors |= {name: one for name, one in inferred(proto).items() if name in wanted}
    if lacking := sorted(wanted - tensors.keys()):
        tensors |= measured(proto, inputs, lacking, path.name)
    return Model(digest, key, inputs, tuple(tensors[name] for name in outputs), layers, live, tensors, constants, proto)


def _read(path: Path) -> tuple[onnx.ModelProto, str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"model {str(path)!r} cannot be read: {error.strerror}") from error
    try:
        proto = onnx.load_model_from_string(content)
    except (DecodeError, ValueError) as error:
        raise ModelError(f"{path.name} is no ONNX model ({len(content)} bytes that no model begins with)") from error
    if not proto.graph.node:
        raise ModelError(f"{path.name} is no ONNX model, or one without a single node")
    digest = hashlib.sha256(content)
    elsewhere = sorted(
        {
            entry.value
            for tensor in proto.graph.initializer
            if tensor.data_location == onnx.TensorProto.EXTERNAL
            for entry in tensor.external_data
            if entry.key == "location"
        }
    )
    try:
        for name in elsewhere:
            digest.update(hashlib.sha256((path.parent / name).read_bytes()).digest())
        if elsewhere:
            onnx.load_external_data_for_model(proto, str(path.parent))
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        raise ModelError(
            f"{path.name} keeps weights in {', '.join(elsewhere)}, which cannot be read beside it; "
            "ship them together or save the model as one file"
        ) from error
    return proto, digest.hexdigest()
