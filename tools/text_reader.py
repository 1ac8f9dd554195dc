"""Prepare PP-OCRv4's detector and recogniser of lines: fixed sizes, and letters of the English keyboard only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, version_converter

PAGE, LINE = (192, 640), (48, 480)
BLANK = ""


def detector(file: Path) -> onnx.ModelProto:
    """The detector for one picture of `PAGE` pixels: for each pixel how likely it is text."""
    return _fixed(onnx.load(file), (1, 3, *PAGE))


def recogniser(file: Path) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """The recogniser for one line of `LINE` pixels, and what each of its outputs stands for; the first is the blank.

    Of its 6,625 characters those of ASCII are kept: the columns of the last matrix that stand for others are cut off,
    so that shares are among the kept ones.
    """
    model = onnx.load(file)
    listed = next(entry.value for entry in model.metadata_props if entry.key == "character").splitlines()
    characters = [BLANK, *listed, " "]
    kept = [place for place, text in enumerate(characters) if place == 0 or (len(text) == 1 and text.isascii())]
    last = next(node for node in reversed(model.graph.node) if node.op_type == "MatMul")
    bias = next(node for node in reversed(model.graph.node) if node.op_type == "Add")
    _cut(model, last.input[1], kept)
    _cut(model, bias.input[1], kept)
    del model.metadata_props[:]
    return _fixed(model, (1, 3, *LINE)), tuple(characters[place] for place in kept)


def _cut(model: onnx.ModelProto, name: str, kept: list[int]) -> None:
    node = next(node for node in model.graph.node if name in node.output)
    value = node.attribute[0].t
    array = numpy_helper.to_array(value)[..., kept]
    value.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), value.name))


def _fixed(model: onnx.ModelProto, shape: tuple[int, ...]) -> onnx.ModelProto:
    entry = model.graph.input[0].name
    ends = [helper.make_tensor_value_info(value.name, TensorProto.FLOAT, None) for value in model.graph.output]
    for values, made in (
        (model.graph.input, [helper.make_tensor_value_info(entry, TensorProto.FLOAT, shape)]),
        (model.graph.output, ends),
        (model.graph.value_info, []),
    ):
        del values[:]
        values.extend(made)
    # Scales for each channel came with version 13.
    model = version_converter.convert_version(model, 13)
    return onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
