"""What a host does when it is told to: prepare, start, switch, stop, delete, and put an input in."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from hedgerow_idl.plan import Plan
from hedgerow_idl.serve import InstanceState, OrderCode
from hedgerow_nodes.serve.frames import Head
from hedgerow_nodes.serve.member import REQUEST, Member, Result, Service, World
from hedgerow_nodes.serve.nursery import Nursery
from hedgerow_nodes.serve.router import Router
from hedgerow_nodes.serve.traffic import Traffic
from hedgerow_nodes.serve.value_json import from_json
from hedgerow_nodes.serve.values import BadValue, encode

SWITCH_PATIENCE_S = 10.0
INFER_TIMEOUT_S = 30.0
MOST_ASKED = 1024
"""Requests that may wait for their answers."""


@dataclass(slots=True)
class _Preparing:
    command_ids: list[str]
    missing: set[str]


@dataclass(slots=True)
class _Switching:
    missing: set[str]
    at: int = -1


@dataclass(slots=True)
class Orders:
    """Orders under way."""

    world: World
    traffic: Traffic
    nursery: Nursery
    preparing: dict[tuple[str, int], _Preparing] = field(default_factory=dict)
    switching: dict[str, _Switching] = field(default_factory=dict)
    deleting: dict[str, set[str]] = field(default_factory=dict)

    def is_known(self, command_id: str) -> bool:
        """Whether an order was taken before; if it is answered, the answer is given again."""
        if command_id in self.world.pending:
            return True
        if command_id in self.world.answered:
            self.world.results.append(self.world.answered[command_id])
            self.world.has_changed = True
            return True
        self.world.pending.add(command_id)
        return False

    def prepare(self, plan: Plan, node_id: str, command_id: str) -> None:
        """Begin what a plan places here and does not run yet."""
        world, key = self.world, (plan.service_id, plan.epoch)
        world.node_id = node_id
        service = world.services.setdefault(plan.service_id, Service(plan.service_name))
        service.routers[plan.epoch] = Router(plan)
        missing: set[str] = set()
        for placed in plan.instances:
            if placed.node_id != node_id:
                continue
            member = world.members.get(placed.physical_id)
            if member is None:
                member = Member(plan.service_id, placed, {plan.epoch}, plan.epoch)
                member.next_sequence = placed.first_sequence
                world.members[placed.physical_id] = member
                self.nursery.begin(member)
            else:
                member.epochs.add(plan.epoch)
                self.nursery.describe(member)
            if member.state == InstanceState.PREPARING and not member.was_ready:
                missing.add(placed.physical_id)
        if not missing:
            world.answer(Result(command_id))
        elif key in self.preparing:
            self.preparing[key].command_ids.append(command_id)
            self.preparing[key].missing |= missing
        else:
            self.preparing[key] = _Preparing([command_id], missing)

    def member_ready(self, member: Member) -> None:
        """One of those that a PREPARE waits for is ready."""
        self.world.has_changed = True
        for key, preparing in list(self.preparing.items()):
            preparing.missing.discard(member.placed.physical_id)
            if not preparing.missing:
                del self.preparing[key]
                for command_id in preparing.command_ids:
                    self.world.answer(Result(command_id))

    def member_failed(self, member: Member) -> None:
        """One of those could not be made: the others of its epoch are taken back."""
        for key, preparing in list(self.preparing.items()):
            if member.placed.physical_id in preparing.missing:
                del self.preparing[key]
                for command_id in preparing.command_ids:
                    reason = f"{member.placed.name}: {member.reason}"
                    self.world.answer(Result(command_id, OrderCode.NOT_DONE, reason))
                self._forget(*key)

    def member_gone(self, member: Member) -> None:
        """One that was to be deleted has ended."""
        for command_id, missing in list(self.deleting.items()):
            missing.discard(member.placed.physical_id)
            if not missing:
                del self.deleting[command_id]
                self.world.answer(Result(command_id))

    def start(self, service_id: str, epoch: int, command_id: str) -> None:
        """Let the instances of an epoch work."""
        if self.world.router(service_id, epoch) is None:
            self._refuse(command_id, f"epoch {epoch} of service {service_id} is not known here; prepare it first")
            return
        for member in self.world.of_service(service_id):
            if epoch in member.epochs:
                self.nursery.run(member, True)
        self.world.answer(Result(command_id))

    def stop(self, service_id: str, command_id: str) -> None:
        """Hold the sources of a service; what is under way is worked off."""
        if service_id not in self.world.services:
            self._refuse(command_id, f"service {service_id} is not known here")
            return
        for member in self.world.of_service(service_id):
            self.nursery.run(member, False)
        self.world.answer(Result(command_id))

    def delete(self, service_id: str, epoch: int, command_id: str) -> None:
        """End the instances that no other epoch has."""
        missing = self._forget(service_id, epoch)
        if missing:
            self.deleting[command_id] = missing
        else:
            self.world.answer(Result(command_id))

    def switch(self, service_id: str, epoch: int, at_sequence: int, command_id: str) -> None:
        """Let the sources here send by another epoch from a sequence on."""
        router = self.world.router(service_id, epoch)
        if router is None:
            self._refuse(command_id, f"epoch {epoch} of service {service_id} is not known here; prepare it first")
            return
        switching = self.switching[command_id] = _Switching(set(), at_sequence)
        for member in self.world.of_service(service_id):
            if not self._is_source(member, router) or member.epoch == epoch or not member.takes_items:
                continue
            leave = epoch not in member.epochs
            if member.placed.handler == REQUEST:
                at = max(at_sequence, member.next_sequence)
                member.at_switch = (at, epoch)
                switching.at = max(switching.at, at)
            else:
                head: Head = {"at": at_sequence, "epoch": epoch, "leave": leave, "command": command_id}
                switching.missing.add(member.placed.physical_id)
                self.world.tell(member, {"do": "switch", **head})
        self.world.at(time.monotonic() + SWITCH_PATIENCE_S, lambda: self._give_up_switch(command_id))
        self._end_switch(command_id)

    def switched(self, member: Member, head: Head) -> None:
        """A source tells where it switches."""
        member.epoch = head["epoch"] if head["epoch"] in member.epochs else member.epoch
        switching = self.switching.get(head["command"])
        if switching is not None:
            switching.at = max(switching.at, head["at"])
            switching.missing.discard(member.placed.physical_id)
            self._end_switch(head["command"])

    def infer(self, service_id: str, body: dict[str, Any], command_id: str) -> None:
        """Put an input in at the request source; the order is answered by what comes out."""
        world = self.world
        member = next((each for each in world.of_service(service_id) if each.placed.handler == REQUEST), None)
        if member is None:
            self._refuse(command_id, f"service {service_id} has no source of the type `request` here")
            return
        if member.state != InstanceState.RUNNING or member.is_closing:
            self._refuse(command_id, f"service {service_id} is {member.state.name}, not RUNNING")
            return
        if len(world.pending) > MOST_ASKED:
            self._refuse(command_id, f"{len(world.pending)} requests wait already")
            return
        try:
            value = from_json(str(body.get("type") or "record"), body.get("input"))
            payload = b"".join(bytes(piece) for piece in encode(value))
            timeout_s = float(body.get("timeout_s") or INFER_TIMEOUT_S)
        except (BadValue, TypeError, ValueError) as error:
            self._refuse(command_id, str(error))
            return
        sequence = member.next_sequence
        member.next_sequence += 1
        if member.at_switch is not None and sequence >= member.at_switch[0]:
            member.epoch, member.at_switch = member.at_switch[1], None
        member.last_sequence, member.last_epoch = sequence, member.epoch
        call = f"{member.placed.logical_id}:{command_id}"
        head: Head = {"seq": sequence, "epoch": member.epoch, "call": call, "type": value.type_name}
        world.trace(member, "START", head, "")
        self.traffic.emitted(member, {**head, "out": "value", "kind": "cast"}, payload)
        world.trace(member, "END", head, "")
        late = Result(command_id, OrderCode.NOT_DONE, f"no answer within {timeout_s:g} s", at_sequence=sequence)
        world.at(time.monotonic() + timeout_s, lambda: self._if_pending(late))

    def _if_pending(self, result: Result) -> None:
        if result.command_id in self.world.pending:
            self.world.answer(result)

    def _refuse(self, command_id: str, reason: str) -> None:
        self.world.answer(Result(command_id, OrderCode.REFUSED, reason))

    def _is_source(self, member: Member, router: Router) -> bool:
        described = next((each for each in self.nursery.catalogue or [] if each["name"] == member.placed.handler), None)
        return described is not None and described["role"] == "source"

    def _end_switch(self, command_id: str) -> None:
        switching = self.switching.get(command_id)
        if switching is not None and not switching.missing:
            del self.switching[command_id]
            self.world.answer(Result(command_id, at_sequence=switching.at))

    def _give_up_switch(self, command_id: str) -> None:
        switching = self.switching.pop(command_id, None)
        if switching is not None:
            members = [self.world.members[each].placed.name for each in switching.missing if each in self.world.members]
            reason = f"sources that did not answer within {SWITCH_PATIENCE_S:g} s: {', '.join(members) or 'gone'}"
            self.world.answer(Result(command_id, OrderCode.NOT_DONE, reason, at_sequence=switching.at))

    def _forget(self, service_id: str, epoch: int) -> set[str]:
        """Forget an epoch, or all with 0; the physical ids of the instances that end for it."""
        world = self.world
        service = world.services.get(service_id)
        epochs = [] if service is None else [each for each in service.routers if epoch in (0, each)]
        for each in epochs:
            preparing = self.preparing.pop((service_id, each), None)
            for command_id in preparing.command_ids if preparing else ():
                world.answer(Result(command_id, OrderCode.NOT_DONE, f"epoch {each} was deleted meanwhile"))
        ending: set[str] = set()
        for member in world.of_service(service_id):
            member.epochs -= set(epochs)
            if not member.epochs:
                ending.add(member.placed.physical_id)
                self.nursery.close(member)
        for each in epochs:
            if service is not None:
                del service.routers[each]
            self.traffic.forget(service_id, each)
        for member in world.of_service(service_id):
            if not member.is_closing:
                for each in epochs:
                    world.tell(member, {"do": "forget", "epoch": each})
                self.nursery.describe(member)
        if service is not None and not service.routers:
            del world.services[service_id]
        return {each for each in ending if each in world.members}
