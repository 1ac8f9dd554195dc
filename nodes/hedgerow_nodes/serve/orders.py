"""What a host does when it is told to prepare, to start, to stop and to delete."""

from __future__ import annotations

from dataclasses import dataclass, field

from hedgerow_idl.plan import Plan
from hedgerow_idl.serve import InstanceState, OrderCode
from hedgerow_nodes.serve.losses import Losses
from hedgerow_nodes.serve.member import Member
from hedgerow_nodes.serve.nursery import Nursery
from hedgerow_nodes.serve.router import Router
from hedgerow_nodes.serve.world import Result, Service, World


@dataclass(slots=True)
class _Preparing:
    command_ids: list[str]
    missing: set[str]


@dataclass(slots=True)
class Orders:
    """Orders under way."""

    world: World
    losses: Losses
    nursery: Nursery
    preparing: dict[tuple[str, int], _Preparing] = field(default_factory=dict)
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
        self.losses.look()
        missing: set[str] = set()
        for placed in plan.instances:
            if placed.node_id != node_id:
                continue
            member = world.members.get(placed.physical_id)
            if member is None or member.is_closing:
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
        self.world.services[service_id].begin(epoch)
        if not any(self.nursery.sends_by_another(member, epoch) for member in self.world.of_service(service_id)):
            self.world.follow(service_id, epoch)
        self.losses.look()
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

    def _refuse(self, command_id: str, reason: str) -> None:
        self.world.answer(Result(command_id, OrderCode.REFUSED, reason))

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
            self.losses.forget(service_id, each)
        for member in world.of_service(service_id):
            if not member.is_closing:
                for each in epochs:
                    world.tell(member, {"do": "forget", "epoch": each})
                self.nursery.describe(member)
        if service is not None and not service.routers:
            del world.services[service_id]
        self.losses.look()
        return {each for each in ending if each in world.members}
