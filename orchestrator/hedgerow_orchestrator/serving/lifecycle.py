"""Start, stop and delete of services, and what is to be done next with one: wishes against what is so."""

from __future__ import annotations

from hedgerow_idl.serve import OrderCode, OrderKind, ServiceAnswer
from hedgerow_orchestrator.effects import Step
from hedgerow_orchestrator.serving import draining, link_measuring, placing, swapping
from hedgerow_orchestrator.serving.core import Core
from hedgerow_orchestrator.serving.figures import network_key, read_profile
from hedgerow_orchestrator.serving.link_measuring import Job
from hedgerow_orchestrator.serving.orders import Open
from hedgerow_orchestrator.serving.service import Procedure, Service
from hedgerow_orchestrator.serving_states import EpochState, IntentState, ServiceState

AT_REST = (ServiceState.FAILED, ServiceState.ENDED)
"""Nothing is done with such a service before a person wants something."""


def reconcile(core: Core, step: Step, service: Service) -> None:
    """Begin what is to be done next with a service, if nothing is being done with it."""
    row = service.row
    if service.is_over:
        return
    if row.wanted == "DELETED":
        if service.procedure is None or service.procedure.kind != "delete":
            _begin_delete(core, step, service)
        return
    if service.procedure is not None or row.state in AT_REST or _waits_for_workers(core, service):
        return
    if service.resume:
        _resume(core, step, service)
        return
    if service.is_dirty and step.clock_s >= service.again_at_s:
        if _measure_first(core, step, service) or placing.place(core, step, service):
            return
    if service.active is None:
        return
    if row.wanted == "RUNNING" and not service.is_running:
        if service.is_dirty and service.dirty_cause == "failover":
            # Its workers would refuse again, and be avoided for longer each time; it starts where it is placed anew.
            return
        gone = [core.label(node) for node in service.active.nodes if not core.is_here(node)]
        if not gone:
            _begin(core, step, service, "start")
        elif not service.is_dirty:
            # What cannot be started is placed anew at the next tick.
            placing.want(service, "failover", f"worker {gone[0]} is not here")
    elif row.wanted != "RUNNING" and service.is_running:
        _begin(core, step, service, "stop")
    elif row.wanted == "STOPPED" and row.state == ServiceState.READY:
        swapping.rest(core, step, service)


def _waits_for_workers(core: Core, service: Service) -> bool:
    """After a start of the orchestrator its workers are given a moment to tell that they are here."""
    return bool(core.unseen) and not core.unseen.isdisjoint(service.nodes())


def _resume(core: Core, step: Step, service: Service) -> None:
    """Go on with an epoch that was being prepared when the orchestrator ended: what is prepared says so at once."""
    epoch = service.epochs[service.resume]
    service.resume = 0
    active = service.active
    if active is not None:
        told = [core.workers[node].status.instances for node in active.nodes if core.is_here(node)]
        sources = swapping.sources_of(active)
        running = {each.physical_id for many in told for each in many if each.state.name == "RUNNING"}
        service.is_running = bool(running & sources)
    swapping.begin(core, step, service, epoch, epoch.row.cause, set())


def settle(core: Core, step: Step, one: Open, answer: ServiceAnswer, *, is_silent: bool = False) -> None:
    """An order is answered, or given up with `is_silent`."""
    if one.purpose == "infer":
        core.told.append((one, answer))
        return
    if one.order.kind is OrderKind.MEASURE:
        _measured(core, step, one, answer)
        return
    service = core.services.get(one.order.service_id)
    if service is None:
        return
    for drain in list(service.drains.values()):
        if answer.command_id in drain.waiting:
            drain.waiting.discard(answer.command_id)
            draining.finish(core, step, service, drain)
            return
    procedure = service.procedure
    if procedure is None or answer.command_id not in procedure.waiting:
        return
    procedure.waiting.discard(answer.command_id)
    reason = answer.reason
    if answer.code is OrderCode.DONE and answer.kind is OrderKind.SWITCH_EPOCH:
        procedure.at_sequence = max(procedure.at_sequence, answer.at_sequence)
    if answer.code is OrderCode.DONE and procedure.kind == "profile":
        reason = _take_profile(core, service, one, answer)
    if answer.code is not OrderCode.DONE or (procedure.kind == "profile" and reason):
        procedure.failures.append((answer.node_id, reason or "did not say why", is_silent))
    if not procedure.waiting:
        advance(core, step, service, procedure)


def measure(core: Core, step: Step, jobs: list[Job]) -> None:
    """Have links measured when those before are through."""
    core.measuring.waiting += jobs
    _measure_next(core, step)


def _measure_next(core: Core, step: Step) -> None:
    failed = core.measuring.begin_next(core.workers, core.orders, step.clock_s, step.now_s)
    if failed is not None:
        settle(core, step, *failed, is_silent=True)


def _measured(core: Core, step: Step, one: Open, answer: ServiceAnswer) -> None:
    if answer.command_id == core.measuring.current:
        core.measuring.current = ""
    worker = core.workers.get(answer.node_id)
    if worker is not None and worker.is_here:
        link_measuring.note(worker, link_measuring.links_of(answer))
    if not one.order.service_id:
        core.told.append((one, answer))
    _measure_next(core, step)
    service = core.services.get(one.order.service_id)
    procedure = None if service is None else service.procedure
    if service is None or procedure is None or one.purpose not in procedure.waiting:
        return
    procedure.waiting.discard(one.purpose)
    if not procedure.waiting:
        service.procedure = None
        reconcile(core, step, service)


