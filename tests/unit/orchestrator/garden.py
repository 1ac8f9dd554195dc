"""A small orchestrator on a bus in memory, with nodes and a client that a test moves by hand."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any

from cyclonedds.idl import IdlStruct

from hedgerow_idl import AppRequirements, Float64s, Header, ReplyStatus, Request, UserInput, no_floats, wire_type
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.core import Environment, ModuleNode, Refusal
from hedgerow_nodes.core.bus import Reader
from hedgerow_nodes.core.identity import Identity
from hedgerow_nodes.core.memory_bus import MemoryNetwork
from hedgerow_nodes.core.node_loop import NodeLoop
from hedgerow_orchestrator.orchestrator import Orchestrator
from hedgerow_orchestrator.pipeline import Pipeline, StageSpec
from hedgerow_orchestrator.presence import Presence
from hedgerow_orchestrator.stay_awake import StayAwake
from hedgerow_orchestrator.store.migrate import upgrade
from hedgerow_orchestrator.store.reader import StoreReader
from hedgerow_orchestrator.store.writer import Store


@wire_type
class Colour(IdlStruct, typename="garden.Colour"):
    header: Header = field(default_factory=Header)
    name: str = ""
    rgb: Float64s = field(default_factory=no_floats)


class Requirements(ModuleNode):
    """Repeat the text."""

    kind = "app_requirements"
    inputs = (UserInput,)
    output = AppRequirements
    execution = "inline"
    seen: list[str]

    def process(self, task: Any, user_input: UserInput) -> Any:
        if user_input.text == "refuse":
            raise Refusal("NO_WAY", "the text says so")
        return AppRequirements(explanation=user_input.text)


class Painter(ModuleNode):
    """Paint the requirements."""

    kind = "colour"
    inputs = (AppRequirements,)
    output = Colour
    execution = "inline"

    def process(self, task: Any, requirements: AppRequirements) -> Any:
        return Colour(name=requirements.explanation, rgb=[0.5, float("nan"), 1.0])


def spec(name: str, *inputs: str) -> StageSpec:
    return StageSpec(name=name, kind=name, inputs=inputs, attempts=2, backoff_s=0.01)


PLAN = Pipeline(
    "garden",
    {"app_requirements": spec("app_requirements", "user_input"), "colour": spec("colour", "app_requirements")},
)


class Garden:
    """An orchestrator, two nodes and a client, moved by hand."""

    def __init__(self, home: Path, store_type: type[Store] = Store) -> None:
        self._store_type = store_type
        self.clock: Callable[[], float] = time.monotonic
        device = home / "cpu_dma_latency"
        device.parent.mkdir(parents=True, exist_ok=True)
        device.touch()
        self.awake = StayAwake(device, variables={})
        self.environment = Environment.read({"HEDGEROW_HOME": str(home)})
        home.mkdir(exist_ok=True)
        upgrade(self.environment.store_url)
        self.network = MemoryNetwork()
        self.nodes: dict[str, NodeLoop] = {}
        self.orchestrator = self.new_orchestrator()
        self.meet()
        self.reader = StoreReader(self.environment.store_url, self.environment.blob_url)
        self.watched_commands: Reader[Any]
        self._ids = itertools.count(1)

    def meet(self) -> None:
        """Bring the client onto the network."""
        self.client = self.network.bus()
        self.requests = self.client.writer(BY_NAME["hedgerow/request"])
        self.replies = self.client.reader(BY_NAME["hedgerow/reply"], partition="client")
        self.events = self.client.reader(BY_NAME["hedgerow/event"])

    def new_orchestrator(self, skipped_ids: int = 0) -> Orchestrator:
        self.store = self._store_type(self.environment.store_url, self.environment.blob_url)
        bus = self.network.bus()
        presence = Presence(bus, Identity.fresh("orchestrator"), self.environment.home)
        return Orchestrator(
            bus,
            self.store,
            PLAN,
            presence,
            clock=lambda: self.clock(),
            skipped_ids=skipped_ids,
            awake=self.awake,
        )

    def start(self, node_class: type[ModuleNode], identity: Identity | None = None) -> NodeLoop:
        identity = identity or Identity.fresh(node_class.kind)
        loop = NodeLoop(node_class(self.environment), self.network.bus(), identity)
        self.nodes[node_class.kind] = loop
        return loop

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            for loop in [*self.nodes.values(), self.orchestrator]:
                loop.step(0.001)

    def until(self, seen: Callable[[], bool]) -> None:
        for _ in range(500):
            if seen():
                return
            self.turn()
        raise AssertionError("not seen in 500 turns")

    def ask(self, verb: str, body: Any, request_id: str = "") -> tuple[ReplyStatus, dict[str, Any]]:
        request_id = self.send(verb, body, request_id)
        for _ in range(100):
            if reply := self.reply(request_id):
                return reply
        raise AssertionError(f"no reply to {verb}")

    def send(self, verb: str, body: Any, request_id: str = "") -> str:
        request_id = request_id or f"request-{next(self._ids)}"
        text = body if isinstance(body, str) else json.dumps(body)
        self.requests.write(Request(request_id=request_id, client_id="client", verb=verb, body=text))
        return request_id

    def reply(self, request_id: str) -> tuple[ReplyStatus, dict[str, Any]] | None:
        """What has been answered after one more turn."""
        self.turn()
        for received in self.replies.take():
            if received.sample.request_id == request_id:
                return received.sample.status, json.loads(received.sample.body)
        return None

    def submit(self, text: str) -> tuple[int, int]:
        status, body = self.ask("problem.submit", {"problem": {"text": text}})
        assert status is ReplyStatus.OK, body
        return body["task"]["problem_id"], body["task"]["iteration_id"]

    def finish(self, key: tuple[int, int]) -> dict[str, Any]:
        for _ in range(300):
            self.turn()
            task = self.reader.task(*key)
            if task is not None and task["state"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
                return task
        raise AssertionError(f"task {key} did not end: {self.reader.task(*key)}")
