"""The plans that a worker knows, by service and epoch: who an item's sender is, and whether it is traced."""

from __future__ import annotations

from hedgerow_idl.plan import PlacedInstance, Plan


class PlanBook:
    """Plans of epochs that have not ended."""

    def __init__(self) -> None:
        self._plans: dict[tuple[str, int], Plan] = {}

    def learn(self, plan: Plan) -> None:
        """An epoch that is prepared here."""
        self._plans[plan.service_id, plan.epoch] = plan

    def forget(self, service_id: str, epoch: int) -> None:
        """An epoch has ended; 0 is all of the service."""
        ended = [key for key in self._plans if key[0] == service_id and epoch in (0, key[1])]
        for key in ended:
            del self._plans[key]

    def clear(self) -> None:
        """Every service here has ended."""
        self._plans.clear()

    def plan(self, service_id: str, epoch: int) -> Plan | None:
        """The plan of an epoch."""
        return self._plans.get((service_id, epoch))

    def receivers(self, service_id: str, epoch: int, node_id: str) -> set[str]:
        """The other workers that instances on a worker send to."""
        plan = self.plan(service_id, epoch)
        if plan is None:
            return set()
        places = {one.logical_id: one.node_id for one in plan.instances}
        ends = ((places.get(link.sender), places.get(link.receiver)) for link in plan.links)
        return {receiver for sender, receiver in ends if sender == node_id and receiver not in (None, node_id)}

    def instance(self, service_id: str, epoch: int, logical_id: str) -> PlacedInstance | None:
        """An instance by its logical id."""
        plan = self.plan(service_id, epoch)
        found = (one for one in plan.instances if one.logical_id == logical_id) if plan else iter(())
        return next(found, None)