def _measure_first(core: Core, step: Step, service: Service) -> bool:
    """Before a network is cut for the first time, measure the links that never were; True while that is under way."""
    networks = service.blueprint.networks
    if service.dirty_cause != "deploy" or not all(core.figures.profiles.get(network_key(one)) for one in networks):
        return False
    jobs = [
        link_measuring.Job(sender.node_id, receivers, core.new_id(), service.service_id, link_measuring.FIRST_S)
        for sender, receivers in core.measuring.unmeasured(service.blueprint, core.workers.values())
    ]
    if not jobs:
        return False
    service.procedure = Procedure("measure", "measure", waiting={job.purpose for job in jobs})
    links = sum(len(job.receivers) for job in jobs)
    core.set_state(step, service, ServiceState.PREPARING, f"{links} links are measured that never were")
    measure(core, step, jobs)
    return True


def advance(core: Core, step: Step, service: Service, procedure: Procedure) -> None:
    """All orders of a step are answered."""
    if procedure.kind == "swap":
        swapping.advance(core, step, service)
    elif procedure.kind == "profile":
        _profiled(core, step, service, procedure)
    elif procedure.kind == "delete":
        _deleted(core, step, service)
    elif procedure.kind == "stop":
        service.procedure, service.is_running = None, False
        swapping.rest(core, step, service)
    else:
        _started(core, step, service, procedure)
    reconcile(core, step, service)


def _begin(core: Core, step: Step, service: Service, kind: str) -> None:
    epoch = service.active
    if epoch is None:
        return
    procedure = service.procedure = Procedure(kind, kind, epoch.number)
    if kind == "stop":
        swapping.order_all(core, step, service, procedure, OrderKind.STOP, epoch.nodes)
    else:
        sources = swapping.sources_of(epoch)
        nodes = [node for node in epoch.nodes if not any(each.physical_id in sources for each in epoch.on(node))]
        swapping.order_all(core, step, service, procedure, OrderKind.START, nodes, epoch=epoch.number)
    if not procedure.waiting:
        advance(core, step, service, procedure)


def _started(core: Core, step: Step, service: Service, procedure: Procedure) -> None:
    epoch = service.active
    if procedure.failures or epoch is None:
        node, reason, is_silent = procedure.failures[0] if procedure.failures else ("", "no epoch works", True)
        service.procedure = None
        placing.want(service, "failover", f"{core.label(node)} {reason}")
        if core.is_here(node):
            service.avoid[None, node] = step.clock_s + swapping.AVOID_S
        if not is_silent:
            service.again_at_s = step.clock_s + placing.RETRY_S
        core.set_state(step, service, ServiceState.DEGRADED, f"{core.label(node)} {reason}")
        return
    if procedure.phase == "start":
        procedure.phase = "start_sources"
        sources = swapping.sources_of(epoch)
        nodes = [node for node in epoch.nodes if any(each.physical_id in sources for each in epoch.on(node))]
        swapping.order_all(core, step, service, procedure, OrderKind.START, nodes, epoch=epoch.number)
        if procedure.waiting or procedure.failures:
            if not procedure.waiting:
                _started(core, step, service, procedure)
            return
    service.procedure, service.is_running = None, True
    swapping.rest(core, step, service)


def _begin_delete(core: Core, step: Step, service: Service) -> None:
    if service.procedure is not None:
        core.orders.cancel(service.procedure.waiting)
        core.settle_intents(step, service.procedure.intents, IntentState.DECLINED, "the service is being deleted")
    core.settle_intents(step, service.intents, IntentState.DECLINED, "the service is being deleted")
    for drain in service.drains.values():
        core.orders.cancel(drain.waiting)
    service.drains.clear()  # what drains is deleted with all else; nobody answers what was taken back
    procedure = service.procedure = Procedure("delete", "delete")
    nodes = [node for node in service.nodes() if core.is_here(node)]
    swapping.order_all(core, step, service, procedure, OrderKind.DELETE, nodes)
    if not procedure.waiting:
        advance(core, step, service, procedure)


def _deleted(core: Core, step: Step, service: Service) -> None:
    service.procedure, service.is_running = None, False
    for number in list(service.epochs):
        epoch = service.epochs.pop(number)
        epoch.row.state, epoch.row.retired_at_s = EpochState.RETIRED, step.now_s
        step.save(epoch.row)
        draining.end_instances(step, service, epoch, "")
    core.set_state(step, service, ServiceState.DELETED)
    del core.services[service.service_id]
    core.changed()


def _take_profile(core: Core, service: Service, one: Open, answer: ServiceAnswer) -> str:
    """Keep what a worker measured; why it cannot be used, or an empty text."""
    network = service.blueprint.network(one.purpose.removeprefix("profile "))
    if network is None:
        return ""
    try:
        profile = read_profile(answer.body)
    except ValueError as error:
        return str(error)
    by_node = core.figures.profiles.setdefault(network_key(network), {})
    other = next(iter(by_node.values()), None)
    if other is not None and (other.digest, other.count) != (profile.digest, profile.count):
        return f"has another model under the same name (digest {profile.digest}, others have {other.digest})"
    by_node[answer.node_id] = profile
    return ""


def _profiled(core: Core, step: Step, service: Service, procedure: Procedure) -> None:
    service.procedure = None
    missing = [
        network.name for network in service.blueprint.networks if not core.figures.profiles.get(network_key(network))
    ]
    if missing:
        told = "; ".join(f"{core.label(node)} {reason}" for node, reason, _ in procedure.failures)
        core.set_state(step, service, ServiceState.FAILED, f"network {missing[0]!r} could not be profiled: {told}")
