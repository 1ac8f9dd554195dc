"""What can be wrong with a message: its type, its bytes, its plain form, its description."""

from __future__ import annotations

from typing import Any


class UnsupportedTypeError(TypeError):
    """A wire type has something that is not part of the contract; the message names type, field and annotation."""


class CodecError(ValueError):
    """Bytes are no sample of the type, or a sample holds a value that its type cannot carry."""


class PlainError(ValueError):
    """A plain (JSON) value does not fit the type.

    Attributes:
        field: path of the field, as in `limits[2].value`; empty for the message itself.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field


class SchemaError(ValueError):
    """A text is no description of a wire type."""


def shown(value: Any) -> str:
    """Return a value as an error message shows it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
