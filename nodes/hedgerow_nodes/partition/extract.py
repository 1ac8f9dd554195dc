"""Write a part of a model, layers [first, last), as an ONNX file of its own; made once for each digest and range."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import onnx

from hedgerow_nodes.partition.graph import Model
from hedgerow_nodes.partition.problems import ModelError
from hedgerow_nodes.partition.shapes import MOST_PROTOBUF_BYTES

NOTE = "hedgerow.part"
"""Key of the metadata by which a part knows its range and what passes through it."""

_FORM = "1"


@dataclass(frozen=True)
class Interface:
    """What a part takes and gives.

    Attributes:
        inputs: all that crosses boundary `first`.
        outputs: all that crosses boundary `last`.
        fed: those of the inputs that its layers take.
        made: those of the outputs that its layers make; all others it passes on as they came.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    fed: tuple[str, ...]
    made: tuple[str, ...]


def checked_range(model: Model, first: int, last: int) -> tuple[int, int]:
    """The range with `last` = -1 resolved.

    Raises:
        ModelError: no layer lies in it, or it ends behind the last.
    """
    count = len(model.layers)
    end = count if last == -1 else last
    if not 0 <= first < end <= count:
        raise ModelError(
            f"layers [{first}, {last}) are no part of a model of {count} layers; a part is half-open, "
            f"0 <= first < last <= {count}, and last = -1 is all that follow"
        )
    return first, end


def interface(model: Model, first: int, last: int) -> Interface:
    """What layers [first, last) take and give.

    Raises:
        ModelError: no such range.
    """
    first, last = checked_range(model, first, last)
    layers = model.layers[first:last]
    taken = {name for layer in layers for name in layer.inputs}
    inputs, outputs = model.live[first], model.live[last]
    return Interface(
        inputs,
        outputs,
        tuple(name for name in inputs if name in taken),
        tuple(name for name in outputs if name not in inputs),
    )


def extract(model: Model, first: int, last: int, folder: Path | str) -> Path:
    """The file of a part in a folder; written whole or not at all, and not again if it is there.

    Raises:
        ModelError: no such range, or the folder cannot be written.
    """
    first, last = checked_range(model, first, last)
    target = Path(folder) / model.key / f"{first}-{last}.{_FORM}.onnx"
    if target.is_file():
        return target
    part = build(model, first, last)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as passing:
            _write(part, Path(passing), target)
    except OSError as error:
        raise ModelError(f"the part cannot be written to {str(target)!r}: {error.strerror}") from error
    return target


def build(model: Model, first: int, last: int) -> onnx.ModelProto:
    """The part as a model: its layers, the constants that they use, and its interface in the metadata."""
    first, last = checked_range(model, first, last)
    face = interface(model, first, last)
    layers = model.layers[first:last]
    wanted = [name for layer in layers for name in layer.constants]
    wanted += [name for name in face.made if not any(name in layer.outputs for layer in layers)]
    stored, nodes = _constants(model, wanted)
    part = onnx.ModelProto()
    part.ir_version = model.proto.ir_version
    part.producer_name = "hedgerow"
    part.opset_import.extend(model.proto.opset_import)
    part.functions.extend(model.proto.functions)
    graph = part.graph
    graph.name = f"layers {first} to {last - 1}"
    graph.node.extend(nodes)
    graph.node.extend(layer.node for layer in layers)
    graph.initializer.extend(one for one in model.proto.graph.initializer if one.name in stored)
    graph.sparse_initializer.extend(one for one in model.proto.graph.sparse_initializer if one.values.name in stored)
    graph.input.extend(model.tensors[name].value_info() for name in face.fed)
    graph.output.extend(model.tensors[name].value_info() for name in face.made)
    note = {"digest": model.digest, "first": first, "last": last, "inputs": face.inputs, "outputs": face.outputs}
    part.metadata_props.add(key=NOTE, value=json.dumps(note))
    return part


def _constants(model: Model, wanted: list[str]) -> tuple[set[str], list[onnx.NodeProto]]:
    """Initializers, and constant nodes in an order in which they can run, from which the wanted are made."""
    stored: set[str] = set()
    placed: set[str] = set()
    nodes: list[onnx.NodeProto] = []
    waiting = list(reversed(wanted))
    while waiting:
        name = waiting[-1]
        one = model.constants.get(name)
        if name in placed or one is None:
            if one is None:
                stored.add(name)
            waiting.pop()
            continue
        before = [each for each in one.inputs if each in model.constants and each not in placed]
        if before:
            waiting += before
            continue
        stored.update(each for each in one.inputs if each not in model.constants)
        placed.update(one.outputs)
        nodes.append(one.node)
        waiting.pop()
    return stored, nodes


def _write(part: onnx.ModelProto, passing: Path, target: Path, most_bytes: int = MOST_PROTOBUF_BYTES) -> None:
    """Written beside and renamed, so that whoever reads meanwhile finds it whole; two writers write the same."""
    made = passing / target.name
    if part.ByteSize() < most_bytes:
        made.write_bytes(part.SerializeToString())
    else:
        beside = f"{target.name}.weights"
        onnx.save_model(part, str(made), save_as_external_data=True, location=beside, size_threshold=1024)
        (passing / beside).replace(target.with_name(beside))
    with made.open("rb") as content:
        os.fsync(content.fileno())
    made.replace(target)
