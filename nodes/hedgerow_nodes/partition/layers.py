"""Tell the layers of an ONNX graph from its constants, put them in an order that can run, and find what is live."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import onnx

from hedgerow_nodes.partition.problems import ModelError

# The same inputs give other results: a copy in each of two parts would not be one value.
_RANDOM = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli"}
_OWN_DOMAINS = ("", "ai.onnx", "ai.onnx.ml")


@dataclass(frozen=True)
class Layer:
    """A node that depends on the model's input.

    Attributes:
        index: its place in the order; a cut before it is the boundary `index`.
        inputs: tensors of other layers or of the model that it takes, also inside its subgraphs.
        constants: initializers and outputs of constant nodes that it takes.
    """

    index: int
    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: tuple[str, ...]
    node: onnx.NodeProto = field(repr=False, compare=False)


@dataclass(frozen=True)
class Constant:
    """A node of constants only, as a cast of stored weights; it belongs to every part that uses it."""

    outputs: tuple[str, ...]
    inputs: tuple[str, ...]
    node: onnx.NodeProto = field(repr=False, compare=False)


def split_nodes(graph: onnx.GraphProto) -> tuple[tuple[Layer, ...], dict[str, Constant]]:
    """The layers in an order in which they can run (that of the file where it is one), and constants by output.

    A node of which nothing reaches an output is left out.

    Raises:
        ModelError: the graph has a cycle, a missing tensor, or no layer.
    """
    fixed = {one.name for one in graph.initializer} | {one.values.name for one in graph.sparse_initializer}
    inputs = {one.name for one in graph.input} - fixed
    constants: dict[str, Constant] = {}
    found: list[tuple[onnx.NodeProto, tuple[str, ...]]] = []
    for node in _ordered(graph.node, fixed | inputs):
        taken = _taken(node)
        if all(name in fixed for name in taken) and not _is_random(node):
            one = Constant(_given(node), taken, node)
            constants.update(dict.fromkeys(one.outputs, one))
            fixed.update(one.outputs)
        else:
            found.append((node, taken))
    needed = {one.name for one in graph.output}
    used: list[tuple[onnx.NodeProto, tuple[str, ...]]] = []
    for node, taken in reversed(found):
        if needed.intersection(node.output):
            needed.update(taken)
            used.append((node, taken))
    if not used:
        raise ModelError("no layer of the model depends on its input, so there is nothing to run or to cut")
    names: set[str] = set()
    layers = []
    for index, (node, taken) in enumerate(reversed(used)):
        name = node.name if node.name and node.name not in names else f"{node.op_type} {_given(node)[0]}"
        names.add(name)
        moving = tuple(one for one in taken if one not in fixed)
        still = tuple(one for one in taken if one in fixed)
        layers.append(Layer(index, name, node.op_type, moving, _given(node), still, node))
    return tuple(layers), constants


def live_tensors(layers: Sequence[Layer], inputs: Sequence[str], outputs: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """What crosses each boundary 0 to N: made before it and used behind it, or an output of the model.

    At 0 these are the inputs, at N the outputs, as the model orders them; else in the order in which they are made.
    """
    last_use = {name: layer.index for layer in layers for name in layer.inputs}
    last_use.update(dict.fromkeys(outputs, len(layers)))
    alive = [name for name in inputs if name in last_use]
    found = [tuple(inputs)]
    for layer in layers:
        alive = [name for name in alive if last_use[name] > layer.index]
        alive += [name for name in layer.outputs if last_use.get(name, -1) > layer.index]
        found.append(tuple(alive))
    return (*found[:-1], tuple(outputs))


def unknown_operator(layers: Iterable[Layer], model: onnx.ModelProto) -> str:
    """Say which layer is of an operator that its ONNX version does not have; empty if all are known.

    Operators of other domains are ONNX Runtime's to know.
    """
    versions = {one.domain or "ai.onnx": one.version for one in model.opset_import}
    functions = {(one.domain, one.name) for one in model.functions}
    for layer in layers:
        domain = layer.node.domain
        if domain not in _OWN_DOMAINS or (domain, layer.op) in functions:
            continue
        version = versions.get(domain or "ai.onnx", onnx.defs.onnx_opset_version())
        if not onnx.defs.has(layer.op, max_inclusive_version=version, domain="" if domain == "ai.onnx" else domain):
            return f"layer {layer.name!r} is of operator {layer.op!r}, which opset {version} does not have"
    return ""


def _ordered(nodes: Sequence[onnx.NodeProto], given: set[str]) -> list[onnx.NodeProto]:
    makers = {name: index for index, node in enumerate(nodes) for name in _given(node)}
    users: dict[int, list[int]] = {}
    missing = []
    for index, node in enumerate(nodes):
        before = set()
        for name in _taken(node):
            if name not in makers and name not in given:
                raise ModelError(f"node {node.name or node.op_type!r} takes {name!r}, which nothing in the model gives")
            if name in makers:
                before.add(makers[name])
        missing.append(len(before))
        for one in before:
            users.setdefault(one, []).append(index)
    ready = [index for index, count in enumerate(missing) if not count]
    order = []
    while ready:
        index = heapq.heappop(ready)
        order.append(nodes[index])
        for user in users.get(index, ()):
            missing[user] -= 1
            if not missing[user]:
                heapq.heappush(ready, user)
    if len(order) < len(nodes):
        around = next(node for node, count in zip(nodes, missing, strict=True) if count)
        raise ModelError(f"the model has a cycle at node {around.name or around.op_type!r}")
    return order


def _given(node: onnx.NodeProto) -> tuple[str, ...]:
    return tuple(name for name in node.output if name)


def _subgraphs(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    found = []
    for one in node.attribute:
        found += [one.g] if one.type == onnx.AttributeProto.GRAPH else list(one.graphs)
    return found


def _taken(node: onnx.NodeProto) -> tuple[str, ...]:
    """Inputs, and what subgraphs take from outside, each once, in order."""
    taken = dict.fromkeys(name for name in node.input if name)
    for graph in _subgraphs(node):
        own = {one.name for one in graph.input} | {one.name for one in graph.initializer}
        own |= {name for inner in graph.node for name in inner.output}
        inside = [name for inner in graph.node for name in _taken(inner)] + [one.name for one in graph.output]
        taken.update(dict.fromkeys(name for name in inside if name not in own))
    return tuple(taken)


def _is_random(node: onnx.NodeProto) -> bool:
    return node.op_type in _RANDOM or any(_is_random(inner) for graph in _subgraphs(node) for inner in graph.node)
