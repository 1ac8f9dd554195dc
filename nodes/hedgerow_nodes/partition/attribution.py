"""Give the time of each node of an optimised graph to the layers of the model that it stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray

from hedgerow_nodes.partition.layers import Layer

_RENAMED = "_nchwc"
"""ONNX Runtime names a node of blocked channels after the tensor that it stands for, with this at its end."""

Times = NDArray[np.float64]


def node_layers(layers: Sequence[Layer], nodes: Sequence[onnx.NodeProto]) -> list[int | None]:
    """The last layer that each optimised node does the work of.

    A node that gives a tensor of the model stands for that tensor's layer. One that gives none (a reshape before a
    fused product, a change of layout) belongs to the node that it works for, the first downstream that stands for a
    layer. None where nothing tells.
    """
    makers = {name: layer.index for layer in layers for name in layer.outputs}
    found = [_direct(node, makers) for node in nodes]
    users: dict[str, list[int]] = {}
    for index, node in enumerate(nodes):
        for name in node.input:
            users.setdefault(name, []).append(index)
    for index in reversed(range(len(nodes))):
        if found[index] is None:
            behind = [found[user] for name in nodes[index].output for user in users.get(name, ())]
            found[index] = min((one for one in behind if one is not None), default=None)
    return found


def _direct(node: onnx.NodeProto, makers: Mapping[str, int]) -> int | None:
    stated = [makers[name] for name in node.output if name in makers]
    if stated:
        return max(stated)
    begin, mark, _ = node.name.rpartition(_RENAMED)
    return makers.get(begin) if mark else None


def groups(layers: Sequence[Layer], stands_for: Sequence[int | None]) -> list[int]:
    """For each layer the last layer of its group: itself where a node stands for it, else the one it was fused into."""
    direct = {one for one in stands_for if one is not None}
    users: dict[str, list[int]] = {}
    for layer in layers:
        for name in layer.inputs:
            users.setdefault(name, []).append(layer.index)
    found = [-1] * len(layers)
    for layer in reversed(layers):
        behind = [found[user] for name in layer.outputs for user in users.get(name, ()) if found[user] >= 0]
        found[layer.index] = layer.index if layer.index in direct else min(behind, default=-1)
    for index, one in enumerate(found):
        if one < 0:
            # Nothing downstream stands for anything: its work, if any is left, was done before it.
            found[index] = found[index - 1] if index else index
    return found


def clean_cuts(groups: Sequence[int]) -> tuple[bool, ...]:
    """For the cut behind each layer whether it goes through no group, so that both sides run as fused as the whole."""
    reach = -1
    found = []
    for index, last in enumerate(groups):
        reach = max(reach, last)
        found.append(reach <= index)
    return tuple(found)


def layer_shares(layers: Sequence[Layer], stands_for: Sequence[int | None], optimised: Times, alone: Times) -> Times:
    """Each layer's share of the whole, `[iteration, layer]`; every row sums to 1.

    Args:
        optimised: `[iteration, node]`, any unit.
        alone: `[layer]`, time of each layer where nothing is fused: how a group's time is split among its layers.
    """
    group = np.array(groups(layers, stands_for))
    count = len(layers)
    of_group = np.zeros((len(optimised), count))
    loose = np.zeros(len(optimised))
    for node, layer in enumerate(stands_for):
        if layer is None:
            loose += optimised[:, node]
        else:
            of_group[:, group[layer]] += optimised[:, node]
    total = np.bincount(group, weights=alone, minlength=count)
    weight = alone / total[group]
    shares = of_group[:, group] * weight
    # What belongs to nobody is spread as the rest is.
    return np.asarray(shares / (shares.sum(axis=1, keepdims=True)))
