"""Letting sources send by another epoch from a sequence on."""

from __future__ import annotations

import time
from dataclasses import dataclass

from hedgerow_idl.serve import InstanceState, OrderCode
from hedgerow_nodes.serve.frames import Head
from hedgerow_nodes.serve.losses import Losses
from hedgerow_nodes.serve.member import REQUEST, Member
from hedgerow_nodes.serve.nursery import Nursery
from hedgerow_nodes.serve.world import Result, World

SWITCH_PATIENCE_S = 10.0
"""A source that does not answer for so long is not switched."""


@dataclass(slots=True)
class _Switching:
    service_id: str
    epoch: int
    missing: set[str]
    at: int = -1


class Switching:
    """Switches the sources of a host.

    Args:
        world: what the host holds.
        nursery: knows which handlers are sources.
        losses: what the new epoch does not wait for any more is lost once all sources send by it.
    """

    def __init__(self, world: World, nursery: Nursery, losses: Losses) -> None:
        self._world, self._nursery, self._losses = world, nursery, losses
        self._under_way: dict[str, _Switching] = {}

    def switch(self, service_id: str, epoch: int, at_sequence: int, command_id: str) -> None:
        """Let the sources here send by another epoch from a sequence on."""
        if self._world.router(service_id, epoch) is None:
            reason = f"epoch {epoch} of service {service_id} is not known here; prepare it first"
            self._world.answer(Result(command_id, OrderCode.REFUSED, reason))
            return
        self._world.services[service_id].begin(epoch)
        switching = self._under_way[command_id] = _Switching(service_id, epoch, set(), at_sequence)
        for member in self._world.of_service(service_id):
            if not self._nursery.is_source(member):
                continue
            if member.state == InstanceState.READY and epoch in member.epochs and at_sequence >= 0:
                # It has not begun: it takes over from a source elsewhere, where that one leaves off.
                member.next_sequence = at_sequence
                self._world.tell(member, {"do": "number", "at": at_sequence})
            if member.epoch == epoch or not member.takes_items:
                continue
            leave = epoch not in member.epochs
            if member.placed.handler == REQUEST:
                at = max(at_sequence, member.next_sequence)
                member.at_switch = (at, epoch)
                switching.at = max(switching.at, at)
            else:
                head: Head = {"at": at_sequence, "epoch": epoch, "leave": leave, "command": command_id}
                switching.missing.add(member.placed.physical_id)
                self._world.tell(member, {"do": "switch", **head})
        self._world.at(time.monotonic() + SWITCH_PATIENCE_S, lambda: self._give_up_switch(command_id))
        self._end_switch(command_id)

    def switched(self, member: Member, head: Head) -> None:
        """A source tells where it switches."""
        member.epoch = head["epoch"] if head["epoch"] in member.epochs else member.epoch
        switching = self._under_way.get(head["command"])
        if switching is not None:
            switching.at = max(switching.at, head["at"])
            switching.missing.discard(member.placed.physical_id)
            self._end_switch(head["command"])

    def _end_switch(self, command_id: str) -> None:
        switching = self._under_way.get(command_id)
        if switching is not None and not switching.missing:
            del self._under_way[command_id]
            self._follow(switching)
            self._world.answer(Result(command_id, at_sequence=switching.at))

    def _give_up_switch(self, command_id: str) -> None:
        switching = self._under_way.pop(command_id, None)
        if switching is not None:
            self._follow(switching)
            members = [
                self._world.members[each].placed.name for each in switching.missing if each in self._world.members
            ]
            reason = f"sources that did not answer within {SWITCH_PATIENCE_S:g} s: {', '.join(members) or 'gone'}"
            self._world.answer(Result(command_id, OrderCode.NOT_DONE, reason, at_sequence=switching.at))

    def _follow(self, switching: _Switching) -> None:
        self._world.follow(switching.service_id, switching.epoch)
        self._losses.look()
