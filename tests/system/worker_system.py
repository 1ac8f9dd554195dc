"""Workers as real processes on the bus, with the test in the orchestrator's place."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psutil

from hedgerow_idl.plan import Link, PlacedInstance, Plan
from hedgerow_idl.serve import OrderKind, ServiceAnswer, ServiceOrder, WorkerInfo, WorkerStatus
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.core.bus import Kind
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.testing import LaunchedSystem

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
HANDLERS = "tests.system.serve_handlers"


class Workers(LaunchedSystem):
    """Workers by name, and what they say.

    Attributes:
        names: node ids by worker name, as announced.
        infos: the newest announcement, by node id; gone with the worker.
        statuses: the newest status, by node id.
        ends: how each worker that is gone went, in order: (node id, DISPOSED or LOST).
    """

    def __init__(self, environment: Environment) -> None:
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
        super().__init__(environment, {"PYTHONPATH": path})
        self.bus = CycloneBus(environment)
        self._nodes = self.bus.reader(BY_NAME["hedgerow/node_info"])
        self._infos = self.bus.reader(BY_NAME["hedgerow/worker_info"])
        self._statuses = self.bus.reader(BY_NAME["hedgerow/worker_status"])
        self._answers = self.bus.reader(BY_NAME["hedgerow/service_answer"])
        self._batches = self.bus.reader(BY_NAME["hedgerow/telemetry"])
        self._writers: dict[str, Any] = {}
        self.names: dict[str, str] = {}
        self.infos: dict[str, WorkerInfo] = {}
        self.statuses: dict[str, WorkerStatus] = {}
        self.answers: dict[str, ServiceAnswer] = {}
        self.packets: list[Any] = []
        self.processes_seen: list[Any] = []
        self.ends: list[tuple[str, Kind]] = []

    def start_worker(self, name: str, **configuration: Any) -> None:
        """Start one, with the tests' handlers."""
        told = json.dumps({"handler_modules": [HANDLERS], **configuration})
        self.start(name, ["-m", "hedgerow_nodes.worker", "--name", name, "--configuration", told])

    def up(self, *names: str) -> list[str]:
        """Start workers and wait until each is announced; their node ids."""
        for name in names:
            self.start_worker(name)
        self.until(lambda: all(self.names.get(name) in self.infos for name in names), 60)
        return [self.names[name] for name in names]

    def until(self, what: Callable[[], T], timeout_s: float = 30.0) -> T:
        """Take what comes until there is something to see."""
        give_up_at_s = time.monotonic() + timeout_s
        while True:
            self._look()
            seen = what()
            if seen:
                return seen
            logs = "\n".join(f"{name}: {self.log_of(name)[-1500:]}" for name in self.processes)
            assert time.monotonic() < give_up_at_s, f"not seen within {timeout_s:g} s\n{logs}"
            self.bus.flush()
            self.bus.wait(0.1)

    def order(self, node_id: str, kind: OrderKind, timeout_s: float = 30.0, **fields: Any) -> ServiceAnswer:
        """An order and its answer."""
        writer = self._writers.get(node_id)
        if writer is None:
            writer = self._writers[node_id] = self.bus.writer(BY_NAME["hedgerow/service_order"], partition=node_id)
        self.until(writer.matched)
        command_id = str(uuid.uuid4())
        writer.write(ServiceOrder(kind=kind, node_id=node_id, command_id=command_id, **fields))
        self.bus.flush()
        return self.until(lambda: self.answers.get(command_id), timeout_s)

    def prepare(self, plan: Plan) -> list[ServiceAnswer]:
        """PREPARE to every worker of a plan."""
        node_ids = dict.fromkeys(one.node_id for one in plan.instances)
        body = msgspec.json.encode(plan).decode()
        fields = {"service_id": plan.service_id, "epoch": plan.epoch, "body": body}
        return [self.order(node_id, OrderKind.PREPARE, **fields) for node_id in node_ids]

    def begin(self, plan: Plan) -> None:
        """START to every worker of a plan, sinks first."""
        node_ids = dict.fromkeys(one.node_id for one in reversed(plan.instances))
        for node_id in node_ids:
            self.order(node_id, OrderKind.START, service_id=plan.service_id, epoch=plan.epoch)

    def instance(self, node_id: str, name: str) -> Any:
        """An instance as its worker tells it."""
        status = self.statuses.get(node_id)
        found = (one for one in status.instances if one.name == name) if status else iter(())
        return next(found, None)

    def close(self) -> None:
        """End everything."""
        self.stop()
        self.bus.close()

    def _look(self) -> None:
        for node in self._nodes.take():
            if node.kind is Kind.DATA:
                self.names[node.sample.name] = node.sample.node_id
        for info in self._infos.take():
            if info.kind is Kind.DATA:
                self.infos[info.sample.node_id] = info.sample
            else:
                self._on_end(info.sample.node_id, info.kind)
        for status in self._statuses.take():
            if status.kind is Kind.DATA:
                self.statuses[status.sample.node_id] = status.sample
            else:
                self._on_end(status.sample.node_id, status.kind)
        for answer in self._answers.take():
            self.answers[answer.sample.command_id] = answer.sample
        for batch in self._batches.take():
            self.packets += batch.sample.packets
            self.processes_seen += batch.sample.processes

    def _on_end(self, node_id: str, kind: Kind) -> None:
        # The announcement tells it, or the status, or both; see `Peers`.
        if self.infos.pop(node_id, None) is not None:
            self.ends.append((node_id, kind))


def chain(source: str, sink: str, parameters: dict[str, Any], service_id: str = "s", **link: Any) -> Plan:
    """Numbers from a source on one worker to a sink on another."""
    instances = tuple(
        PlacedInstance(
            logical_id=f"{service_id}/{name}",
            physical_id=f"{service_id}/{name}/1",
            name=name,
            handler=handler,
            node_id=node_id,
            parameters=given,
        )
        for name, handler, node_id, given in (("numbers", "count", source, parameters), ("out", "tell", sink, {}))
    )
    ends = {"sender": f"{service_id}/numbers", "output": "record", "receiver": f"{service_id}/out", "input": "value"}
    links = (Link(**ends, **link),)
    return Plan(service_id=service_id, service_name="chain", epoch=1, instances=instances, links=links)


def descendants(pid: int) -> list[psutil.Process]:
    """The processes below one, at any depth."""
    return psutil.Process(pid).children(recursive=True)
