"""What sources and receivers share: sending what came of an item, and telling what will not come."""

from __future__ import annotations

import time
from typing import Any

from hedgerow_nodes.serve.channel import Channel
from hedgerow_nodes.serve.frames import Head
from hedgerow_nodes.serve.handler import HandlerType
from hedgerow_nodes.serve.place import Place
from hedgerow_nodes.serve.values import BadValue, Value

GAP = "gap"
"""The type of an item that says that its sequence will not come."""

FAILED_EXIT = 70
"""The exit code of an instance that could not go on."""


class Sender:
    """Sends for one handler."""

    def __init__(self, kind: HandlerType, made: Any, place: Place, channel: Channel) -> None:
        self._kind, self._made, self._place, self._channel = kind, made, place, channel
        self._spent_s = time.process_time()

    def spent_s(self) -> float:
        """Processor time of this process since it was asked last: handler and all that moves its items."""
        before_s, self._spent_s = self._spent_s, time.process_time()
        return self._spent_s - before_s

    def send_results(self, results: Any) -> None:
        """Send what a handler gave, over one output or several, and gaps over the others."""
        results = self.by_port(results)
        for port, value in results.items():
            self._place.check(port, value)
        for port, value in results.items():
            self._channel.emit(port, {**self._place.stamp(), "kind": "cast"}, value)
        self.send_gaps(self._place.current, set(results))

    def send_gaps(self, current: Head, sent: set[str]) -> None:
        """Tell those who join that nothing comes over the outputs that were not sent to."""
        epoch = self._channel.epochs.get(current["epoch"])
        if epoch and epoch["gaps"]:
            for port in self._kind.outputs.keys() - sent:
                head = {"seq": current["seq"], "epoch": current["epoch"], "call": "", "kind": "cast", "type": GAP}
                self._channel.emit_encoded(port, head, [])

    def by_port(self, results: Any) -> dict[str, Value]:
        """What a handler gave, by output.

        Raises:
            BadValue: its outputs do not fit.
        """
        if results is None:
            return {}
        if isinstance(results, dict):
            return {port: value for port, value in results.items() if value is not None}
        if len(self._kind.outputs) == 1 and isinstance(results, Value):
            return {next(iter(self._kind.outputs)): results}
        outputs = ", ".join(self._kind.outputs) or "none"
        raise BadValue(f"{self._place.name} gave a {type(results).__name__}; its outputs are {outputs}")
