"""The steps from one epoch to the next: prepare everywhere, start, switch the sources, start new sources, let drain."""

from __future__ import annotations

import msgspec

from hedgerow_idl.serve import OrderKind
from hedgerow_orchestrator.effects import Step
from hedgerow_orchestrator.serving import draining
from hedgerow_orchestrator.serving.core import Core
from hedgerow_orchestrator.serving.plan_build import key_of
from hedgerow_orchestrator.serving.service import Epoch, Procedure, Service
from hedgerow_orchestrator.serving_states import EpochState, IntentState, ServiceState

AVOID_S = 30.0
"""For so long a worker on which an epoch could not be prepared is not tried again."""

BACK_OFF_S = 1.0
"""A worker that answered that it cannot prepare an epoch is tried again after this time, then after twice, four times
… as long, up to `AVOID_S`: files come, memory gets free, and nobody tells."""

AHEAD_S = 0.5
"""Several sources switch at one sequence, which they reach in about this time."""


def begin(core: Core, step: Step, service: Service, epoch: Epoch, cause: str, intents: set[str]) -> None:
    """Begin to prepare an epoch."""
    procedure = service.procedure = Procedure("swap", "prepare", epoch.number, cause, intents=set(intents))
    core.settle_intents(step, intents, IntentState.ACCEPTED, f"epoch {epoch.number} is being prepared")
    short = _short_of_memory(core, service, epoch)
    if short:
        procedure.is_pause = True
        _pause(core, step, service, procedure, short)
    else:
        _prepare(core, step, service, procedure)


def sources_of(epoch: Epoch) -> set[str]:
    """The physical ids of the sources of an epoch: what no link feeds."""
    fed = {link.receiver for link in epoch.plan.links}
    return {each.physical_id for each in epoch.plan.instances if each.logical_id not in fed}


def advance(core: Core, step: Step, service: Service) -> None:
    """All orders of a step are answered: go on, or back."""
    procedure = service.procedure
    while procedure is not None and not procedure.waiting and service.procedure is procedure:
        epoch = service.epochs[procedure.epoch]
        if procedure.failures and procedure.phase in ("prepare", "start"):
            fail(core, step, service)
        elif procedure.phase in ("pause", "clear"):
            _after_pause(core, step, service, procedure)
        elif procedure.phase == "prepare":
            _start(core, step, service, procedure, epoch)
        elif procedure.phase == "start":
            _switch(core, step, service, procedure, epoch)
        elif procedure.phase == "switch":
            _number(core, step, service, procedure, epoch)
        elif procedure.phase == "number":
            _start_sources(core, step, service, procedure, epoch)
        else:
            _finish(core, step, service, procedure, epoch)


def fail(core: Core, step: Step, service: Service) -> None:
    """The epoch in preparation cannot be: take it back everywhere, and try another place where that may help."""
    procedure = service.procedure
    if procedure is None:
        return
    epoch = service.epochs.pop(procedure.epoch)
    core.orders.cancel(procedure.waiting)
    reason = "; ".join(f"{core.label(node)} {why}" for node, why, _ in procedure.failures)
    draining.take_back(core, step, service, epoch)
    epoch.row.state, epoch.row.reason, epoch.row.retired_at_s = EpochState.FAILED, reason, step.now_s
    step.save(epoch.row)
    draining.end_instances(step, service, epoch, reason)
    body = {"service_id": service.service_id, "name": service.row.name, "epoch": epoch.number, "reason": reason}
    step.event("service.epoch_failed", body=body)
    service.procedure = None
    may_help = procedure.cause not in ("manual", "migrate", "place") and (
        procedure.cause != "deploy" or all(is_silent for _, _, is_silent in procedure.failures)
    )
    _put_off(core, step, service, procedure)
    if may_help or procedure.is_pause:
        service.is_dirty, service.again_at_s = True, 0.0
        service.dirty_cause, service.dirty_reason = procedure.cause, reason
        service.intents |= procedure.intents
    else:
        core.settle_intents(step, procedure.intents, IntentState.DECLINED, reason)
        if service.active is None:
            core.set_state(step, service, ServiceState.FAILED, reason)
        else:
            rest(core, step, service, f"epoch {epoch.number} could not be prepared: {reason}")


def _put_off(core: Core, step: Step, service: Service, procedure: Procedure) -> None:
    """Avoid the workers that failed for a while, longer each time; who was silent, or was only to be better, for long.

    While another worker is free of this, the next epoch is begun there at once.
    """
    back_off_s = min(BACK_OFF_S * 2.0 ** min(service.failed, 16), AVOID_S)
    service.failed += 1
    service.last_failure = "; ".join(f"{core.label(node)} {why}" for node, why, _ in procedure.failures)
    is_need = procedure.cause in ("failover", "drain", "deploy")
    for node, _, is_silent in procedure.failures:
        if core.is_here(node):
            service.avoid[None, node] = step.clock_s + (back_off_s if is_need and not is_silent else AVOID_S)


