"""Cut ONNX models into parts, run the parts, and say what each layer costs."""

from hedgerow_nodes.partition.extract import Interface, extract, interface
from hedgerow_nodes.partition.graph import Model, load
from hedgerow_nodes.partition.layers import Layer
from hedgerow_nodes.partition.part import Part
from hedgerow_nodes.partition.problems import ModelError, ModelUnreachable, ProviderUnusable
from hedgerow_nodes.partition.profile import LayerTime, Profile, profile
from hedgerow_nodes.partition.super_layers import super_layers
from hedgerow_nodes.partition.tensors import Tensor

__all__ = [
    "Interface",
    "Layer",
    "LayerTime",
    "Model",
    "ModelError",
    "ModelUnreachable",
    "Part",
    "Profile",
    "ProviderUnusable",
    "Tensor",
    "extract",
    "interface",
    "load",
    "profile",
    "super_layers",
]
