"""Places a service anew: asks the planner, makes the plan of the next epoch, and begins to prepare it."""

from __future__ import annotations

import msgspec

from hedgerow_idl.serve import OrderKind
from hedgerow_orchestrator.effects import Step
from hedgerow_orchestrator.serving import swapping
from hedgerow_orchestrator.serving.core import Core
from hedgerow_orchestrator.serving.figures import network_key
from hedgerow_orchestrator.serving.parts import PARTITION, Key, boundaries_of
from hedgerow_orchestrator.serving.plan_build import build, key_of
from hedgerow_orchestrator.serving.proposal import NoPlace, Proposal, Request
from hedgerow_orchestrator.serving.service import Epoch, Procedure, Service
from hedgerow_orchestrator.serving_states import EpochState, IntentState, ServiceState
from hedgerow_orchestrator.store.serving_changes import InstanceRow, ServiceEpochRow

RETRY_S = 5.0
"""After which time a service without a place is looked at again, if nothing changed before."""

JUMP = 10_000
"""By so much a source that is begun elsewhere counts on from what its lost one had last told: more than any sends in
the second between two of its statuses."""

KEEPING = ("failover", "drain", "migrate", "manual")
"""Causes by which what is well stays where it is."""


def want(service: Service, cause: str, reason: str) -> None:
    """Have a service placed anew as soon as nothing else is being done with it; a failure counts more than a wish."""
    if not service.is_dirty or cause == "failover":
        service.dirty_cause, service.dirty_reason = cause, reason
    service.is_dirty, service.again_at_s = True, 0.0


def is_usable(core: Core, service: Service, node_id: str, physical_id: str) -> bool:
    """The process of an instance is there, as far as is known."""
    row = service.instances.get(physical_id)
    return core.is_here(node_id) and row is not None and row.ended_at_s is None and row.state != "FAILED"


def deployed_boundaries(service: Service) -> dict[str, tuple[int, ...]]:
    """Of each network the boundaries that work now."""
    if service.active is None:
        return {}
    parts = {each.name: each.parameters for each in service.active.plan.instances if each.handler == PARTITION}
    found = {network.name: boundaries_of(parts, network.name) for network in service.blueprint.networks}
    return {name: bounds for name, bounds in found.items() if bounds}


def request_for(core: Core, service: Service, cause: str, clock_s: float) -> Request:
    """What the planner is asked, by the cause."""
    active = service.active
    stay: set[Key] = set()
    held: dict[str, float] = {}
    boundaries: dict[str, tuple[int, ...]] = {}
    for each in active.plan.instances if active else ():
        held[each.node_id] = held.get(each.node_id, 0.0) + each.memory_bytes
        worker = core.workers.get(each.node_id)
        is_well = is_usable(core, service, each.node_id, each.physical_id)
        if cause in KEEPING and is_well and worker is not None and not worker.is_draining:
            stay.add(key_of(each))
    for name, bounds in deployed_boundaries(service).items():
        keys = [(f"{name}/{at}", 0) for at in range(len(bounds) - 1)]
        moved = {key for key in keys if key in service.moves}
        if cause in KEEPING and all(key in stay or key in moved for key in keys):
            boundaries[name] = bounds
        elif moved:
            boundaries[name] = bounds
    service.avoid = {pair: until for pair, until in service.avoid.items() if until > clock_s}
    return Request(
        current=service.current,
        stay=frozenset(stay - set(service.moves)),
        moves=dict(service.moves),
        boundaries={**boundaries, **service.boundaries},
        avoid=frozenset(service.avoid),
        held=held,
        seed=service.last_epoch,
        turn=service.turn,
    )


def place(core: Core, step: Step, service: Service) -> bool:
    """Find the next placement and begin it; False if nothing was begun, and the reason is in the service's row."""
    cause, reason = service.dirty_cause, service.dirty_reason
    if _profile_first(core, step, service):
        return True
    workers = list(core.workers.values())
    request = request_for(core, service, cause, step.clock_s)
    try:
        try:
            proposal = core.propose(service.blueprint, workers, core.figures, request)
        except NoPlace:
            # What stays may be what stands in the way.
            if not request.stay or service.moves:
                raise
            free = without_stays(request)
            proposal = core.propose(service.blueprint, workers, core.figures, free)
    except NoPlace as error:
        _no_place(core, step, service, cause, str(error))
        return False
    return apply(core, step, service, proposal, cause, reason)


def without_stays(request: Request) -> Request:
    """The same request with nothing that has to stay."""
    return Request(
        current=request.current,
        avoid=request.avoid,
        held=request.held,
        seed=request.seed,
        turn=request.turn,
    )