def rest(core: Core, step: Step, service: Service, reason: str = "") -> None:
    """Nothing is under way: the state that its last order and its epoch come to."""
    if service.active is None:
        return
    state = ServiceState.RUNNING if service.is_running else ServiceState.READY
    if not service.is_running and service.row.wanted == "STOPPED":
        state = ServiceState.STOPPED
    core.set_state(step, service, state, reason)


def order_all(
    core: Core, step: Step, service: Service, procedure: Procedure, kind: OrderKind, nodes: list[str], **more: object
) -> None:
    """The same order to several workers; those that are not here have failed already."""
    procedure.failures = []
    for node in nodes:
        if core.is_here(node):
            procedure.waiting.add(core.order(step, kind, node, service, purpose=procedure.kind, **more))  # type: ignore[arg-type]
        else:
            procedure.failures.append((node, "is gone", True))


def _prepare(core: Core, step: Step, service: Service, procedure: Procedure) -> None:
    epoch = service.epochs[procedure.epoch]
    procedure.phase = "prepare"
    _name_starts(core, step, epoch)
    state = ServiceState.SWITCHING if service.active is not None else ServiceState.PREPARING
    core.set_state(step, service, state, epoch.why or epoch.row.reason)
    body = msgspec.json.encode(epoch.plan).decode()
    # Also whom only the old epoch has: a source that leaves has to know that it is in the new one no more.
    before = service.active.nodes if service.active is not None else []
    nodes = [*epoch.nodes, *(node for node in before if node not in epoch.nodes and core.is_here(node))]
    epoch.told |= set(nodes)
    order_all(core, step, service, procedure, OrderKind.PREPARE, nodes, epoch=epoch.number, body=body)
    advance(core, step, service)


def _name_starts(core: Core, step: Step, epoch: Epoch) -> None:
    """Say of each instance on which start of its worker it is, so that the others know what ends with that start."""
    starts = {node: core.workers[node].incarnation for node in epoch.nodes if core.is_here(node)}
    instances = tuple(
        msgspec.structs.replace(each, incarnation=starts.get(each.node_id, each.incarnation))
        for each in epoch.plan.instances
    )
    if instances != epoch.plan.instances:
        epoch.plan = msgspec.structs.replace(epoch.plan, instances=instances)
        epoch.row.plan = msgspec.json.encode(epoch.plan).decode()
        step.save(epoch.row)


def _short_of_memory(core: Core, service: Service, epoch: Epoch) -> list[str]:
    """Workers on which what is new does not fit beside what it replaces."""
    active = service.active
    if active is None:
        return []
    kept = {each.physical_id for each in active.plan.instances}
    stays = {each.physical_id for each in epoch.plan.instances}
    short = []
    for node in epoch.nodes:
        new = sum(each.memory_bytes for each in epoch.on(node) if each.physical_id not in kept)
        leaves = any(each.physical_id not in stays and each.memory_bytes > 0 for each in active.on(node))
        if leaves and core.is_here(node) and new > core.workers[node].free_bytes:
            short.append(node)
    return short


def _pause(core: Core, step: Step, service: Service, procedure: Procedure, short: list[str]) -> None:
    """Stop everything first: on some workers old and new do not fit together."""
    active = service.active
    procedure.phase = "pause"
    names = ", ".join(map(core.label, short))
    core.set_state(step, service, ServiceState.SWITCHING, f"paused: {names} has no memory for old and new together")
    order_all(core, step, service, procedure, OrderKind.STOP, active.nodes if active else [])
    advance(core, step, service)


def _after_pause(core: Core, step: Step, service: Service, procedure: Procedure) -> None:
    """After the stop the old instances end where memory is short; what would have stayed there begins anew."""
    active, epoch = service.active, service.epochs[procedure.epoch]
    service.is_running = False
    if procedure.phase == "clear" or active is None:
        _prepare(core, step, service, procedure)
        return
    procedure.phase = "clear"
    short = _short_of_memory(core, service, epoch)
    gone = {each.physical_id for node in short for each in active.on(node)}
    instances = tuple(
        msgspec.structs.replace(each, physical_id=core.new_id()) if each.physical_id in gone else each
        for each in epoch.plan.instances
    )
    for before, after in zip(epoch.plan.instances, instances, strict=True):
        if before is not after:
            row = msgspec.structs.replace(
                service.instances[before.physical_id],
                physical_id=after.physical_id,
                first_epoch=epoch.number,
                state="PREPARING",
                started_at_s=None,
                ended_at_s=None,
            )
            service.instances[after.physical_id] = row
            step.save(row)
    epoch.plan = msgspec.structs.replace(epoch.plan, instances=instances)
    epoch.row.plan = msgspec.json.encode(epoch.plan).decode()
    step.save(epoch.row)
    for physical_id in gone:
        draining.end_instance(step, service, physical_id, "ended to make room")
    order_all(core, step, service, procedure, OrderKind.DELETE, short, epoch=active.number)


