"""The plans that a worker knows, by service and epoch: whose items are refused, and who an item's sender is."""

from __future__ import annotations

from collections import Counter

from hedgerow_idl.plan import Link, PlacedInstance, Plan


class PlanBook:
    """Plans of epochs that have not ended.

    Attributes:
        refused: items of an epoch that is not known here, by service and the logical id that they were for.
    """

    def __init__(self) -> None:
        self._plans: dict[tuple[str, int], Plan] = {}
        self.refused: Counter[tuple[str, str]] = Counter()

    def learn(self, plan: Plan) -> None:
        """An epoch that is prepared here."""
        self._plans[plan.service_id, plan.epoch] = plan

    def forget(self, service_id: str, epoch: int) -> None:
        """An epoch has ended; 0 is all of the service."""
        ended = [key for key in self._plans if key[0] == service_id and epoch in (0, key[1])]
        for key in ended:
            del self._plans[key]
        if not any(key[0] == service_id for key in self._plans):
            for pair in [pair for pair in self.refused if pair[0] == service_id]:
                del self.refused[pair]

    def clear(self) -> None:
        """Every service here has ended."""
        self._plans.clear()
        self.refused.clear()

    def knows(self, service_id: str, epoch: int) -> bool:
        """Whether an epoch was prepared here and has not ended."""
        return (service_id, epoch) in self._plans

    def plan(self, service_id: str, epoch: int) -> Plan | None:
        """The plan of an epoch."""
        return self._plans.get((service_id, epoch))

    def instance(self, service_id: str, epoch: int, logical_id: str) -> PlacedInstance | None:
        """An instance by its logical id."""
        plan = self.plan(service_id, epoch)
        found = (one for one in plan.instances if one.logical_id == logical_id) if plan else iter(())
        return next(found, None)

    def link(self, header: dict[str, object]) -> Link | None:
        """The link that an item takes, by its header."""
        plan = self._plans.get((str(header.get("service")), _number(header.get("epoch"))))
        if plan is None:
            return None
        ends = tuple(header.get(name) for name in ("from", "out", "to", "in"))
        return next((link for link in plan.links if (link.sender, link.output, link.receiver, link.input) == ends), None)


def _number(value: object) -> int:
    return value if isinstance(value, int) else -1