def _first_sequences(service: Service) -> dict[str, int]:
    """By logical id, from where a source that is begun anew counts on: beyond all that was ever sent in its place."""
    firsts = {name: pace.last_sequence + JUMP for name, pace in service.sources.items() if pace.last_sequence >= 0}
    active = service.active
    if active is not None and service.is_running:
        sources = swapping.sources_of(active)
        for each in active.plan.instances:
            if each.physical_id in sources:  # it may be lost before it has told how far it is
                firsts[each.logical_id] = max(firsts.get(each.logical_id, 0), each.first_sequence + JUMP)
    return firsts


def apply(core: Core, step: Step, service: Service, proposal: Proposal, cause: str, reason: str) -> bool:
    """Make the plan of a proposal the next epoch and begin to prepare it; False if it changes nothing."""
    active = service.active
    usable = {
        each.physical_id
        for each in (active.plan.instances if active else ())
        if is_usable(core, service, each.node_id, each.physical_id)
    }
    plan = build(
        proposal,
        service_id=service.service_id,
        service_name=service.row.name,
        epoch=service.last_epoch + 1,
        trace=service.blueprint.trace,
        logical_ids=service.logical_ids,
        before=active.plan if active else None,
        usable=usable,
        first_sequences=_first_sequences(service),
        lost={each.physical_id for _, each in service.placed()} & service.lost.keys(),
        new_id=core.new_id,
    )
    service.is_dirty, service.moves, service.boundaries, service.turn = False, {}, {}, proposal.turn
    intents, service.intents = service.intents, set()
    if active is not None and (plan.instances, plan.links) == (active.plan.instances, active.plan.links):
        core.settle_intents(step, intents, IntentState.DONE, "it is so already")
        swapping.rest(core, step, service)
        return False
    service.last_epoch += 1
    predicted = msgspec.json.encode(proposal.predicted).decode()
    row = ServiceEpochRow(
        service_id=service.service_id,
        epoch=plan.epoch,
        state=EpochState.PREPARING,
        cause=cause,
        reason=f"{reason}; {proposal.explanation}" if reason else proposal.explanation,
        plan=msgspec.json.encode(plan).decode(),
        predicted=predicted,
        gap_s=proposal.gap,
        created_at_s=step.now_s,
        active_at_s=None,
        retired_at_s=None,
    )
    epoch = service.epochs[plan.epoch] = Epoch(row, plan, reason)
    step.save(row)
    kept = {each.physical_id for each in active.plan.instances} if active else set()
    for each in plan.instances:
        if each.physical_id not in kept:
            instance = service.instances[each.physical_id] = InstanceRow(
                physical_id=each.physical_id,
                service_id=service.service_id,
                logical_id=each.logical_id,
                name=each.name,
                handler=each.handler,
                node_id=each.node_id,
                first_epoch=plan.epoch,
                state="PREPARING",
                reason="",
                restarts=0,
                exit_code=None,
                started_at_s=None,
                ended_at_s=None,
            )
            step.save(instance)
    places = {f"{each.name}#{each.replica}": core.label(each.node_id) for each in plan.instances}
    body = {"service_id": service.service_id, "name": service.row.name, "epoch": plan.epoch, "cause": cause}
    step.event("service.placed", body={**body, "reason": reason, "places": places, "words": proposal.words[:3]})
    swapping.begin(core, step, service, epoch, cause, intents)
    return True


def _no_place(core: Core, step: Step, service: Service, cause: str, reason: str) -> None:
    # At the latest when a worker that failed is tried again, which is sooner at first and later then.
    service.again_at_s = min([step.clock_s + RETRY_S, *service.avoid.values()])
    if service.last_failure:
        reason = f"{service.last_failure}; {reason}"
    if cause in ("migrate", "manual"):
        # A wish of a person that cannot be fulfilled is declined; what runs goes on.
        core.settle_intents(step, service.intents, IntentState.DECLINED, reason)
        service.is_dirty, service.moves, service.boundaries, service.intents = False, {}, {}, set()
        return
    core.settle_intents(step, service.intents, IntentState.ACCEPTED, reason)
    if cause in ("drain", "drift") and service.active is not None:
        if cause == "drift":
            service.is_dirty = False
        swapping.rest(core, step, service, reason)
        return
    core.set_state(step, service, ServiceState.DEGRADED, reason)


def _profile_first(core: Core, step: Step, service: Service) -> bool:
    """Ask the workers for the profiles of networks that none has profiled; True while that is under way."""
    waiting = set()
    for network in service.blueprint.networks:
        if core.figures.profiles.get(network_key(network)):
            continue
        for worker in core.workers.values():
            if worker.takes_new and PARTITION in worker.catalogue:
                body = {
                    "model": network.model,
                    "sha256": network.sha256,
                    "iterations": network.profile_iterations,
                }
                text = msgspec.json.encode(body).decode()
                purpose = f"profile {network.name}"
                waiting.add(core.order(step, OrderKind.PROFILE, worker.node_id, service, body=text, purpose=purpose))
    if waiting:
        service.procedure = Procedure("profile", "profile", waiting=waiting)
        core.set_state(step, service, ServiceState.PREPARING, f"{len(waiting)} workers profile its networks")
    return bool(waiting)