def _start(core: Core, step: Step, service: Service, procedure: Procedure, epoch: Epoch) -> None:
    """Prepared everywhere: let work what is no new source, if the service is to run."""
    procedure.phase = "start"
    if service.row.wanted != "RUNNING":
        _finish(core, step, service, procedure, epoch)
        return
    later = _nodes_of_new_sources(core, service, epoch)
    nodes = [node for node in epoch.nodes if node not in later]
    order_all(core, step, service, procedure, OrderKind.START, nodes, epoch=epoch.number)


def _nodes_of_new_sources(core: Core, service: Service, epoch: Epoch) -> list[str]:
    running = {each.physical_id for each in service.active.plan.instances} if service.active else set()
    if not service.is_running:
        running = set()
    new = sources_of(epoch) - running
    return [node for node in epoch.nodes if any(each.physical_id in new for each in epoch.on(node))]


def _switch(core: Core, step: Step, service: Service, procedure: Procedure, epoch: Epoch) -> None:
    """Tell the workers of the sources that work to send by the new epoch from one sequence on."""
    procedure.phase = "switch"
    active = service.active
    if active is None or not service.is_running:
        return
    sources = sources_of(active)
    nodes = [node for node in active.nodes if any(each.physical_id in sources for each in active.on(node))]
    nodes = [node for node in nodes if core.is_here(node)]
    at_sequence = -1
    paces = [service.sources[each.logical_id] for each in active.plan.instances if each.logical_id in service.sources]
    if len(sources) > 1 and paces:
        # Joined by sequence, items of several sources have to belong to one epoch.
        at_sequence = max(pace.ahead(step.clock_s - pace.at_s + AHEAD_S) for pace in paces)
    order_all(
        core,
        step,
        service,
        procedure,
        OrderKind.SWITCH_EPOCH,
        nodes,
        epoch=epoch.number,
        at_sequence=at_sequence,
    )


def _number(core: Core, step: Step, service: Service, procedure: Procedure, epoch: Epoch) -> None:
    """Tell the workers of new sources at which sequence those before them have ended."""
    procedure.phase = "number"
    if procedure.at_sequence < 0:
        return
    switched = procedure.at_sequence
    nodes = _nodes_of_new_sources(core, service, epoch)
    order_all(core, step, service, procedure, OrderKind.SWITCH_EPOCH, nodes, epoch=epoch.number, at_sequence=switched)


def _start_sources(core: Core, step: Step, service: Service, procedure: Procedure, epoch: Epoch) -> None:
    """The sources that are new go on where the ones before them ended."""
    procedure.phase = "start_sources"
    nodes = _nodes_of_new_sources(core, service, epoch)
    order_all(
        core,
        step,
        service,
        procedure,
        OrderKind.START,
        nodes,
        epoch=epoch.number,
        at_sequence=procedure.at_sequence,
    )


def _finish(core: Core, step: Step, service: Service, procedure: Procedure, epoch: Epoch) -> None:
    """The new epoch works; the old one drains."""
    before, was_running = service.active, service.is_running
    failures = procedure.failures
    service.procedure = None
    epoch.row.state, epoch.row.active_at_s = EpochState.ACTIVE, step.now_s
    step.save(epoch.row)
    service.row.epoch = epoch.number
    if procedure.phase == "start_sources":
        service.is_running = True
    service.moved_at_s = service.looked_at_s = step.clock_s
    service.missing.clear()
    service.rest.clear()
    service.failed, service.last_failure = 0, ""
    if before is not None:
        draining.begin(core, step, service, before, procedure.at_sequence, at_once=not was_running)
    core.settle_intents(step, procedure.intents, IntentState.DONE, f"epoch {epoch.number} works")
    rest(core, step, service)
    for node, why, _ in failures:
        if any(key_of(each) for each in epoch.on(node)):
            service.is_dirty, service.again_at_s = True, 0.0
            service.dirty_cause, service.dirty_reason = "failover", f"{core.label(node)} {why}"
            service.last_failure = service.dirty_reason
            if core.is_here(node):
                service.avoid[None, node] = step.clock_s + AVOID_S
