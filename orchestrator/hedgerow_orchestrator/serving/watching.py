"""What workers say and how they end, as it concerns services: crashes, losses, figures, ends, what nobody wants."""

from __future__ import annotations

from hedgerow_idl.plan import PlacedInstance
from hedgerow_idl.serve import InstanceState, InstanceStatus, OrderKind, ServiceOrder, WorkerStatus
from hedgerow_orchestrator.effects import Step
from hedgerow_orchestrator.serving import draining, lifecycle, placing, swapping
from hedgerow_orchestrator.serving.core import Core
from hedgerow_orchestrator.serving.service import Lost, Service, SourcePace
from hedgerow_orchestrator.serving.workers import Worker
from hedgerow_orchestrator.serving_states import ServiceState

MISSED = 2
"""So many statuses without an instance that was prepared there, and it is gone."""

STILL_S = 2.5
"""Longer than two statuses of a worker are apart: each has told the same again."""

CRASHES = 3
CRASHES_WITHIN_S = 60.0
"""An instance that its workers gave up so often within this time waits as long before it is tried again."""

SWEEP_S = 5.0
"""What nobody wants is told to end at most once in this time."""


def on_status(core: Core, step: Step, worker: Worker, status: WorkerStatus) -> None:
    """A worker told how it is."""
    told = {each.physical_id: each for each in status.instances}
    known: set[str] = set()
    for service in list(core.services.values()):
        placed = {each.physical_id: each for _, each in service.placed() if each.node_id == worker.node_id}
        known |= placed.keys()
        if not placed:
            continue
        draining.on_status(service, status)
        for physical_id, each in placed.items():
            if physical_id in told:
                service.missing.pop(physical_id, None)
                _on_instance(core, step, service, each, told[physical_id])
            else:
                _on_missing(core, step, service, each)
        _look_for_the_end(core, step, service)
        lifecycle.reconcile(core, step, service)
    _sweep(core, step, worker, [each for each in status.instances if each.physical_id not in known])


def _on_instance(core: Core, step: Step, service: Service, placed: PlacedInstance, status: InstanceStatus) -> None:
    core.figures.note(placed, placed.node_id, status.compute_s)
    _note_pace(step, service, placed, status)
    row = service.instances.get(placed.physical_id)
    if row is None or (row.state, row.restarts, row.reason) == (status.state.name, status.restarts, status.reason):
        return
    was, restarts = row.state, row.restarts
    row.state, row.restarts, row.reason = status.state.name, status.restarts, status.reason
    if row.started_at_s is None and status.state is InstanceState.RUNNING:
        row.started_at_s = step.now_s
    body = {"service_id": service.service_id, "service": service.row.name, "name": placed.name}
    body |= {"physical_id": placed.physical_id, "reason": status.reason, "restarts": str(status.restarts)}
    if status.restarts > restarts:
        step.event("instance.restarted", node_id=placed.node_id, body=body)
    if was != row.state:
        step.event(f"instance.{row.state.lower()}", node_id=placed.node_id, body=body)
    if status.state is InstanceState.FAILED and was != "FAILED":
        row.ended_at_s = step.now_s
        _on_crash(core, step, service, placed, status.reason)
    step.save(row)


def _note_pace(step: Step, service: Service, placed: PlacedInstance, status: InstanceStatus) -> None:
    """How far a source is; what is fed by a link counts others' sequences."""
    if any(link.receiver == placed.logical_id for epoch in service.epochs.values() for link in epoch.plan.links):
        return
    before = service.sources.get(placed.logical_id)
    if before is None or status.last_sequence < before.last_sequence:
        if before is None and status.last_sequence >= 0:
            service.sources[placed.logical_id] = SourcePace(status.last_sequence, step.clock_s)
        return
    passed = step.clock_s - before.at_s
    if passed > 0:
        rate = (status.last_sequence - before.last_sequence) / passed
        service.sources[placed.logical_id] = SourcePace(status.last_sequence, step.clock_s, rate)


