"""The work of every other process: give the handler what comes in, joined by sequence where it has several inputs."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from hedgerow_nodes.serve.channel import Channel, Received
from hedgerow_nodes.serve.frames import Head
from hedgerow_nodes.serve.handler import HandlerType
from hedgerow_nodes.serve.join import Decided, Join
from hedgerow_nodes.serve.place import Place, error_text
from hedgerow_nodes.serve.sender import GAP, Sender
from hedgerow_nodes.serve.values import Value, decode


class ReceiverWork(Sender):
    """Gives the handler what comes in, joined by sequence where it has several inputs."""

    def __init__(self, kind: HandlerType, made: Any, place: Place, channel: Channel) -> None:
        super().__init__(kind, made, place, channel)
        self._join: Join[Received] | None = Join(list(kind.inputs)) if len(kind.inputs) > 1 else None
        self._ends: Counter[tuple[int, str]] = Counter()
        self._latest: Head | None = None

    def work(self) -> None:
        """Work until the host closes."""
        channel = self._channel
        while True:
            channel.wait_until(lambda: bool(channel.items or channel.calls or channel.has_forgotten))
            if channel.calls:
                self._answer(channel.calls.popleft())
            elif channel.items:
                self._take(*channel.items.popleft())
            else:
                self._forget()

    def _forget(self) -> None:
        """Nothing more comes by an epoch that was deleted: what waits for it waits no longer."""
        self._channel.has_forgotten = False
        if self._join is not None:
            self._join.abandon(lambda item: item[0]["epoch"] not in self._channel.epochs)
            self._settle(self._join)

    def _take(self, head: Head, payload: bytearray) -> None:
        port = head["in"]
        if head["kind"] == "end":
            self._take_end(head)
        elif port not in self._kind.inputs or not self._takes(port, head["type"]):
            self._say("refused", [head], f"input {port} takes no {head['type']}")
        elif self._join is not None:
            self._expect(self._join)
            if head["type"] == GAP:
                self._join.gap(port, head["seq"])
                self._say("passed", [head])
            elif not self._join.add(port, head["seq"], (head, payload)):
                self._say("skip", [head])
            self._settle(self._join)
        elif head["type"] == GAP:
            self.send_gaps(head, set())
            self._say("passed", [head])
        else:
            self._process([(head, payload)])

    def _takes(self, port: str, type_name: str) -> bool:
        return type_name in (GAP, self._kind.inputs[port].type_name) or self._kind.inputs[port] is Value

    def _expect(self, join: Join[Received]) -> None:
        latest = self._channel.epochs[max(self._channel.epochs)] if self._channel.epochs else None
        if latest is not self._latest and latest is not None:
            self._latest = latest
            join.expect(latest["joined"])

    def _settle(self, join: Join[Received]) -> None:
        for decided in join.settle():
            if decided.is_complete:
                self._process([decided.items[port] for port in self._kind.inputs])
            else:
                self._skip(decided)

    def _skip(self, decided: Decided[Received]) -> None:
        heads = [head for head, _payload in decided.items.values()]
        self.send_gaps(heads[0], set())
        self._say("skip", heads)

    def _process(self, inputs: list[Received]) -> None:
        place = self._place
        heads = [head for head, _payload in inputs]
        calls = (head["call"] for head in heads if head["call"])
        place.current = {**heads[0], "call": next(calls, "")}
        place.has_replied = False
        done: Head = {"do": "done", "tickets": [_ticket(head) for head in heads], "error": ""}
        started_at_s, cpu_s = time.time(), time.thread_time()
        try:
            values = [decode(head["type"], payload) for head, payload in inputs]
            results = self._made.process(*values)
            cpu_s, ended_at_s = time.thread_time() - cpu_s, time.time()
            if place.current["kind"] == "call":
                self._reply(results)
            else:
                self.send_results(results)
        except Exception as error:  # noqa: BLE001 - the item has failed, the handler lives
            cpu_s, ended_at_s = time.thread_time() - cpu_s, time.time()
            done["error"] = error_text(error)
            place.fail(done["error"])
            self.send_gaps(place.current, set())
        self._channel.send(
            {**done, "start": started_at_s, "end": ended_at_s, "cpu": cpu_s, "spent": self.spent_s(), **place.stamp()}
        )

    def _reply(self, results: Any) -> None:
        values = list(self.by_port(results).values())
        if values:
            self._place.reply(values[0])
        self._place.fail(f"{self._place.name} gave no reply")

    def _answer(self, received: Received) -> None:
        if len(self._kind.inputs) == 1:
            self._process([received])
            return
        self._place.current, self._place.has_replied = dict(received[0]), False
        self._place.fail(f"{self._place.name} joins several inputs, and cannot be called")

    def _take_end(self, head: Head) -> None:
        epoch, port = head["epoch"], head["in"]
        self._ends[epoch, port] += 1
        described = self._channel.epochs.get(epoch)
        senders = described["senders"] if described else {}
        if self._ends[epoch, port] == senders.get(port) and self._join is not None:
            self._join.end(port)
            self._settle(self._join)
        self._say("passed", [head])
        if senders and all(self._ends[epoch, each] >= count for each, count in senders.items()):
            self._channel.send({"do": "end", "epoch": epoch, "seq": head["seq"]})

    def _say(self, word: str, heads: list[Head], text: str = "") -> None:
        first = heads[0]
        tickets = [_ticket(head) for head in heads]
        self._channel.send({"do": word, "tickets": tickets, "seq": first["seq"], "epoch": first["epoch"], "text": text})


def _ticket(head: Head) -> list[Any]:
    return [head.get("lane", 0), head.get("ticket", 0)]
