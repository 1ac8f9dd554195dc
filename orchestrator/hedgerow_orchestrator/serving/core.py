"""What all parts of the service engine share: workers, services, orders, intents, figures; and how states change."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hedgerow_idl.serve import OrderKind, ServiceAnswer, ServiceOrder
from hedgerow_orchestrator.effects import Step
from hedgerow_orchestrator.serving.blueprint import Blueprint
from hedgerow_orchestrator.serving.figures import Figures
from hedgerow_orchestrator.serving.link_measuring import MeasureLine
from hedgerow_orchestrator.serving.orders import Open, OrderBook
from hedgerow_orchestrator.serving.proposal import Proposal, Request
from hedgerow_orchestrator.serving.service import Service
from hedgerow_orchestrator.serving.workers import Worker
from hedgerow_orchestrator.serving_states import IntentState, ServiceState
from hedgerow_orchestrator.store.serving_changes import IntentRow

Propose = Callable[[Blueprint, Sequence[Worker], Figures, Request], Proposal]


@dataclass
class Core:
    """The state of serving.

    Attributes:
        told: answers to orders that no service waits for: somebody asked for them.
        swept: when a worker was last told to end what nobody wants, by node id, service and epoch.
        unseen: workers of services that have not been here since the start; until `grace_until_s` nobody misses them.
    """

    propose: Propose
    new_id: Callable[[], str]
    workers: dict[str, Worker] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    figures: Figures = field(default_factory=Figures)
    intents: dict[str, IntentRow] = field(default_factory=dict)
    told: list[tuple[Open, ServiceAnswer]] = field(default_factory=list)
    swept: dict[tuple[str, str, int], float] = field(default_factory=dict)
    grace_until_s: float = -math.inf
    unseen: set[str] = field(default_factory=set)
    measuring: MeasureLine = field(default_factory=MeasureLine)
    orders: OrderBook = field(init=False)

    def __post_init__(self) -> None:
        self.orders = OrderBook(self.new_id)

    def worker(self, name_or_id: str) -> Worker | None:
        """The worker with this id or name, one that is here first."""
        exact = self.workers.get(name_or_id)
        if exact is not None:
            return exact
        named = [each for each in self.workers.values() if each.name == name_or_id]
        return min(named, key=lambda each: not each.is_here, default=None)

    def label(self, node_id: str) -> str:
        """What a worker is called."""
        worker = self.workers.get(node_id)
        return node_id if worker is None else worker.label

    def is_here(self, node_id: str) -> bool:
        """A worker lives."""
        worker = self.workers.get(node_id)
        return worker is not None and worker.is_here

    def service(self, name_or_id: str) -> Service | None:
        """The service with this id or name."""
        exact = self.services.get(name_or_id)
        return exact or next((each for each in self.services.values() if each.row.name == name_or_id), None)

    def changed(self) -> None:
        """Something changed that may help: services that have no place are looked at again at once."""
        for service in self.services.values():
            service.again_at_s = 0.0

    def order(
        self,
        step: Step,
        kind: OrderKind,
        node_id: str,
        service: Service,
        *,
        epoch: int = 0,
        at_sequence: int = -1,
        body: str = "",
        purpose: str = "",
    ) -> str:
        """Take an order to a worker in; its command id. It goes out at the end of the pass."""
        worker = self.workers.get(node_id)
        order = ServiceOrder(
            kind=kind,
            incarnation=worker.incarnation if worker else 0,
            epoch=epoch,
            at_sequence=at_sequence,
            node_id=node_id,
            service_id=service.service_id,
            body=body,
        )
        return self.orders.add(order, purpose, step.clock_s, step.now_s)

    def set_state(
        self, step: Step, service: Service, state: ServiceState, reason: str = "", *, more: dict[str, Any] | None = None
    ) -> None:
        """Have a service in a state; told where state or reason are new."""
        row = service.row
        is_new = (row.state, row.reason) != (state, reason)
        row.state, row.reason = state, reason
        if is_new:
            row.changed_at_s = step.now_s
            body = {"service_id": row.service_id, "name": row.name, "state": state, "reason": reason}
            step.event(f"service.{state.lower()}", body={**body, "epoch": row.epoch, **(more or {})})
        step.save(row)

    def settle_intents(self, step: Step, intent_ids: set[str], state: IntentState, reason: str) -> None:
        """Say what became of wishes."""
        for intent_id in sorted(intent_ids):
            intent = self.intents.get(intent_id)
            if intent is None or (intent.state, intent.reason) == (state, reason):
                continue
            intent.state, intent.reason = state, reason
            step.save(intent)
            body = {"intent_id": intent_id, "kind": intent.kind, "target": intent.target, "reason": reason}
            step.event(f"intent.{state.lower()}", body=body)
            if state in (IntentState.DECLINED, IntentState.DONE):
                del self.intents[intent_id]
