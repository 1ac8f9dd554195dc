"""The shell of serving: hands what arrives on the bus to the engine, and what it wants sent to the bus."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence

from hedgerow_idl import NodeState, Reply
from hedgerow_idl.serve import WorkerInfo, WorkerStatus
from hedgerow_nodes.core.bus import Kind, Received
from hedgerow_orchestrator.blueprint_defaults import BlueprintDefaults
from hedgerow_orchestrator.desk import Desk, Handler
from hedgerow_orchestrator.effects import Step
from hedgerow_orchestrator.prediction_log import PredictionLog, wanted
from hedgerow_orchestrator.registry import Node
from hedgerow_orchestrator.serving.blueprint import Blueprint
from hedgerow_orchestrator.serving.figures import Figures
from hedgerow_orchestrator.serving.planner import propose
from hedgerow_orchestrator.serving.proposal import Proposal, Request
from hedgerow_orchestrator.serving.real_times import link_times, stage_times
from hedgerow_orchestrator.serving.service_engine import ServiceEngine
from hedgerow_orchestrator.serving.service_verbs import Keys, ServiceVerbs
from hedgerow_orchestrator.serving.workers import Worker
from hedgerow_orchestrator.store.serving_recovery import StoredServing
from hedgerow_orchestrator.wire import Wire

KIND = "worker"

log = logging.getLogger("hedgerow.orchestrator")


class Serving:
    """Everything of serving that the orchestrator's loop calls.

    Args:
        wire: the endpoints.
        keys: the store, for answers to idempotency keys.
        clock: for the planner's time limit.
        variables: what stands for the process's own ones.

    Raises:
        ConfigurationError: a setting for blueprints or for the log of predictions cannot be used.
    """

    def __init__(
        self,
        wire: Wire,
        keys: Keys,
        clock: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._wire = wire
        self._clock = clock
        self.engine = ServiceEngine(self._propose, new_id)
        self._verbs = ServiceVerbs(self.engine, keys, BlueprintDefaults.read(variables))
        self._predictions = PredictionLog(clock) if wanted(variables) else None
        self._infos: list[Received[WorkerInfo]] = []
        self._statuses: list[Received[WorkerStatus]] = []
        self.next_pass: Callable[[Step], None] = self._verbs.next_pass

    def table(self) -> dict[str, Handler]:
        """The verbs of services and workers."""
        return self._verbs.table()

    def recover(self, step: Step, stored: StoredServing) -> None:
        """Go on with what the store holds."""
        self.engine.recover(step, stored)

    def on_node(self, step: Step, node: Node, what: str) -> None:
        """The registry has news of a node: joined, left, lost, state, or heard, which is any status."""
        if node.info.kind != KIND:
            return
        if what == "heard":
            self.engine.on_worker_heard(step, node.node_id, node.info.incarnation)
        elif what in ("left", "lost"):
            self._wire.forget_worker(node.node_id)
            self.engine.on_worker_gone(step, node.node_id, "left" if what == "left" else "was lost")
        elif node.state is not NodeState.INACTIVE:
            self.engine.on_worker_here(step, node.node_id, node.info.name, node.info.incarnation)

    def look(self) -> None:
        """Take what workers have said, to be handled after what the registry learned in this pass."""
        self._infos += self._wire.take(self._wire.worker_infos)
        self._statuses += self._wire.take(self._wire.worker_statuses)

    def handle(self, step: Step) -> None:
        """Handle all that was taken, and the answers; the registry alone says who lives."""
        infos, self._infos = self._infos, []
        statuses, self._statuses = self._statuses, []
        for info in infos:
            if info.kind is Kind.DATA and (trouble := self.engine.on_worker_info(step, info.sample)):
                log.error("orchestrator: %s", trouble)
        for status in statuses:
            if status.kind is Kind.DATA:
                self.engine.on_worker_status(step, status.sample)
        for answer in self._wire.take(self._wire.service_answers):
            self.engine.on_answer(step, answer.sample)

    def tick(self, step: Step, desk: Desk) -> list[Reply | None]:
        """Time passes: what is due is sent with the pass; replies to requests that waited for workers."""
        self.engine.tick(step, self._wire.worker_reachable)
        if self._predictions is not None:
            self._log_predictions(self._predictions)
        return self._verbs.answered(desk) if self.engine.core.told else []

    def _log_predictions(self, predictions: PredictionLog) -> None:
        """Once a second and service that works: what was predicted against what is."""
        workers = self.engine.core.workers
        for service in self.engine.core.services.values():
            if service.is_running and service.active is not None and predictions.due(service.row.name):
                stages, links = stage_times(service.active, workers), link_times(service.active, workers)
                predictions.write(service.row.name, stages, links)

    def _propose(self, blueprint: Blueprint, workers: Sequence[Worker], figures: Figures, request: Request) -> Proposal:
        return propose(blueprint, workers, figures, request, self._clock)
