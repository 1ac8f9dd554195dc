"""Translations of activations, and of fused and depthwise convolutions, of TensorFlow.js graphs."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import numpy as np

FUSED = {b"BiasAdd", b"Relu"}


class FusedOperators:
    """What `tfjs_to_onnx` adds to its graph for these operators; it works on the graph's own values."""

    def _op__fusedconv2d(self, node: dict[str, Any], attributes: Any, x: Any, kernel: Any, bias: Any) -> Any:
        fused = [base64.b64decode(name) for name in attributes["fused_ops"]["list"]["s"]]
        if not set(fused) <= FUSED:
            raise self.unsupported(f"{node['name']!r} fuses {fused}; known: {sorted(FUSED)}")
        weights = self._initialiser(kernel.constant.transpose(3, 2, 0, 1))
        made = self._convolved(attributes, x, [weights, self._initialiser(bias.constant)])
        return replace(made, name=self._emit("Relu", [made.name])) if b"Relu" in fused else made

    def _op_depthwiseconv2dnative(self, _: Any, attributes: Any, x: Any, kernel: Any) -> Any:
        height, width, channels, multiplier = kernel.constant.shape
        weights = kernel.constant.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
        return self._convolved(attributes, x, [self._initialiser(weights)], group=channels)

    def _op_relu(self, _: Any, __: Any, x: Any) -> Any:
        return replace(x, name=self._emit("Relu", [x.name]))

    def _op_leakyrelu(self, _: Any, attributes: Any, x: Any) -> Any:
        return replace(x, name=self._emit("LeakyRelu", [x.name], alpha=attributes["alpha"]["f"]))

    def _op_sigmoid(self, _: Any, __: Any, x: Any) -> Any:
        return replace(x, name=self._emit("Sigmoid", [x.name]))

    def _convolved(self, attributes: Any, x: Any, weights: list[str], group: int = 1) -> Any:
        spatial = {key: [int(i) for i in attributes[key]["list"]["i"]][1:3] for key in ("strides", "dilations")}
        if base64.b64decode(attributes["padding"]["s"]) == b"SAME" and not any(x.pads):
            spatial["auto_pad"] = "SAME_UPPER"
        else:
            spatial["pads"] = x.pads
        name = self._emit("Conv", [self._channels_first(x), *weights], group=group, **spatial)
        return self.value(name, channels_last=True)

    def _channels_padded(self, x: Any, rows: list[list[int]]) -> Any:
        """A tensor that TensorFlow sees channels last, with more channels of zeros."""
        (before, after), channels_first = rows[3], self._channels_first(x)
        pads = self._initialiser(np.array([0, before, 0, 0, 0, after, 0, 0]))
        return self.value(self._emit("Pad", [channels_first, pads]), channels_last=True)
