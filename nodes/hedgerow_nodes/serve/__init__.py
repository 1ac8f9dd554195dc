"""Handlers, their values, and the processes that run them."""

from hedgerow_nodes.serve.catalogue import catalogue
from hedgerow_nodes.serve.handler import (
    BadHandler,
    CallFailed,
    Context,
    HandlerType,
    handler,
    parameters,
    sink,
    source,
)
from hedgerow_nodes.serve.values import (
    BadValue,
    Blob,
    Box,
    Boxes,
    EncodedImage,
    Image,
    Record,
    Tensors,
    Text,
    Value,
    decode,
    encode,
)

__all__ = [
    "BadHandler",
    "BadValue",
    "Blob",
    "Box",
    "Boxes",
    "CallFailed",
    "Context",
    "EncodedImage",
    "HandlerType",
    "Image",
    "Record",
    "Tensors",
    "Text",
    "Value",
    "catalogue",
    "decode",
    "encode",
    "handler",
    "parameters",
    "sink",
    "source",
]
