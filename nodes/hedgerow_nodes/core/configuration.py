"""A node's configuration: a dataclass, validated when it is set, changeable while the node runs."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import msgspec


@dataclasses.dataclass(frozen=True)
class NoConfiguration:
    """The configuration of a node that has none."""


class ConfigurationInvalid(Exception):
    """A configuration that the node refuses; the message names the key, the value and what is allowed."""


def schema_of(configuration: type) -> str:
    """The JSON Schema of a configuration dataclass, as JSON text."""
    return json.dumps(msgspec.json.schema(configuration))


def to_json(configuration: Any) -> str:
    """A configuration as JSON text."""
    return msgspec.json.encode(configuration).decode()


def changed(configuration: Any, changes: Any) -> Any:
    """A new configuration: the old one with some keys changed.

    Raises:
        ConfigurationInvalid: the changes are no object, a key is unknown, or a value has the wrong type or range.
    """
    cls = type(configuration)
    names = [field.name for field in dataclasses.fields(cls)]
    if not isinstance(changes, dict):
        raise ConfigurationInvalid(f"configuration {changes!r} is no object of keys and values")
    unknown = sorted(set(changes) - set(names))
    if unknown:
        raise ConfigurationInvalid(f"configuration key {unknown[0]!r} unknown; known: {', '.join(names) or 'none'}")
    try:
        return msgspec.convert(msgspec.to_builtins(configuration) | changes, cls)
    except msgspec.ValidationError as error:
        raise ConfigurationInvalid(f"configuration {changes!r} refused: {error}") from error


def changed_by_json(configuration: Any, text: str) -> Any:
    """A new configuration: the old one with the keys changed that a JSON text holds; an empty text changes none.

    Raises:
        ConfigurationInvalid: the text is no JSON, or see `changed`.
    """
    try:
        changes = json.loads(text) if text else {}
    except json.JSONDecodeError as error:
        raise ConfigurationInvalid(f"configuration {text!r} is no JSON: {error}") from error
    return changed(configuration, changes)
