"""Ends what no epoch needs any more: waits until an old epoch's items are through, then has it deleted."""

from __future__ import annotations

from hedgerow_idl.serve import InstanceStatus, OrderKind, WorkerStatus
from hedgerow_orchestrator.effects import Step
from hedgerow_orchestrator.serving.core import Core
from hedgerow_orchestrator.serving.service import Drain, Epoch, Service
from hedgerow_orchestrator.serving_states import EpochState

LEAST_S = 1.0
"""Items between workers are no longer under way after this time."""

LONGEST_S = 10.0
"""What is not through by then is stuck."""


def begin(core: Core, step: Step, service: Service, epoch: Epoch, at_sequence: int, *, at_once: bool) -> None:
    """Let an epoch drain that was active until now."""
    epoch.row.state = EpochState.DRAINING
    step.save(epoch.row)
    until_s = step.clock_s + (0.0 if at_once else LONGEST_S)
    service.drains[epoch.number] = Drain(epoch.number, until_s, begun_at_s=step.clock_s, at_sequence=at_sequence)
    if at_once:
        _delete(core, step, service, service.drains[epoch.number])


def on_status(service: Service, status: WorkerStatus) -> None:
    """A worker told how its instances are: what changed since the last time is not through."""
    for drain in service.drains.values():
        told = {each.physical_id: counters(each) for each in status.instances if each.service_id == service.service_id}
        for physical_id in leaving(service, drain.epoch):
            if physical_id in told:
                now = told[physical_id]
                if drain.seen.get(physical_id) == now and now[-1] == 0:
                    drain.quiet.add(physical_id)
                drain.seen[physical_id] = now


def counters(each: InstanceStatus) -> tuple[int, ...]:
    """What moves while an instance has something to do; the last is how much it still has."""
    return each.received, each.sent, each.failed, each.queued


def leaving(service: Service, number: int) -> set[str]:
    """The physical ids of an epoch that no other epoch has."""
    others = {each.physical_id for epoch, each in service.placed() if epoch.number != number}
    return {each.physical_id for each in service.epochs[number].plan.instances} - others


def tick(core: Core, step: Step, service: Service) -> None:
    """Have those deleted that are through, or have taken too long."""
    for drain in list(service.drains.values()):
        if drain.is_deleting:
            continue
        epoch = service.epochs[drain.epoch]
        there = {each.physical_id for each in epoch.plan.instances if core.is_here(each.node_id)}
        is_through = leaving(service, drain.epoch) & there <= drain.quiet
        if step.clock_s >= drain.until_s or (is_through and step.clock_s >= drain.begun_at_s + LEAST_S):
            if _is_switched(service, drain):
                _delete(core, step, service, drain)


def _is_switched(service: Service, drain: Drain) -> bool:
    """All sources have come to the sequence from which on they send by the next epoch."""
    epoch = service.epochs[drain.epoch]
    active = service.active
    stays = {each.physical_id for each in active.plan.instances} if active else set()
    for each in epoch.plan.instances:
        pace = service.sources.get(each.logical_id)
        row = service.instances.get(each.physical_id)
        is_source = pace is not None and each.physical_id in stays and row is not None and row.state == "RUNNING"
        if is_source and pace is not None and pace.last_sequence < drain.at_sequence - 1:
            return False
    return True


def _delete(core: Core, step: Step, service: Service, drain: Drain) -> None:
    drain.is_deleting = True
    for node in _knowing(service.epochs[drain.epoch]):
        if core.is_here(node):
            order = core.order(step, OrderKind.DELETE, node, service, epoch=drain.epoch, purpose="drain")
            drain.waiting.add(order)
    finish(core, step, service, drain)


def finish(core: Core, step: Step, service: Service, drain: Drain) -> None:
    """Retire an epoch whose workers have all answered."""
    if drain.waiting or not drain.is_deleting:
        return
    del service.drains[drain.epoch]
    epoch = service.epochs.pop(drain.epoch)
    epoch.row.state, epoch.row.retired_at_s = EpochState.RETIRED, step.now_s
    step.save(epoch.row)
    end_instances(step, service, epoch, "")


def _knowing(epoch: Epoch) -> list[str]:
    return list(dict.fromkeys([*epoch.nodes, *sorted(epoch.told)]))


def take_back(core: Core, step: Step, service: Service, epoch: Epoch) -> None:
    """Have an epoch deleted that will not be; nobody waits for the answers."""
    for node in _knowing(epoch):
        if core.is_here(node):
            core.order(step, OrderKind.DELETE, node, service, epoch=epoch.number, purpose="roll-back")


def end_instances(step: Step, service: Service, epoch: Epoch, reason: str) -> None:
    """The instances of an epoch that no other has are over."""
    others = {each.physical_id for _, each in service.placed()}
    for each in epoch.plan.instances:
        if each.physical_id not in others:
            end_instance(step, service, each.physical_id, reason)


def end_instance(step: Step, service: Service, physical_id: str, reason: str, state: str = "STOPPED") -> None:
    """An instance is over."""
    row = service.instances.pop(physical_id, None)
    if row is not None and row.ended_at_s is None:
        row.ended_at_s, row.reason = step.now_s, row.reason or reason
        row.state = row.state if row.state in ("FAILED", "ENDED") else state
        step.save(row)
