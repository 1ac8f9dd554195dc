"""What a handler knows of its place, and may do from there.

A handler that works by a file, as a model, may have an attribute `digest`: its instance's status tells it.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Protocol

from hedgerow_nodes.serve.values import Value


class Context(Protocol):
    """What a handler knows of its place; given to its `__init__`, or to a function that has a parameter `context`.

    `folder` is its own, `models` that of all workers of one home, where uploads lie as SHA256.onnx.
    `execution_providers` are those of ONNX Runtime that its worker lets it use; all that it has here if empty.
    """

    name: str
    service_id: str
    logical_id: str
    parameters: Any
    log: logging.Logger
    folder: Path
    models: Path
    execution_providers: tuple[str, ...]

    @property
    def sequence(self) -> int:
        """Of the item that is worked on; of a source, that of the next one."""

    @property
    def epoch(self) -> int:
        """Of the item that is worked on."""

    @property
    def stopping(self) -> bool:
        """Whether the handler shall come to an end."""

    def sleep(self, seconds: float) -> bool:
        """Wait; `False` if the handler shall stop, which ends the wait at once."""

    def cast(self, port: str, value: Value, delay_s: float = 0.0) -> None:
        """Send a value over a port beside what `process` returns, now or later; nothing is waited for."""

    def call(self, port: str, value: Value, timeout_s: float = 10.0) -> Value:
        """Send a value over a port and wait for the reply.

        Raises:
            TimeoutError: none came in time.
            CallFailed: the receiver says that it could not.
        """

    def reply(self, value: Value) -> None:
        """Answer the call, or the request, that the item which is worked on belongs to."""


class CallFailed(Exception):
    """The receiver of a call could not answer it; its words."""
