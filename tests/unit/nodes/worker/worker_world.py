"""Workers on a bus in memory, with a host that records what it is told, and the test in the orchestrator's place."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from hedgerow_idl import Command, CommandKind
from hedgerow_idl.plan import HandlerDescription, Link, PlacedInstance, Plan
from hedgerow_idl.serve import InstanceState, InstanceStatus, OrderCode, OrderKind, ServiceAnswer, ServiceOrder
from hedgerow_idl.telemetry import PacketRow
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.core.bus import Bus, Kind
from hedgerow_nodes.core.identity import Identity
from hedgerow_nodes.core.memory_bus import MemoryNetwork
from hedgerow_nodes.worker_side.capabilities import Machine
from hedgerow_nodes.worker_side.configuration import WorkerConfiguration
from hedgerow_nodes.worker_side.hosting import OnOutgoing
from hedgerow_nodes.worker_side.loop import WorkerLoop

T = TypeVar("T")
MACHINE = Machine(4, 4.0, 2e9, 8 << 30, 1 << 40, "a processor", "boot", False, True, ("CPUExecutionProvider",))


class Result(msgspec.Struct):
    """What the fake host answers."""

    command_id: str
    code: OrderCode = OrderCode.DONE
    reason: str = ""
    body: str = ""
    at_sequence: int = -1


class FakeHost:
    """Records its calls and answers each order at once; the test plays the instances."""

    def __init__(self, modules: Sequence[str], on_event: Callable[[], None], on_outgoing: OnOutgoing) -> None:
        self.modules, self.on_event, self.on_outgoing = modules, on_event, on_outgoing
        self.calls: list[tuple[Any, ...]] = []
        self.items: list[tuple[dict[str, Any], bytes]] = []
        self.instances: list[InstanceStatus] = []
        self.rows: list[PacketRow] = []
        self.results: list[Result] = []
        self.answers_at_once = True
        self.gone: list[str] = []
        self.given_up: list[str] = []
        self.back: list[str] = []
        self.is_closed = False

    def _order(self, command_id: str, *call: Any) -> None:
        self.calls.append(call)
        if self.answers_at_once:
            self.results.append(Result(command_id))

    def prepare(self, plan: Plan, node_id: str, command_id: str) -> None:
        self._order(command_id, "prepare", plan, node_id)

    def start(self, service_id: str, epoch: int, command_id: str) -> None:
        self._order(command_id, "start", service_id, epoch)

    def switch(self, service_id: str, epoch: int, at_sequence: int, command_id: str) -> None:
        self._order(command_id, "switch", service_id, epoch, at_sequence)

    def stop(self, service_id: str, command_id: str) -> None:
        self._order(command_id, "stop", service_id)

    def delete(self, service_id: str, epoch: int, command_id: str) -> None:
        self._order(command_id, "delete", service_id, epoch)

    def infer(self, service_id: str, body: dict[str, Any], command_id: str) -> None:
        self._order(command_id, "infer", service_id, body)

    def take_results(self) -> list[Result]:
        results, self.results = self.results, []
        return results

    def incoming(self, header: dict[str, Any], payload: memoryview) -> None:
        self.items.append((header, bytes(payload)))

    def node_gone(self, node_id: str, incarnation: int, *, is_over: bool) -> None:
        (self.gone if is_over else self.given_up).append(node_id)

    def node_back(self, node_id: str) -> None:
        self.back.append(node_id)

    def statuses(self) -> list[InstanceStatus]:
        return self.instances

    def moved(self) -> tuple[int, float]:
        return len(self.items), 0.0

    def take_rows(self) -> list[PacketRow]:
        rows, self.rows = self.rows, []
        return rows

    def catalogue(self) -> list[HandlerDescription]:
        return [HandlerDescription(name="generator", role="source")]

    def processes(self) -> list[tuple[str, str, str, int]]:
        return []

    def close(self) -> None:
        self.is_closed = True


class World:
    """Some workers, and what they write."""

    def __init__(self, folder: Path) -> None:
        self.network = MemoryNetwork()
        self.folder = folder
        self.bus: Bus = self.network.bus()
        self.workers: dict[str, WorkerLoop] = {}
        self.hosts: dict[str, list[FakeHost]] = {}
        self.infos = self.bus.reader(BY_NAME["hedgerow/worker_info"])
        self.nodes = self.bus.reader(BY_NAME["hedgerow/node_info"])
        self.answers = self.bus.reader(BY_NAME["hedgerow/service_answer"])
        self.command_answers = self.bus.reader(BY_NAME["hedgerow/command_answer"])
        self.statuses = self.bus.reader(BY_NAME["hedgerow/worker_status"])
        self._numbers = iter(range(1, 10_000))

    def start(self, name: str, node_id: str = "", **settings: Any) -> WorkerLoop:
        """Start a worker, of an id that was there before if one is given."""
        hosts = self.hosts.setdefault(name, [])

        def make(folder: Path, modules: Sequence[str], on_event: Any, on_outgoing: OnOutgoing) -> FakeHost:
            hosts.append(FakeHost(modules, on_event, on_outgoing))
            return hosts[-1]

        configuration = msgspec.convert(settings, WorkerConfiguration)
        identity = Identity.fresh(name)
        identity.node_id = node_id or identity.node_id
        loop = WorkerLoop(configuration, self.network.bus(), identity, self.folder, MACHINE, make)
        self.workers[name] = loop
        return loop

    def host(self, name: str) -> FakeHost:
        """The newest host of a worker."""
        return self.hosts[name][-1]

    def node_id(self, name: str) -> str:
        return self.workers[name].identity.node_id

    def until(self, what: Callable[[], T | None], timeout_s: float = 10.0, frozen: Sequence[str] = ()) -> T:
        """Have all workers go round, but the frozen ones, until there is something to see."""
        give_up_at_s = time.monotonic() + timeout_s
        while time.monotonic() < give_up_at_s:
            seen = what()
            if seen:
                return seen
            for name, loop in self.workers.items():
                if name not in frozen:
                    loop.step(0.001)
        raise TimeoutError(f"not seen within {timeout_s:g} s")

    def lose(self, name: str, by: str) -> None:
        """The bus of one worker loses another one, which is alive."""
        identity, bus = self.workers[name].identity, self.workers[by]._bus
        for topic in ("hedgerow/worker_info", "hedgerow/worker_status"):
            wire_type = BY_NAME[topic].type
            sample = wire_type(node_id=identity.node_id, incarnation=identity.incarnation)
            for reader in (each for each in self.network.readers if each.topic.name == topic and each.bus is bus):
                with self.network.lock:
                    reader.put(Kind.LOST, reader.codec.encode_key(sample))

    def order(self, name: str, kind: OrderKind, **fields: Any) -> str:
        """Send an order; its id."""
        command_id = fields.pop("command_id", f"order-{next(self._numbers)}")
        writer = self.bus.writer(BY_NAME["hedgerow/service_order"], partition=self.node_id(name))
        writer.write(ServiceOrder(kind=kind, node_id=self.node_id(name), command_id=command_id, **fields))
        writer.close()
        return command_id

    def answer(self, command_id: str, timeout_s: float = 10.0) -> ServiceAnswer:
        """The next answer to an order."""

        def found() -> ServiceAnswer | None:
            arrived = self.answers.take_one()
            while arrived is not None and arrived.sample.command_id != command_id:
                arrived = self.answers.take_one()
            return None if arrived is None else arrived.sample

        return self.until(found, timeout_s)

    def command(self, name: str, kind: CommandKind, body: str = "") -> Any:
        """Send a command; its answer."""
        writer = self.bus.writer(BY_NAME["hedgerow/command"], partition=self.node_id(name))
        writer.write(Command(kind=kind, node_id=self.node_id(name), command_id=kind.name, body=body))
        writer.close()
        return self.until(lambda: self.command_answers.take_one()).sample

    def close(self) -> None:
        for loop in self.workers.values():
            loop.leave()
            loop.close()
        self.bus.close()


def chain(first: str, second: str, epoch: int = 1, mode: Any = "lossless") -> Plan:
    """A source on one worker and a sink on another."""
    names = (("numbers", "generator", first), ("lines", "json_lines", second))
    instances = tuple(
        PlacedInstance(logical_id=name, physical_id=f"{name}-{epoch}", name=name, handler=handler, node_id=node_id)
        for name, handler, node_id in names
    )
    link = Link(sender="numbers", output="record", receiver="lines", input="record", mode=mode)
    return Plan(service_id="s", service_name="chain", epoch=epoch, instances=instances, links=(link,))


def header(sequence: int, epoch: int = 1, **changes: Any) -> dict[str, Any]:
    """The header of an item on the chain's link."""
    ends = {"from": "numbers", "out": "record", "to": "lines", "in": "record"}
    item = {"service": "s", "epoch": epoch, "seq": sequence, "type": "record", "kind": "cast", "call": "", "at": 0.0}
    return {**item, **ends, **changes}


def running(physical_id: str) -> InstanceStatus:
    """An instance at work."""
    return InstanceStatus(service_id="s", physical_id=physical_id, state=InstanceState.RUNNING)
