"""Where an item goes: of a plan, a sender, an output and a sequence, the links that it takes. Pure."""

from __future__ import annotations

from collections import defaultdict

from hedgerow_idl.plan import Link, PlacedInstance, Plan

GOLDEN = 0.6180339887498949
"""The fractional parts of its multiples fall evenly, however the range is cut."""


class Router:
    """The links of one epoch.

    Args:
        plan: links to or from instances that it does not hold are left out.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.instances: dict[str, PlacedInstance] = {each.logical_id: each for each in plan.instances}
        self._by_ports = {(link.sender, link.output, link.receiver, link.input): link for link in plan.links}
        self._groups: dict[tuple[str, str], list[list[Link]]] = {}
        self._weights: dict[str, float] = defaultdict(float)
        self._inputs: dict[str, dict[str, int]] = defaultdict(dict)
        grouped: dict[tuple[str, str], dict[tuple[str, str], list[Link]]] = defaultdict(lambda: defaultdict(list))
        for link in plan.links:
            if link.sender in self.instances and link.receiver in self.instances:
                name = self.instances[link.receiver].name
                grouped[link.sender, link.output][name, link.input].append(link)
                self._weights[link.receiver] = max(self._weights[link.receiver], link.weight)
                senders = self._inputs[link.receiver]
                senders[link.input] = senders.get(link.input, 0) + 1
        for output, groups in grouped.items():
            by_replica = (sorted(links, key=self._replica) for links in groups.values())
            self._groups[output] = list(by_replica)
        self._before_joins = self._find_before_joins()

    def targets(self, sender: str, output: str, sequence: int) -> list[Link]:
        """The links that one item takes: one to each handler behind the output, if it has replicas to one of them.

        Which one follows from the sequence and the weights of the replicas alone, so that all inputs of a join meet.
        """
        groups = self._groups.get((sender, output), [])
        return [links[0] if len(links) == 1 else self._drawn(links, sequence) for links in groups]

    def link(self, sender: str, output: str, receiver: str, port: str) -> Link | None:
        """The link between two ports, if there is one."""
        return self._by_ports.get((sender, output, receiver, port))

    def links_of(self, sender: str) -> list[Link]:
        """All links that begin at an instance."""
        return [
            link for (who, _output), groups in self._groups.items() if who == sender for each in groups for link in each
        ]

    def senders(self, receiver: str) -> dict[str, int]:
        """How many senders each linked input of an instance has."""
        return dict(self._inputs.get(receiver, {}))

    def outputs(self, sender: str) -> list[str]:
        """The outputs of an instance that feed anything."""
        return [output for who, output in self._groups if who == sender]

    def window(self, sender: str, output: str) -> int | None:
        """How many items of an output may be on their way; `None` if no lossless link holds it back."""
        groups = self._groups.get((sender, output), [])
        capacities = [link.capacity for links in groups for link in links if link.mode == "lossless"]
        return max(1, min(capacities)) if capacities else None

    def is_before_join(self, logical_id: str) -> bool:
        """Whether something behind an instance joins inputs, and must be told of what will not come."""
        return logical_id in self._before_joins

    def _replica(self, link: Link) -> tuple[int, str]:
        return self.instances[link.receiver].replica, link.receiver

    def _drawn(self, links: list[Link], sequence: int) -> Link:
        weights = [max(0.0, self._weights[link.receiver]) for link in links]
        total = sum(weights)
        if total <= 0:
            return links[sequence % len(links)]
        if min(weights) == max(weights):
            return links[sequence % len(links)]
        at = (sequence * GOLDEN) % 1.0 * total
        for link, weight in zip(links, weights, strict=True):
            at -= weight
            if at < 0:
                return link
        return next(link for link, weight in reversed(list(zip(links, weights, strict=True))) if weight > 0)

    def _find_before_joins(self) -> set[str]:
        before: set[str] = set()
        fresh = {receiver for receiver, inputs in self._inputs.items() if len(inputs) > 1}
        while fresh:
            fresh = {link.sender for link in self.plan.links if link.receiver in fresh and link.sender not in before}
            before |= fresh
        return before
