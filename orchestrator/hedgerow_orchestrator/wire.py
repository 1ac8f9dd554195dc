"""The orchestrator's endpoints on the bus: what it reads from everybody, what it writes to whom."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, TypeVar

from cyclonedds.idl import IdlStruct

from hedgerow_idl import Command, CommandAnswer, NodeInfo, NodeStatus, Reply, Request
from hedgerow_idl.schema import SchemaError, build
from hedgerow_idl.serve import ServiceAnswer, ServiceOrder, WorkerInfo, WorkerStatus
from hedgerow_idl.topics import BY_NAME, Profile, Topic
from hedgerow_nodes.core.bus import Bus, Reader, Received, Writer
from hedgerow_orchestrator.store.changes import EventAdded

S = TypeVar("S", bound=IdlStruct)

log = logging.getLogger("hedgerow.orchestrator")

SOURCES = {"user_input": "hedgerow/user_input", "baselines": "hedgerow/baselines"}
CLIENTS_REMEMBERED = 64


class Wire:
    """All readers and writers of the orchestrator.

    Outputs are read on every topic that a node has announced; of a type that is not in the table the announcement
    brings the description.
    """

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.infos: Reader[NodeInfo] = bus.reader(BY_NAME["hedgerow/node_info"])
        self.statuses: Reader[NodeStatus] = bus.reader(BY_NAME["hedgerow/node_status"])
        self.answers: Reader[CommandAnswer] = bus.reader(BY_NAME["hedgerow/command_answer"])
        self.requests: Reader[Request] = bus.reader(BY_NAME["hedgerow/request"])
        self.worker_infos: Reader[WorkerInfo] = bus.reader(BY_NAME["hedgerow/worker_info"])
        self.worker_statuses: Reader[WorkerStatus] = bus.reader(BY_NAME["hedgerow/worker_status"])
        self.service_answers: Reader[ServiceAnswer] = bus.reader(BY_NAME["hedgerow/service_answer"])
        self._orders: dict[str, Writer[ServiceOrder]] = {}
        self._events: Writer[Any] = bus.writer(BY_NAME["hedgerow/event"])
        self._outputs: dict[str, Reader[Any]] = {}
        self._types: dict[str, str] = {}
        self._commands: dict[str, Writer[Command]] = {}
        self._reachable: set[str] = set()
        self._replies: OrderedDict[str, Writer[Reply]] = OrderedDict()
        self._inputs: dict[str, Writer[Any]] = {}
        for name in SOURCES.values():
            self._inputs[name] = bus.writer(BY_NAME[name])
        self._arrived: frozenset[Reader[Any]] = frozenset()

    def wait(self, timeout_s: float, awake_s: float = 0.0) -> bool:
        """Wait as the bus does; whether something has arrived.

        `take` and `outputs` then look only where it has: to find nothing takes 2 us, and 7 after a sleep.
        """
        self._arrived = frozenset(self.bus.wait(timeout_s, awake_s))
        return bool(self._arrived)

    def take(self, reader: Reader[S]) -> list[Received[S]]:
        """All of a reader, where the last wait found something."""
        return reader.take() if reader in self._arrived else []

    def outputs(self) -> Iterator[tuple[Topic, Received[Any]]]:
        """Every output that has arrived."""
        # What a node wrote last and its end may come together: the output was there first, seen in that wait or not.
        everywhere = not self._arrived.isdisjoint((self.infos, self.statuses))
        for reader in list(self._outputs.values()):
            if everywhere or reader in self._arrived:
                for received in reader.take():
                    yield reader.topic, received

    def listen_to(self, info: NodeInfo) -> str:
        """Read the output that a node announced, from now on; an empty text, or why it cannot be read."""
        if not info.output_topic:
            return ""
        if info.output_topic in self._outputs:
            known = self._types[info.output_topic]
            if known != info.output_type:
                return f"topic {info.output_topic} carries {known}; node {info.name} announces {info.output_type}"
            return ""
        topic = BY_NAME.get(info.output_topic)
        if topic is None:
            try:
                wire_type = build(info.output_schema)
            except SchemaError as error:
                return f"node {info.name} announces a type that cannot be read: {error}"
            topic = Topic(info.output_topic, wire_type, Profile.RING, info.kind, ("orchestrator",))
        self._outputs[topic.name] = self.bus.reader(topic)
        self._types[topic.name] = info.output_type
        return ""

    def event(self, event: EventAdded) -> None:
        """Tell everybody what happened: the row of the store has the fields of the message."""
        self._events.write(event)

    def command(self, command: Command) -> None:
        """Send an order into the node's partition."""
        self._command_writer(command.node_id).write(command)

    def reachable(self, node_id: str) -> bool:
        """The node's command reader is there; commands are volatile, so an earlier one would be lost."""
        if node_id not in self._reachable and self._command_writer(node_id).matched() > 0:
            self._reachable.add(node_id)
        return node_id in self._reachable

    def forget(self, node_id: str) -> None:
        """A node is gone: whether it can be reached must be found out again."""
        self._reachable.discard(node_id)

    def order(self, order: ServiceOrder) -> None:
        """Send an order about a service into the worker's partition."""
        self._order_writer(order.node_id).write(order)

    def worker_reachable(self, node_id: str) -> bool:
        """The worker's order reader is there; orders are volatile as commands are."""
        return self._order_writer(node_id).matched() > 0

    def forget_worker(self, node_id: str) -> None:
        """A worker is gone, and with it the reader of its orders."""
        writer = self._orders.pop(node_id, None)
        if writer is not None:
            writer.close()

    def reply(self, reply: Reply) -> None:
        """Answer a client in its partition; writers of clients that have not asked for long are given back."""
        writer = self._replies.pop(reply.client_id, None)
        if writer is None:
            writer = self.bus.writer(BY_NAME["hedgerow/reply"], partition=reply.client_id)
        self._replies[reply.client_id] = writer
        if len(self._replies) > CLIENTS_REMEMBERED:
            _, oldest = self._replies.popitem(last=False)
            oldest.close()
        writer.write(reply)

    def reply_ready(self, client_id: str) -> bool:
        """The client's reply reader has been matched, so that a reply would arrive."""
        writer = self._replies.get(client_id)
        if writer is None:
            writer = self._replies[client_id] = self.bus.writer(BY_NAME["hedgerow/reply"], partition=client_id)
        return writer.matched() > 0

    def publish(self, topic_name: str, cdr: bytes) -> None:
        """Write an encoded sample on any known topic: a user input, baselines, or an output that is asked for again."""
        writer = self._inputs.get(topic_name)
        if writer is None:
            topic = self._outputs[topic_name].topic if topic_name in self._outputs else BY_NAME[topic_name]
            writer = self._inputs[topic_name] = self.bus.writer(topic)
        writer.write_raw(cdr)

    def type_of(self, topic_name: str) -> type[IdlStruct] | None:
        """The type that travels on a topic, as it is today; None of one that nobody has announced."""
        topic = self._outputs[topic_name].topic if topic_name in self._outputs else BY_NAME.get(topic_name)
        return None if topic is None else topic.type

    @property
    def malformed(self) -> int:
        """How many samples could not be decoded."""
        fixed: list[Reader[Any]] = [self.infos, self.statuses, self.answers, self.requests]
        workers: list[Reader[Any]] = [self.worker_infos, self.worker_statuses, self.service_answers]
        readers = [*fixed, *workers, *self._outputs.values()]
        return sum(reader.malformed for reader in readers)

    def _command_writer(self, node_id: str) -> Writer[Command]:
        writer = self._commands.get(node_id)
        if writer is None:
            writer = self._commands[node_id] = self.bus.writer(BY_NAME["hedgerow/command"], partition=node_id)
        return writer

    def _order_writer(self, node_id: str) -> Writer[ServiceOrder]:
        writer = self._orders.get(node_id)
        if writer is None:
            topic = BY_NAME["hedgerow/service_order"]
            writer = self._orders[node_id] = self.bus.writer(topic, partition=node_id)
        return writer
