"""Tensors that cross cuts: their names, types, shapes and bytes, and made-up values for them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from hedgerow_nodes.partition.problems import ModelError

_TYPES: dict[int, str] = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.DOUBLE: "float64",
    onnx.TensorProto.FLOAT16: "float16",
    onnx.TensorProto.INT8: "int8",
    onnx.TensorProto.INT16: "int16",
    onnx.TensorProto.INT32: "int32",
    onnx.TensorProto.INT64: "int64",
    onnx.TensorProto.UINT8: "uint8",
    onnx.TensorProto.UINT16: "uint16",
    onnx.TensorProto.UINT32: "uint32",
    onnx.TensorProto.UINT64: "uint64",
    onnx.TensorProto.BOOL: "bool",
}
_CODES = {dtype: code for code, dtype in _TYPES.items()}


@dataclass(frozen=True)
class Tensor:
    """A tensor of a model.

    Attributes:
        dtype: the name that numpy has for its type.
        shape: all sizes known.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        """Its bytes in memory and on a link."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    def value_info(self) -> onnx.ValueInfoProto:
        """As the input or output of a graph."""
        return onnx.helper.make_tensor_value_info(self.name, _CODES[self.dtype], list(self.shape))


def dtype_of(info: onnx.ValueInfoProto) -> str:
    """The type, or an empty text where it is not known.

    Raises:
        ModelError: no tensor, or of a type that cannot be sent.
    """
    kind = info.type.WhichOneof("value")
    if kind is None or (kind == "tensor_type" and not info.type.tensor_type.elem_type):
        return ""
    if kind != "tensor_type":
        raise ModelError(f"value {info.name!r} is a {kind.removesuffix('_type')}; only tensors can be sent")
    code = info.type.tensor_type.elem_type
    if code not in _TYPES:
        name = onnx.TensorProto.DataType.Name(code).lower()
        raise ModelError(f"tensor {info.name!r} is of type {name}; known: {', '.join(_CODES)}")
    return _TYPES[code]


def dimensions(info: onnx.ValueInfoProto) -> list[int | str] | None:
    """The sizes; a name (`?` without one) where a size is open; None where even their number is."""
    if not info.type.tensor_type.HasField("shape"):
        return None
    found: list[int | str] = []
    for one in info.type.tensor_type.shape.dim:
        is_known = one.HasField("dim_value") and one.dim_value >= 0
        found.append(int(one.dim_value) if is_known else str(one.dim_param or "?"))
    return found


def known(info: onnx.ValueInfoProto) -> Tensor | None:
    """The tensor, if type and shape are known.

    Raises:
        ModelError: no tensor, or of a type that cannot be sent.
    """
    dtype, sizes = dtype_of(info), dimensions(info)
    if not dtype or sizes is None or any(isinstance(size, str) for size in sizes):
        return None
    return Tensor(info.name, dtype, tuple(int(size) for size in sizes))


def bytes_stored(stored: onnx.TensorProto) -> int:
    """Bytes of a stored tensor in memory."""
    return int(math.prod(stored.dims) * onnx.helper.tensor_dtype_to_np_dtype(stored.data_type).itemsize)


def made_up(tensors: Iterable[Tensor], seed: int = 0) -> dict[str, Any]:
    """Values to run a model with: noise around 0 in floats; ones in integers, which are indices more often than not."""
    generator = np.random.default_rng(seed)
    return {
        one.name: generator.standard_normal(one.shape).astype(one.dtype)
        if one.dtype.startswith("float")
        else np.ones(one.shape, dtype=one.dtype)
        for one in tensors
    }
