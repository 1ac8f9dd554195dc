"""The life of services and workers as a state machine: inputs change the state and fill the pass. No clock, no bus."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from hedgerow_idl.plain import to_json
from hedgerow_idl.plan import Plan
from hedgerow_idl.serve import ServiceAnswer, WorkerInfo, WorkerStatus
from hedgerow_orchestrator.effects import Step
from hedgerow_orchestrator.placement.replacement import Policy
from hedgerow_orchestrator.serving import draining, lifecycle, placing, watching
from hedgerow_orchestrator.serving.blueprint import Blueprint, parse
from hedgerow_orchestrator.serving.comparing import Comparison, compare
from hedgerow_orchestrator.serving.core import Core, Propose
from hedgerow_orchestrator.serving.figures import network_key
from hedgerow_orchestrator.serving.parts import Key
from hedgerow_orchestrator.serving.plan_build import key_of
from hedgerow_orchestrator.serving.proposal import NoPlace, Proposal
from hedgerow_orchestrator.serving.service import Epoch, Service
from hedgerow_orchestrator.serving.workers import Worker, read_catalogue
from hedgerow_orchestrator.serving_states import IntentState, ServiceState
from hedgerow_orchestrator.store.serving_changes import IntentRow, ServiceRow, WorkerPolicyRow, WorkerRow
from hedgerow_orchestrator.store.serving_recovery import StoredService, StoredServing

GRACE_S = 5.0
"""After its start the orchestrator waits so long for the workers of its services before it takes them for lost."""

LOOK_S = 10.0
"""How often a service that runs is compared with what would be better."""

ROW_EVERY_S = 2.0

LONGEST_TICK_S = 0.5
"""Of a longer time between two ticks only so much counts for the silence of others: it was this process that stood
still, and what they have said meanwhile is still to be taken."""

BY_HAND = ("manual", "migrate")
"""Causes of a placement that is moved by need or by command only: a person has chosen it."""


class Conflict(Exception):
    """What is asked for does not go with what is so."""


@dataclass(frozen=True)
class Answer:
    """What became of a wish for another placement."""

    verdict: str
    is_changed: bool
    reason: str
    predicted: dict[str, Any]
    epoch: int


class ServiceEngine:
    """Owns services, workers and orders. Every method leaves nothing undone that can be done now.

    Args:
        propose: the planner.
        new_id: gives UUIDs.
    """

    def __init__(self, propose: Propose, new_id: Callable[[], str]) -> None:
        self.core = Core(propose, new_id)
        self._row_at_s: dict[str, float] = {}
        self._ticked_at_s = -math.inf

    @property
    def is_idle(self) -> bool:
        """There is nothing to do: no service, no order, no wish."""
        return not (self.core.services or len(self.core.orders) or self.core.intents)

    # --- start ----------------------------------------------------------------------------------------------------

    def recover(self, step: Step, stored: StoredServing) -> None:
        """Go on with what the store holds: what runs is adopted, what was being prepared is gone on with."""
        core = self.core
        for node_id, name in stored.worker_names.items():
            core.workers[node_id] = Worker(node_id, name)
        for policy in stored.policies:
            worker = core.workers.setdefault(policy.node_id, Worker(policy.node_id))
            worker.is_cordoned, worker.is_draining = bool(policy.is_cordoned), bool(policy.is_draining)
            worker.reason = policy.reason
        for intent in stored.intents:
            core.intents[intent.intent_id] = intent
        others = {intent.intent_id for intent in stored.intents if intent.kind != "drain"}
        core.settle_intents(step, others, IntentState.DECLINED, "the orchestrator was restarted; ask again")
        for each in stored.services:
            service = core.services[each.service.service_id] = self._service_of(each)
            service.moved_at_s = service.looked_at_s = step.clock_s
            for number in [number for number, e in service.epochs.items() if e.row.state == "DRAINING"]:
                draining.begin(core, step, service, service.epochs[number], -1, at_once=False)
        core.grace_until_s = step.clock_s + GRACE_S
        core.unseen = {node for service in core.services.values() for node in service.nodes()}

    def _service_of(self, stored: StoredService) -> Service:
        row = stored.service
        service = Service(row, parse(row.blueprint), last_epoch=stored.last_epoch)
        for epoch in stored.epochs:
            service.epochs[epoch.epoch] = Epoch(epoch, msgspec.json.decode(epoch.plan, type=Plan))
            if epoch.state == "PREPARING":
                service.resume = epoch.epoch
        for each in sorted(service.epochs.values(), key=lambda one: one.number):
            service.logical_ids |= {key_of(one): one.logical_id for one in each.plan.instances}
        live = {one.physical_id for _, one in service.placed()}
        service.instances = {one.physical_id: one for one in stored.instances if one.physical_id in live}
        working = (ServiceState.RUNNING, ServiceState.SWITCHING, ServiceState.DEGRADED)
        service.is_running = row.wanted == "RUNNING" and row.state in working and service.active is not None
        if (service.active is None and not service.resume) or row.state == ServiceState.DEGRADED:
            placing.want(service, "failover" if service.active else "deploy", row.reason)
        return service

    # --- workers --------------------------------------------------------------------------------------------------

    def on_worker_info(self, step: Step, info: WorkerInfo) -> str:
        """A worker announced what it is, or that it changed; why it cannot be read, or an empty text."""
        try:
            catalogue = read_catalogue(info.catalogue)
        except msgspec.DecodeError as error:
            return f"the catalogue of worker {info.node_id} cannot be read: {error}"
        worker = self.core.workers.setdefault(info.node_id, Worker(info.node_id))
        if info.incarnation < worker.incarnation:
            return ""
        worker.info, worker.catalogue = info, catalogue
        self._keep(step, worker, at_once=True)
        if worker.is_here:
            self._changed(step)
        return ""

    def on_worker_here(self, step: Step, node_id: str, name: str, incarnation: int) -> None:
        """A worker lives, as the registry knows; a new incarnation of one that was here is one leave and one join."""
        worker = self.core.workers.setdefault(node_id, Worker(node_id))
        if worker.is_here and worker.incarnation == incarnation:
            worker.name = name
            return
        if worker.is_here:
            self.on_worker_gone(step, node_id, "was restarted")
        is_back = worker.incarnation == incarnation
        if worker.incarnation and worker.incarnation != incarnation:
            self.core.figures.forget(node_id)
            worker.status, worker.statuses = WorkerStatus(), 0
        worker.name, worker.incarnation, worker.is_here = name, incarnation, True
        self.core.unseen.discard(node_id)
        worker.silent_s, worker.is_mute = 0.0, False
        step.event("worker.joined", node_id=node_id, body={"name": name})
        if is_back:
            watching.on_back(self.core, step, worker)
        self._changed(step)

    def on_worker_gone(self, step: Step, node_id: str, what: str) -> None:
        """A worker left, or was lost."""
        worker = self.core.workers.get(node_id)
        if worker is None:
            return
        worker.is_mute = False
        if not worker.is_here:
            return
        worker.is_here = False
        body = {"name": worker.label, "reason": what}
        step.event("worker.left" if what == "left" else "worker.lost", node_id=node_id, body=body)
        watching.on_gone(self.core, step, worker, what, may_return=what not in ("left", "was restarted"))

    def on_worker_heard(self, step: Step, node_id: str, incarnation: int) -> None:
        """A status of any kind came: the worker's loop goes round."""
        worker = self.core.workers.get(node_id)
        if worker is None or worker.incarnation != incarnation:
            return
        worker.silent_s = 0.0
        if worker.is_mute:
            self.on_worker_here(step, node_id, worker.name, incarnation)

    def on_worker_status(self, step: Step, status: WorkerStatus) -> None:
        """A worker told how it is."""
        worker = self.core.workers.setdefault(status.node_id, Worker(status.node_id))
        if status.incarnation < worker.incarnation:
            return
        worker.status = status
        worker.statuses += 1
        self.on_worker_heard(step, status.node_id, status.incarnation)
        self._keep(step, worker)
        if worker.is_here and status.incarnation == worker.incarnation:
            watching.on_status(self.core, step, worker, status)

    def on_answer(self, step: Step, answer: ServiceAnswer) -> None:
        """A worker answered an order."""
        one = self.core.orders.take(answer)
        if one is not None:
            lifecycle.settle(self.core, step, one, answer)

    def set_policy(self, step: Step, worker: Worker, *, cordoned: bool, draining: bool, reason: str) -> None:
        """Cordon, uncordon or drain a worker; kept over restarts of both sides."""
        worker.is_cordoned, worker.is_draining, worker.reason = cordoned, draining, reason
        step.save(WorkerPolicyRow(worker.node_id, cordoned, draining, reason, step.now_s))
        kind = "drained" if draining else ("cordoned" if cordoned else "uncordoned")
        step.event(f"worker.{kind}", node_id=worker.node_id, body={"name": worker.label, "reason": reason})
        if not draining:
            over = {
                key for key, each in self.core.intents.items() if (each.kind, each.target) == ("drain", worker.node_id)
            }
            self.core.settle_intents(step, over, IntentState.DECLINED, "the drain was taken back")
        self._changed(step)

    def drain(self, step: Step, worker: Worker, reason: str) -> IntentRow:
        """Move everything off a worker; the wish is done when nothing is left on it."""
        intent = self._intent(step, "drain", worker.node_id)
        self.set_policy(step, worker, cordoned=True, draining=True, reason=reason)
        for service in list(self.core.services.values()):
            if worker.node_id in service.current.values():
                placing.want(service, "drain", f"worker {worker.label} is being drained")
                lifecycle.reconcile(self.core, step, service)
        self._look_at_drains(step)
        return intent

    def _intent(self, step: Step, kind: str, target: str) -> IntentRow:
        intent = IntentRow(self.core.new_id(), kind, target, IntentState.PENDING, "", step.now_s)
        self.core.intents[intent.intent_id] = intent
        step.save(intent)
        return intent

    def _look_at_drains(self, step: Step) -> None:
        for intent in [each for each in self.core.intents.values() if each.kind == "drain"]:
            left = sorted(
                {
                    service.row.name
                    for service in self.core.services.values()
                    for _, placed in service.placed()
                    if placed.node_id == intent.target
                }
            )
            if not left:
                self.core.settle_intents(step, {intent.intent_id}, IntentState.DONE, "nothing is left on it")

    def _changed(self, step: Step) -> None:
        """Something changed that may help services without a place, or make another place better."""
        self.core.changed()
        for service in list(self.core.services.values()):
            service.looked_at_s = min(service.looked_at_s, step.clock_s - LOOK_S / 2)
            lifecycle.reconcile(self.core, step, service)

    def _keep(self, step: Step, worker: Worker, *, at_once: bool = False) -> None:
        if at_once or step.clock_s >= self._row_at_s.get(worker.node_id, -math.inf) + ROW_EVERY_S:
            self._row_at_s[worker.node_id] = step.clock_s
            step.save(WorkerRow(worker.node_id, to_json(worker.info), to_json(worker.status), step.now_s))

    # --- services -------------------------------------------------------------------------------------------------

    def deploy(self, step: Step, blueprint: Blueprint, name: str, *, start: bool) -> Service:
        """Make a service of a blueprint that has been checked, and begin to prepare it.

        Raises:
            Conflict: there is one of this name.
        """
        if any(each.row.name == name for each in self.core.services.values()):
            raise Conflict(f"there is a service {name!r} already; delete it, or give another name")
        row = ServiceRow(
            service_id=self.core.new_id(),
            name=name,
            state="",
            wanted="RUNNING" if start else "READY",
            reason="",
            epoch=0,
            blueprint=msgspec.json.encode(blueprint).decode(),
            created_at_s=step.now_s,
            changed_at_s=step.now_s,
        )
        service = self.core.services[row.service_id] = Service(row, blueprint)
        self.core.set_state(step, service, ServiceState.PREPARING)
        placing.want(service, "deploy", "deployed")
        lifecycle.reconcile(self.core, step, service)
        return service

    def start(self, step: Step, service: Service) -> None:
        """Have a service run; one that has ended or failed begins anew.

        Raises:
            Conflict: it is being deleted.
        """
        row = service.row
        if row.wanted == "DELETED":
            raise Conflict(f"service {row.name!r} is being deleted; deploy it again afterwards")
        row.wanted = "RUNNING"
        if row.state in lifecycle.AT_REST:
            for physical_id in list(service.instances):
                draining.end_instance(step, service, physical_id, "begun anew")
            service.sources.clear()
            service.crashes.clear()
            service.avoid.clear()
            service.failed, service.last_failure = 0, ""
            placing.want(service, "deploy", "started again")
            self.core.set_state(step, service, ServiceState.PREPARING)
        step.save(row)
        lifecycle.reconcile(self.core, step, service)

    def stop(self, step: Step, service: Service) -> None:
        """Have a service rest; its instances stay."""
        if service.row.wanted != "DELETED":
            service.row.wanted = "STOPPED"
            step.save(service.row)
            lifecycle.reconcile(self.core, step, service)

    def delete(self, step: Step, service: Service) -> None:
        """Have a service end, with all its instances."""
        service.row.wanted = "DELETED"
        step.save(service.row)
        lifecycle.reconcile(self.core, step, service)

    def migrate(self, step: Step, service: Service, key: Key, to: Worker) -> IntentRow:
        """Move one instance: start it there, rewire, stop it here. Declined with the reason where it cannot be.

        Raises:
            Conflict: the service is being changed already.
        """
        self._must_be_still(service)
        intent = self._intent(step, "migrate", f"{service.row.name}/{key[0]}#{key[1]} -> {to.label}")
        if service.current.get(key) == to.node_id:
            told = f"it is on {to.label} already"
            self.core.settle_intents(step, {intent.intent_id}, IntentState.DECLINED, told)
            return intent
        service.moves, service.intents = {key: to.node_id}, {intent.intent_id}
        placing.want(service, "migrate", f"{key[0]} to {to.label}, as asked for")
        lifecycle.reconcile(self.core, step, service)
        return intent

    def place(
        self,
        step: Step,
        service: Service,
        moves: dict[Key, str],
        boundaries: dict[str, tuple[int, ...]],
        *,
        dry_run: bool,
    ) -> Answer:
        """Place a service as a person says, or, where nothing is said, as is best now if that is better.

        Raises:
            Conflict: the service is being changed already.
        """
        self._must_be_still(service)
        by_hand = bool(moves or boundaries)
        service.moves, service.boundaries = dict(moves), dict(boundaries)
        cause = "manual" if by_hand else "place"
        request = placing.request_for(self.core, service, cause, step.clock_s)
        workers = list(self.core.workers.values())
        try:
            proposal = self.core.propose(service.blueprint, workers, self.core.figures, request)
        except NoPlace as error:
            service.moves, service.boundaries = {}, {}
            return Answer("infeasible", False, str(error), {}, service.row.epoch)
        if by_hand:
            verdict = Comparison("applied", True, "as asked for")
        else:
            verdict = self._compare(step, service, proposal, Policy(least_gain=0.0, least_dwell_s=0.0))
        changed = False
        if verdict.is_move and not dry_run:
            changed = placing.apply(self.core, step, service, proposal, cause, verdict.reason)
        service.moves, service.boundaries = {}, {}
        return Answer(verdict.verdict, changed, verdict.reason, proposal.predicted, service.last_epoch)

    def layers(self, service: Service, network: str) -> int:
        """How many layers a network has; 0 where it was not profiled yet."""
        wish = service.blueprint.network(network)
        profiles = self.core.figures.profiles.get(network_key(wish), {}) if wish is not None else {}
        return next((each.count for each in profiles.values()), 0)

    def _must_be_still(self, service: Service) -> None:
        if service.active is None:
            raise Conflict(f"service {service.row.name!r} is {service.row.state}: it has no place yet to move from")
        if service.procedure is not None:
            doing = f"{service.procedure.kind}, {service.procedure.phase}"
            raise Conflict(f"service {service.row.name!r} is being changed ({doing}); ask again in a moment")

    def _compare(self, step: Step, service: Service, proposal: Proposal, policy: Policy) -> Comparison:
        return compare(
            proposal,
            service.current,
            placing.deployed_boundaries(service),
            list(self.core.workers.values()),
            step.clock_s - service.moved_at_s,
            policy,
        )

    # --- time -----------------------------------------------------------------------------------------------------

    def tick(self, step: Step, reachable: Callable[[str], bool]) -> None:
        """Give up what took too long, end what is through, look for what is better, and send what is due."""
        core = self.core
        passed_s, self._ticked_at_s = min(step.clock_s - self._ticked_at_s, LONGEST_TICK_S), step.clock_s
        if self.is_idle:
            return
        self._look_for_silence(step, passed_s)
        for one, answer in core.orders.overdue(step.clock_s):
            lifecycle.settle(core, step, one, answer, is_silent=True)
        if core.unseen and step.clock_s >= core.grace_until_s:
            missed, core.unseen = core.unseen, set()
            for node_id in sorted(missed):
                worker = core.workers.setdefault(node_id, Worker(node_id))
                watching.on_gone(core, step, worker, "did not come back")
        for service in list(core.services.values()):
            draining.tick(core, step, service)
            lifecycle.reconcile(core, step, service)
            if step.clock_s >= service.looked_at_s + LOOK_S:
                service.looked_at_s = step.clock_s
                self._look_for_better(step, service)
        if core.intents:
            self._look_at_drains(step)
        step.orders += core.orders.due(step.clock_s, reachable)

    def _look_for_silence(self, step: Step, passed_s: float) -> None:
        """A worker that lives for the bus and says nothing stands still: it does no work and takes no order."""
        for worker in list(self.core.workers.values()):
            if not worker.is_here:
                continue
            worker.silent_s += passed_s
            if worker.silent_s > worker.patience_s:
                told = f"has said nothing for {worker.silent_s:.1f} s, though its process lives"
                self.on_worker_gone(step, worker.node_id, told)
                worker.is_mute = True

    def _look_for_better(self, step: Step, service: Service) -> None:
        """Move a service that runs where that is worth it; the reason is told either way in the event."""
        wishes = service.blueprint.placement
        if wishes.replace != "auto" or wishes.strategy != "optimal" or len(self.core.workers) < 2:
            return
        if service.active is None or service.procedure is not None or service.is_dirty or not service.is_running:
            return
        if service.active.row.cause in BY_HAND:
            return
        request = placing.request_for(self.core, service, "drift", step.clock_s)
        try:
            workers = list(self.core.workers.values())
            proposal = self.core.propose(service.blueprint, workers, self.core.figures, request)
        except NoPlace:
            return
        policy = Policy(least_gain=wishes.minimum_gain, least_dwell_s=wishes.minimum_dwell_s)
        verdict = self._compare(step, service, proposal, policy)
        if verdict.is_move:
            placing.apply(self.core, step, service, proposal, "drift", verdict.reason)
