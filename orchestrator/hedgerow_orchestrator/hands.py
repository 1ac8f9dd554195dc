"""Which attempts each node has in hand, and who takes the next. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from hedgerow_nodes.core.module_node import INLINE
from hedgerow_orchestrator.registry import Node
from hedgerow_orchestrator.store.changes import AttemptRow
from hedgerow_orchestrator.task_run import Key

IN_HAND = 2
"""One that runs and one that waits, so that a node never idles for a round trip."""

IN_HAND_INLINE = 192
"""For nodes whose work takes microseconds; far below the depth of the rings."""


@dataclass(frozen=True, slots=True)
class Held:
    """An attempt that a node was given and has not ended; `give_up_at_s` is a reading of the monotonic clock."""

    key: Key
    attempt: AttemptRow
    give_up_at_s: float

    @property
    def given_at_s(self) -> float:
        """When it was given, or adopted after a restart, by the monotonic clock."""
        return self.give_up_at_s - (self.attempt.deadline_at_s - self.attempt.started_at_s)


class Hands:
    """The attempts in hand, by node."""

    def __init__(self) -> None:
        self._held: dict[str, dict[tuple[Key, str, int], Held]] = {}

    def __iter__(self) -> Iterator[Held]:
        for held in self._held.values():
            yield from held.values()

    def take(self, held: Held) -> None:
        """A node was given an attempt."""
        attempt = held.attempt
        self._held.setdefault(attempt.node_id, {})[held.key, attempt.stage, attempt.attempt] = held

    def release(self, node_id: str, key: Key, stage: str, attempt: int) -> None:
        """A node ended an attempt, or is no longer trusted with it."""
        held = self._held.get(node_id)
        if held is not None:
            held.pop((key, stage, attempt), None)
            if not held:
                del self._held[node_id]

    def of(self, node_id: str) -> list[Held]:
        """What a node has in hand."""
        return list(self._held.get(node_id, {}).values())

    def count(self, node_id: str) -> int:
        """How much a node has in hand."""
        return len(self._held.get(node_id, ()))

    def choose(self, nodes: Iterable[Node], reachable: Callable[[str], bool]) -> Node | None:
        """The node with the least in hand among those that take more work; the smaller id where that is equal."""
        best: Node | None = None
        least = 0
        for node in nodes:
            if not node.accepting:
                continue
            count = self.count(node.node_id)
            if count >= room_of(node) or not reachable(node.node_id):
                continue
            if best is None or (count, node.node_id) < (least, best.node_id):
                best, least = node, count
        return best


def room_of(node: Node) -> int:
    """How much a node may have in hand."""
    return IN_HAND_INLINE if INLINE in node.info.capabilities else IN_HAND
