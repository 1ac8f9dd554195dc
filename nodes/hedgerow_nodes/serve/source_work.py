"""The work of a source's process: number what it yields, and switch to another epoch exactly where it shall."""

from __future__ import annotations

import time
from typing import Any

from hedgerow_nodes.serve.channel import Channel
from hedgerow_nodes.serve.frames import Head
from hedgerow_nodes.serve.handler import HandlerType
from hedgerow_nodes.serve.place import Place, error_text
from hedgerow_nodes.serve.sender import FAILED_EXIT, Sender
from hedgerow_nodes.serve.values import BadValue


class SourceWork(Sender):
    """Numbers what the handler yields, and switches to another epoch exactly where it shall."""

    def __init__(self, kind: HandlerType, made: Any, place: Place, channel: Channel) -> None:
        super().__init__(kind, made, place, channel)
        self._switch: tuple[int, int, bool] | None = None
        self._is_emitting = False
        self._has_ended = False
        channel.on_switch = self._hear_switch

    def work(self) -> int:
        """Send until the source fails, which is an exit code, or the host closes."""
        place, channel = self._place, self._channel
        channel.wait_until(lambda: channel.is_running)
        if channel.first_sequence >= 0:
            # Where the one before has left off is known, which counts more than the guess that the plan holds.
            place.current["seq"] = channel.first_sequence
        items = iter(self._made.items())
        while True:
            place.woken_at_s = time.time()
            cpu_s = time.thread_time()
            try:
                results = next(items, self)
            except Exception as error:  # noqa: BLE001 - a source that fails is begun anew by its host
                channel.send({"do": "failed", "text": error_text(error)})
                return FAILED_EXIT
            cpu_s = time.thread_time() - cpu_s
            channel.wait_until(self._may_send)
            if results is self:
                self._has_ended = True
                self._say_end()
                channel.wait_until(lambda: False)
            self._is_emitting = True
            self._emit(results, place.woken_at_s, cpu_s)
            place.current["seq"] += 1
            self._is_emitting = False

    def _may_send(self) -> bool:
        """Whether the next item may go; by now it is known by which epoch."""
        if self._switch is not None and self._place.sequence >= self._switch[0]:
            _at, epoch, leaves = self._switch
            if leaves:
                return False
            self._place.current["epoch"] = epoch
            self._switch = None
        return self._channel.is_running

    def _hear_switch(self, head: Head) -> None:
        at = max(int(head["at"]), self._place.sequence + (1 if self._is_emitting else 0))
        self._switch = (at, head["epoch"], bool(head["leave"]))
        self._channel.send({"do": "switched", "at": at, "epoch": head["epoch"], "command": head["command"]})
        if self._has_ended and not head["leave"]:
            self._place.current["epoch"] = head["epoch"]
            self._say_end()  # by the new epoch nobody has heard of it

    def _say_end(self) -> None:
        self._channel.send({"do": "end", "epoch": self._place.epoch, "seq": self._place.sequence})

    def _emit(self, results: Any, started_at_s: float, cpu_s: float) -> None:
        place = self._place
        done: Head = {"do": "done", "tickets": [], "start": started_at_s, "cpu": cpu_s, "error": ""}
        try:
            self.send_results(results)
        except BadValue as error:
            done["error"] = error_text(error)
            self.send_gaps(place.current, set())
        self._channel.send({**done, "end": time.time(), "spent": self.spent_s(), **place.stamp()})
