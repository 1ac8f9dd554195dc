"""Workers and the engine of services, without a bus and with a clock that a test moves."""

from __future__ import annotations

import itertools
from typing import Any

from simulated_worker import SimulatedWorker

from hedgerow_orchestrator.effects import EventLog, Step
from hedgerow_orchestrator.serving.blueprint import parse
from hedgerow_orchestrator.serving.planner import propose
from hedgerow_orchestrator.serving.service import Service
from hedgerow_orchestrator.serving.service_engine import ServiceEngine

CHAIN: dict[str, Any] = {
    "name": "records",
    "handlers": [
        {"name": "source", "type": "generator"},
        {"name": "middle", "type": "change"},
        {"name": "sink", "type": "lines"},
    ],
    "links": [{"from": "source.record", "to": "middle.record"}, {"from": "middle.record", "to": "sink.record"}],
}


def pinned(**places: str) -> dict[str, Any]:
    """The chain with handlers on certain workers, each named or any of several: `source="w1"`."""
    handlers = []
    for each in CHAIN["handlers"]:
        wish = dict(each)
        if places.get(each["name"]):
            wish["requires"] = {"nodes": places[each["name"]].split()}
        handlers.append(wish)
    return {**CHAIN, "handlers": handlers}


class Farm:
    """Every input of the engine makes a pass of its own; what a pass wants sent reaches the workers at once."""

    def __init__(self, *names: str) -> None:
        self.clock_s = 1_000.0
        self.ids = itertools.count(1)
        self.log = EventLog(0)
        self.engine = ServiceEngine(
            lambda b, w, f, r: propose(b, w, f, r, lambda: self.clock_s), lambda: f"id-{next(self.ids)}"
        )
        self.workers: dict[str, SimulatedWorker] = {}
        self.rows: dict[tuple[str, ...], Any] = {}
        self.events: list[tuple[str, str]] = []
        for name in names:
            self.join(SimulatedWorker(name))

    def step(self) -> Step:
        return Step(self.clock_s, self.clock_s, self.log)

    def end(self, step: Step) -> None:
        """Keep what the pass stores and deliver what it sends."""
        for change in step.changes:
            keys = {
                "ServiceRow": ("service_id",),
                "ServiceEpochRow": ("service_id", "epoch"),
                "InstanceRow": ("physical_id",),
                "IntentRow": ("intent_id",),
                "WorkerPolicyRow": ("node_id",),
            }.get(type(change).__name__)
            if keys is not None:
                key = (type(change).__name__, *(str(getattr(change, name)) for name in keys))
                self.rows[key] = change
        self.events += [(event.kind, event.body) for event in step.events]
        for order in step.orders:
            self.workers[order.node_id].inbox.append(order)

    def join(self, worker: SimulatedWorker, **what: Any) -> SimulatedWorker:
        self.workers[worker.node_id] = worker
        step = self.step()
        self.engine.on_worker_here(step, worker.node_id, worker.node_id, worker.incarnation)
        self.engine.on_worker_info(step, worker.announce(**what))
        self.end(step)
        return worker

    def lose(self, name: str) -> None:
        step = self.step()
        self.engine.on_worker_gone(step, name, "was lost")
        self.end(step)

    def deploy(self, blueprint: dict[str, Any], *, start: bool = True) -> Service:
        step = self.step()
        service = self.engine.deploy(step, parse(blueprint), blueprint["name"], start=start)
        self.end(step)
        return service

    def do(self, method: str, *given: Any, **more: Any) -> Any:
        step = self.step()
        result = getattr(self.engine, method)(step, *given, **more)
        self.end(step)
        return result

    def answers(self) -> int:
        """Workers do what has reached them."""
        count = 0
        for worker in list(self.workers.values()):
            for answer in worker.work():
                count += 1
                step = self.step()
                self.engine.on_answer(step, answer)
                self.end(step)
        return count

    def statuses(self) -> None:
        for worker in self.workers.values():
            known = self.engine.core.workers[worker.node_id]
            if not worker.is_frozen and known.is_here:
                step = self.step()
                self.engine.on_worker_status(step, worker.tell())
                self.end(step)

    def turn(self, seconds: float = 0.0) -> None:
        self.clock_s += seconds
        step = self.step()
        for worker in self.workers.values():
            if not worker.is_frozen:
                self.engine.on_worker_heard(step, worker.node_id, worker.incarnation)
        self.engine.tick(step, lambda node_id: node_id in self.workers)
        self.end(step)
        self.answers()

    def settle(self, seconds: float = 20.0) -> None:
        """Let so much time pass, with statuses twice a second and ticks in between."""
        for _ in range(int(seconds * 2)):
            for _ in range(6):
                self.turn()
            self.statuses()
            self.clock_s += 0.5

    def quick(self) -> None:
        """Let everything happen that needs no time."""
        for _ in range(12):
            self.turn()

    def row(self, kind: str, *key: str) -> Any:
        return self.rows[kind, *key]

    def places(self, service: Service) -> dict[str, str]:
        return {name: node for (name, _), node in service.current.items()}

    def running(self, service: Service | None = None) -> dict[str, str]:
        """Names of the instances that workers have, with their states."""
        return {
            f"{worker.node_id}/{each.status.name}": each.status.state.name
            for worker in self.workers.values()
            for each in worker.instances.values()
            if service is None or each.status.service_id == service.service_id
        }
