"""From a proposal to the plan of an epoch: logical ids that stay, physical ids that are kept where nothing changed."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping

from hedgerow_idl.plan import Link, PlacedInstance, Plan
from hedgerow_orchestrator.serving.parts import Key
from hedgerow_orchestrator.serving.proposal import Proposal


def key_of(instance: PlacedInstance) -> Key:
    """What an instance is called in the blueprint."""
    return instance.name, instance.replica


def build(
    proposal: Proposal,
    *,
    service_id: str,
    service_name: str,
    epoch: int,
    trace: bool,
    logical_ids: dict[Key, str],
    before: Plan | None,
    usable: Container[str],
    first_sequences: Mapping[str, int],
    new_id: Callable[[], str],
    lost: Iterable[str] = (),
) -> Plan:
    """The plan. `logical_ids` gets an entry for every instance that is new.

    Args:
        before: the plan that works now; an instance keeps its physical id if worker, handler and parameters are those
            of before and its physical id is in `usable`, that is, its process is there.
        first_sequences: by logical id, what a source that begins anew counts from.
        lost: physical ids of epochs that workers may know that were given up with their workers.
    """
    known = {each.logical_id: each for each in before.instances} if before is not None else {}
    instances = []
    for part in proposal.parts:
        logical_id = logical_ids.setdefault(part.key, new_id())
        made = PlacedInstance(
            logical_id=logical_id,
            physical_id="",
            name=part.name,
            handler=proposal.handlers[part.key],
            node_id=proposal.nodes[part.key],
            replica=part.replica,
            provider_id=proposal.providers[part.key],
            parameters=proposal.parameters[part.key],
            restart=part.restart,
            memory_bytes=part.requires.memory_bytes,
            first_sequence=first_sequences.get(logical_id, 0),
        )
        instances.append(_with_id(made, known.get(logical_id), usable, new_id))
    links = tuple(
        Link(
            sender=logical_ids[wire.sender],
            output=wire.output,
            receiver=logical_ids[wire.receiver],
            input=wire.input,
            mode=wire.wish.mode,
            weight=wire.wish.weight,
            capacity=wire.wish.capacity,
            delay_s=wire.wish.delay_s,
        )
        for wire in proposal.wires
    )
    return Plan(
        service_id=service_id,
        service_name=service_name,
        epoch=epoch,
        instances=tuple(instances),
        links=links,
        trace=trace,
        predicted=proposal.predicted,
        lost=tuple(sorted(set(lost) - {each.physical_id for each in instances})),
    )


def _with_id(
    made: PlacedInstance, before: PlacedInstance | None, usable: Container[str], new_id: Callable[[], str]
) -> PlacedInstance:
    fields = {name: getattr(made, name) for name in made.__struct_fields__}
    if before is not None and before.physical_id in usable:
        kept = {**fields, "physical_id": before.physical_id, "first_sequence": before.first_sequence}
        kept["incarnation"] = before.incarnation
        if PlacedInstance(**kept) == before:
            return before
    return PlacedInstance(**{**fields, "physical_id": new_id()})
