"""The precisions that a user may ask for, by his words and by the catalogue's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from hedgerow_nodes.estimators.models.catalogue import CatalogueModel

# What a user writes: what the catalogue calls it. Empty means as the model comes.
PRECISIONS: Mapping[str, str] = {"": "", "fp32": "float32", "fp16": "float16", "int8": "int8"}


class UnknownPrecision(Exception):
    """A precision that is not among those known; the message names them."""


def precision_of(word: str) -> str:
    """The catalogue's name of a precision.

    Raises:
        UnknownPrecision: it is none of those known.
    """
    if word not in PRECISIONS:
        known = ", ".join(name for name in PRECISIONS if name)
        raise UnknownPrecision(f"precision {word!r} unknown; known: {known}")
    return PRECISIONS[word]


def at_precision(model: CatalogueModel, precision: str) -> CatalogueModel:
    """The model with its weights at another precision: bytes = parameters x bytes a number.

    Activations and traffic stay those of the precision in which it comes, which is an upper bound.
    """
    if not precision or precision == model.precision:
        return model
    changed: Any = precision
    return msgspec.structs.replace(model, precision=changed)