def _on_crash(core: Core, step: Step, service: Service, placed: PlacedInstance, reason: str) -> None:
    """A worker has given an instance up: another one takes its place, unless the blueprint wants none."""
    active = service.active
    if active is None or placed.physical_id not in {each.physical_id for each in active.plan.instances}:
        return
    told = f"{placed.name} ended on {core.label(placed.node_id)}: {reason}"
    if placed.restart == "never":
        core.set_state(step, service, ServiceState.DEGRADED, f"{told}; its restart policy is never")
        return
    recent = [at for at in service.crashes.get(placed.logical_id, []) if at > step.clock_s - CRASHES_WITHIN_S]
    service.crashes[placed.logical_id] = [*recent, step.clock_s]
    key = placed.name, placed.replica
    service.avoid[key, placed.node_id] = step.clock_s + swapping.AVOID_S
    placing.want(service, "failover", told)
    if len(recent) + 1 >= CRASHES:
        service.again_at_s = step.clock_s + CRASHES_WITHIN_S
        core.set_state(step, service, ServiceState.DEGRADED, f"{told}, {len(recent) + 1} times lately; tried later")


def _on_missing(core: Core, step: Step, service: Service, placed: PlacedInstance) -> None:
    active = service.active
    row = service.instances.get(placed.physical_id)
    if active is None or placed not in active.plan.instances or row is None or row.ended_at_s is not None:
        return
    missed = service.missing[placed.physical_id] = service.missing.get(placed.physical_id, 0) + 1
    if missed >= MISSED:
        _lose(core, step, service, placed, f"{placed.name} is no longer on {core.label(placed.node_id)}")


def _lose(core: Core, step: Step, service: Service, placed: PlacedInstance, reason: str) -> None:
    row = service.instances.get(placed.physical_id)
    if row is not None and row.ended_at_s is None:
        row.state, row.reason, row.ended_at_s = "FAILED", reason, step.now_s
        step.save(row)
        body = {"service_id": service.service_id, "service": service.row.name, "name": placed.name, "reason": reason}
        step.event("instance.lost", node_id=placed.node_id, body=body)
    active = service.active
    if active is not None and placed in active.plan.instances:
        placing.want(service, "failover", reason)


def on_gone(core: Core, step: Step, worker: Worker, what: str, *, may_return: bool = False) -> None:
    """A worker left or was lost: its orders are given up, its instances lost, their services placed anew at once.

    With `may_return` the same start may come back, and its instances with it.
    """
    reason = f"worker {worker.label} {what}"
    for service in core.services.values():
        _note_lost(service, worker, reason, may_return=may_return and service.procedure is None)
    for one, answer in core.orders.lost(worker.node_id):
        lifecycle.settle(core, step, one, answer, is_silent=True)
    for service in list(core.services.values()):
        procedure = service.procedure
        for _, placed in list(service.placed()):
            if placed.node_id == worker.node_id:
                _lose(core, step, service, placed, reason)
        if procedure is not None and procedure is service.procedure and procedure.kind == "swap":
            epoch = service.epochs[procedure.epoch]
            if worker.node_id in epoch.nodes:
                procedure.failures.append((worker.node_id, what, True))
                if procedure.phase in ("pause", "clear", "prepare", "start"):
                    swapping.fail(core, step, service)
                else:
                    placing.want(service, "failover", reason)
        lifecycle.reconcile(core, step, service)


def _note_lost(service: Service, worker: Worker, reason: str, *, may_return: bool) -> None:
    placed = {each.physical_id: each for _, each in service.placed()}
    service.lost = {physical_id: lost for physical_id, lost in service.lost.items() if physical_id in placed}
    for physical_id, each in placed.items():
        row = service.instances.get(physical_id)
        if each.node_id == worker.node_id and row is not None and row.ended_at_s is None:
            # One that is being begun anew may have missed an order.
            is_settled = row.state in (("RUNNING", "ENDED") if service.is_running else ("READY", "STOPPED"))
            returns = may_return and is_settled
            service.lost[physical_id] = Lost(worker.incarnation, row.state, row.reason, reason, returns)


