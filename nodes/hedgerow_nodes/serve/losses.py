"""What is lost when a process, an instance, an epoch or a whole worker goes, and who must be told of it."""

from __future__ import annotations

from hedgerow_nodes.serve.member import Member
from hedgerow_nodes.serve.replies import AWAY, gaps_behind
from hedgerow_nodes.serve.sender import GAP
from hedgerow_nodes.serve.traffic import Traffic
from hedgerow_nodes.serve.world import World


class Losses:
    """Counts what is lost, and lets those go on who wait for it.

    Args:
        world: what the host holds.
        traffic: what had the items.
    """

    def __init__(self, world: World, traffic: Traffic) -> None:
        self._world, self._traffic = world, traffic

    def lose(self, member: Member) -> None:
        """The process of an instance is gone: what it had is lost, and those who wait for it are told."""
        for lane in member.lanes.values():
            for entry in lane.lost():
                self._traffic.drop(member, entry)
                self._traffic.let_go(entry)
                router = self._world.router(member.service_id, entry.head["epoch"])
                if router is not None and router.is_before_join(member.placed.logical_id):
                    for output in router.outputs(member.placed.logical_id):
                        gap = {"seq": entry.head["seq"], "epoch": entry.head["epoch"], "out": output, "type": GAP}
                        self._traffic.emitted(member, {**gap, "kind": "cast", "call": ""}, b"")

    def clear(self, member: Member) -> None:
        """An instance is taken away: whatever waits for it goes too."""
        for lane in member.lanes.values():
            for entry in [*lane.lost(), *lane.waiting]:
                self._traffic.drop(member, entry)
                self._traffic.let_go(entry)
            lane.waiting.clear()

    def forget(self, service_id: str, epoch: int) -> None:
        """An epoch is gone: nothing that is away by it comes back."""
        for key in [key for key in self._world.away if key[0] == service_id and key[1] == epoch]:
            self._traffic.through(self._world.away.pop(key), 1)

    def node_gone(self, node_id: str, incarnation: int, *, is_over: bool) -> None:
        """A start of another worker is over, or is missing for so long that nobody waits for it any more."""
        world = self._world
        if is_over:
            world.over[node_id] = max(incarnation, world.over.get(node_id, 0))
        for service in world.services.values():
            for router in service.routers.values():
                # An epoch that is prepared and not in use was planned by one who knew of the loss sooner.
                if router.plan.epoch <= service.in_use or not service.in_use:
                    world.given_up |= {
                        one.physical_id
                        for one in router.instances.values()
                        if one.node_id == node_id and one.incarnation in ((0,) if is_over else (0, incarnation))
                    }
        self.look()

    def node_back(self, node_id: str) -> None:
        """The start that was missing is heard again."""
        routers = [router for service in self._world.services.values() for router in service.routers.values()]
        self._world.given_up -= {
            one.physical_id for router in routers for one in router.instances.values() if one.node_id == node_id
        }
        self.look()

    def look(self) -> None:
        """Find out anew what is lost: what is placed on a start that is over, or was given up, here or by a plan."""
        world = self._world
        placed: set[str] = set()
        gone: set[str] = set()
        replaced: set[str] = set()
        for service in world.services.values():
            routers = service.routers.values()
            ids = {one.physical_id for router in routers for one in router.instances.values()}
            lost = {each for router in routers if router.plan.epoch <= service.followed for each in router.plan.lost}
            newest = service.routers.get(service.in_use)
            kept = set() if newest is None else {one.physical_id for one in newest.plan.instances}
            placed |= ids
            replaced |= (lost - kept) & ids
            gone |= {
                one.physical_id
                for router in routers
                for one in router.instances.values()
                if one.incarnation and one.incarnation <= world.over.get(one.node_id, 0)
            }
        world.given_up &= placed
        world.replaced = replaced
        world.gone_instances = gone | replaced | world.given_up
        self._release()

    def _release(self) -> None:
        """Nobody waits for items that were on their way to what is lost."""
        world = self._world
        for key in list(world.away) if world.gone_instances else ():
            router = world.router(key[0], key[1])
            target = None if router is None else router.instances.get(key[4])
            if router is not None and target is not None and target.physical_id in world.gone_instances:
                for link, gap in gaps_behind(router, dict(zip(AWAY, key, strict=True))):
                    self._traffic.carry(router, link, gap, b"", None)
                self._traffic.through(world.away.pop(key, None), 1)
