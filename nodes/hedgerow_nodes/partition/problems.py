"""What can be wrong with a model that is to be cut; each message holds the value and the way out."""

from __future__ import annotations


class ModelError(Exception):
    """The model cannot be had, read, cut or run as it is."""


class ProviderUnusable(ModelError):
    """ONNX Runtime was built with the execution provider, but this machine lacks its device, driver or libraries."""


class ModelUnreachable(ModelError):
    """The model did not come from where it is said to be; the same may work later."""
