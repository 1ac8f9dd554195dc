"""The two ends of a service that is asked: `request` gives what was put in, `response` answers with what arrives."""

from __future__ import annotations

from collections.abc import Iterator

from hedgerow_nodes.serve.handler import Context, sink, source
from hedgerow_nodes.serve.values import Value


@source("request", outputs={"value": Value}, class_type="request")
class Request:
    """Gives the inputs that are put into the service by a command or over HTTP."""

    def __init__(self, parameters: None, context: Context) -> None:
        self._context = context

    def items(self) -> Iterator[Value]:
        """Nothing of its own: what is put in comes from the host; it lasts until it is stopped."""
        while self._context.sleep(3600.0):
            pass
        yield from ()


@sink("response", inputs={"value": Value}, class_type="response")
class Response:
    """Answers the request that an item belongs to with that item."""

    def __init__(self, parameters: None, context: Context) -> None:
        self._context = context

    def process(self, value: Value) -> None:
        """Answer; an item that belongs to no request is left alone."""
        self._context.reply(value)
