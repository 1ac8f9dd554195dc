"""The process of one instance: makes the handler, and feeds it items, or takes them from it, until it is closed."""

from __future__ import annotations

import logging
import socket
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from hedgerow_nodes.serve.channel import Channel, Closed, Received
from hedgerow_nodes.serve.frames import Head
from hedgerow_nodes.serve.handler import HandlerType
from hedgerow_nodes.serve.join import Decided, Join
from hedgerow_nodes.serve.place import HostLog, Place, error_text
from hedgerow_nodes.serve.values import BadValue, Value, decode

GAP = "gap"
"""The type of an item that says that its sequence will not come."""

FAILED_EXIT = 70


def run(connection: socket.socket, types: Mapping[str, HandlerType]) -> int:
    """Be an instance until the host says that it is enough; the exit code."""
    channel = Channel(connection)
    try:
        begin = channel.first()
        logging.getLogger("hedgerow").addHandler(HostLog(channel))
        logging.getLogger("hedgerow").setLevel(logging.INFO)
        kind = types.get(begin["handler"])
        if kind is None:
            text = f"handler {begin['handler']} is not known here; there are {', '.join(sorted(types))}"
            channel.send({"do": "failed", "text": text})
            return FAILED_EXIT
        place = Place(begin, kind, channel)
        try:
            place.folder.mkdir(parents=True, exist_ok=True)
            place.parameters = kind.read_parameters(begin["parameters"])
            made = kind.make(begin["parameters"], place)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is why it could not be made
            channel.send({"do": "failed", "text": error_text(error)})
            return FAILED_EXIT
        channel.send({"do": "ready"})
        return _work(kind, made, place, channel)
    except Closed:
        return 0


def _work(kind: HandlerType, made: Any, place: Place, channel: Channel) -> int:
    try:
        if kind.role == "source":
            return _Source(kind, made, place, channel).work()
        _Receiver(kind, made, place, channel).work()
        return 0
    finally:
        if callable(close := getattr(made, "close", None)):
            close()


class _Sender:
    """What sources and receivers share: sending what came of an item, and saying that it is done."""

    def __init__(self, kind: HandlerType, made: Any, place: Place, channel: Channel) -> None:
        self._kind, self._made, self._place, self._channel = kind, made, place, channel

    def _send_results(self, results: Any) -> None:
        results = self._by_port(results)
        for port, value in results.items():
            self._place.check(port, value)
        for port, value in results.items():
            self._channel.emit(port, {**self._place.stamp(), "kind": "cast"}, value)
        self._send_gaps(self._place.current, set(results))

    def _send_gaps(self, current: Head, sent: set[str]) -> None:
        epoch = self._channel.epochs.get(current["epoch"])
        if epoch and epoch["gaps"]:
            for port in self._kind.outputs.keys() - sent:
                head = {"seq": current["seq"], "epoch": current["epoch"], "call": "", "kind": "cast"}
                self._channel.send({"do": "emit", "out": port, "type": GAP, **head})

    def _by_port(self, results: Any) -> dict[str, Value]:
        if results is None:
            return {}
        if isinstance(results, dict):
            return {port: value for port, value in results.items() if value is not None}
        if len(self._kind.outputs) == 1 and isinstance(results, Value):
            return {next(iter(self._kind.outputs)): results}
        outputs = ", ".join(self._kind.outputs) or "none"
        raise BadValue(f"{self._place.name} gave a {type(results).__name__}; its outputs are {outputs}")


class _Source(_Sender):
    """Numbers what the handler yields, and switches to another epoch exactly where it shall."""

    def __init__(self, kind: HandlerType, made: Any, place: Place, channel: Channel) -> None:
        super().__init__(kind, made, place, channel)
        self._switch: tuple[int, int, bool] | None = None
        self._is_emitting = False
        channel.on_switch = self._hear_switch

    def work(self) -> int:
        place, channel = self._place, self._channel
        channel.wait_until(lambda: channel.is_running)
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
                channel.send({"do": "end", "epoch": place.epoch, "seq": place.sequence})
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

    def _emit(self, results: Any, started_at_s: float, cpu_s: float) -> None:
        place = self._place
        done: Head = {"do": "done", "tickets": [], "start": started_at_s, "cpu": cpu_s, "error": ""}
        try:
            self._send_results(results)
        except BadValue as error:
            done["error"] = error_text(error)
            self._send_gaps(place.current, set())
        self._channel.send({**done, "end": time.time(), **place.stamp()})


class _Receiver(_Sender):
    """Gives the handler what comes in, joined by sequence where it has several inputs."""

    def __init__(self, kind: HandlerType, made: Any, place: Place, channel: Channel) -> None:
        super().__init__(kind, made, place, channel)
        self._join: Join[Received] | None = Join(list(kind.inputs)) if len(kind.inputs) > 1 else None
        self._ends: Counter[tuple[int, str]] = Counter()
        self._latest: Head | None = None

    def work(self) -> None:
        channel = self._channel
        while True:
            channel.wait_until(lambda: bool(channel.items or channel.calls))
            if channel.calls:
                self._answer(channel.calls.popleft())
            else:
                self._take(*channel.items.popleft())

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
            self._send_gaps(head, set())
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
        self._send_gaps(heads[0], set())
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
                self._send_results(results)
        except Exception as error:  # noqa: BLE001 - the item has failed, the handler lives
            cpu_s, ended_at_s = time.thread_time() - cpu_s, time.time()
            done["error"] = error_text(error)
            place.fail(done["error"])
            self._send_gaps(place.current, set())
        self._channel.send({**done, "start": started_at_s, "end": ended_at_s, "cpu": cpu_s, **place.stamp()})

    def _reply(self, results: Any) -> None:
        values = list(self._by_port(results).values())
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
