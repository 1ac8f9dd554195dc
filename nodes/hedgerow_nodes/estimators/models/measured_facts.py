"""What is learned about a model by loading it."""

from __future__ import annotations

from dataclasses import dataclass


class UnusableModel(Exception):
    """A model that loads but cannot be fed, because it does not say what it takes."""


@dataclass(frozen=True)
class MeasuredFacts:
    """Parameters, FLOPs of one inference and bytes of the weights; None where unknown."""

    parameters: int | None = None
    flops: float | None = None
    weights_bytes: float | None = None