def on_back(core: Core, step: Step, worker: Worker) -> None:
    """A worker that was lost is heard again, the same start: what was not placed anew in the meantime goes on there."""
    for service in core.services.values():
        active = service.active
        back = {
            each.physical_id: lost
            for each in (active.plan.instances if active else ())
            if each.node_id == worker.node_id
            and (lost := service.lost.get(each.physical_id)) is not None
            and lost.may_return
            and lost.incarnation == worker.incarnation
        }
        for physical_id, lost in back.items():
            _take_back(step, service, physical_id, lost)
        if back and service.procedure is None and service.dirty_reason in {lost.told for lost in back.values()}:
            _rest_if_whole(core, step, service)


def _take_back(step: Step, service: Service, physical_id: str, lost: Lost) -> None:
    row = service.instances[physical_id]
    row.state, row.reason, row.ended_at_s = lost.state, lost.reason, None
    step.save(row)
    del service.lost[physical_id]
    service.missing.pop(physical_id, None)
    body = {"service_id": service.service_id, "service": service.row.name, "name": row.name}
    step.event("instance.back", node_id=row.node_id, body={**body, "physical_id": physical_id})


def _rest_if_whole(core: Core, step: Step, service: Service) -> None:
    """Nothing is missing any more that a place was sought for."""
    active = service.active
    instances = active.plan.instances if active is not None else ()
    is_whole = all(placing.is_usable(core, service, each.node_id, each.physical_id) for each in instances)
    if service.is_dirty and service.dirty_cause == "failover" and is_whole:
        service.is_dirty = False
        swapping.rest(core, step, service)


def _look_for_the_end(core: Core, step: Step, service: Service) -> None:
    """All sources are exhausted, and nothing is under way any more."""
    active = service.active
    if active is None or not service.is_running or service.procedure is not None or service.drains:
        return
    rows = {each.physical_id: service.instances.get(each.physical_id) for each in active.plan.instances}
    sources = swapping.sources_of(active)
    if not sources or any(row is None or (pid in sources and row.state != "ENDED") for pid, row in rows.items()):
        return
    told: dict[str, InstanceStatus] = {}
    for node in active.nodes:
        told |= {each.physical_id: each for each in core.workers[node].status.instances} if core.is_here(node) else {}
    now = {pid: draining.counters(told[pid]) for pid in rows if pid in told}
    if now != service.rest:
        service.rest, service.rest_at_s = now, step.clock_s
        return
    is_idle = all(each[-1] == 0 for each in now.values())
    if is_idle and step.clock_s - service.rest_at_s >= STILL_S:
        service.is_running = False
        core.set_state(step, service, ServiceState.ENDED, "all its sources have ended")


def _sweep(core: Core, step: Step, worker: Worker, strangers: list[InstanceStatus]) -> None:
    """End what a worker has and nobody wants: of services that were deleted, of epochs that were given up.

    Also what has ended or failed there: the worker would tell of it for ever.
    """
    wanted: set[tuple[str, int]] = set()
    for each in strangers:
        service = core.services.get(each.service_id)
        if service is None:
            wanted.add((each.service_id, 0))
        elif each.epoch not in service.epochs and service.procedure is None:
            wanted.add((each.service_id, each.epoch))
    for service_id, epoch in sorted(wanted):
        if step.clock_s < core.swept.get((worker.node_id, service_id, epoch), -SWEEP_S) + SWEEP_S:
            continue
        core.swept[worker.node_id, service_id, epoch] = step.clock_s
        order = ServiceOrder(
            kind=OrderKind.DELETE,
            incarnation=worker.incarnation,
            epoch=epoch,
            node_id=worker.node_id,
            service_id=service_id,
        )
        core.orders.add(order, "sweep", step.clock_s, step.now_s)
