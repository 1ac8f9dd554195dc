"""Who is there: the nodes as their announcements, statuses and silences show them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hedgerow_idl import NodeInfo, NodeState, NodeStatus

ACCEPTING = (NodeState.IDLE, NodeState.RUNNING)

HEARD_BESIDE = 2
"""One status of an older process may have been under way when the newer one came; this many show that it lives."""


@dataclass
class Node:
    """One node: what it announced, how it is, and when it was last heard.

    Attributes:
        last_seen_at_s: a stamp, seconds since the Unix epoch.
        progressed_at_s: when its work last showed that it lives, by our own monotonic clock.
        suspect: one of its attempts has timed out; it gets no work before it says that it is IDLE.
    """

    node_id: str
    info: NodeInfo
    status: NodeStatus
    state: NodeState
    last_seen_at_s: float
    progressed_at_s: float
    suspect: bool = False

    @property
    def name(self) -> str:
        """The readable name, or the id before the announcement has come."""
        return self.info.name or self.node_id

    @property
    def accepting(self) -> bool:
        """It takes work."""
        return self.state in ACCEPTING and not self.suspect and bool(self.info.kind)


@dataclass
class Older:
    """A process under the id of one that was started later, and how many statuses it wrote beside that one."""

    info: NodeInfo
    status: NodeStatus
    heard: int = 0


@dataclass(frozen=True)
class Transition:
    """Something about a node changed: `what` is joined, left, lost, state, or duplicate, then beside `older`."""

    what: str
    node: Node
    older: NodeInfo | None = None


class Registry:
    """Turns a stream of announcements, statuses, goodbyes and losses into nodes and transitions.

    A new incarnation under a known id is one `lost` of the old and one `joined`. If the old one goes on speaking, two
    processes run under one id: that is told once, and the older one counts again only when the newer one is gone.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._by_kind: dict[str, dict[str, Node]] = {}
        self._older: dict[str, dict[int, Older]] = {}

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def get(self, node_id: str) -> Node | None:
        """The node with this id."""
        return self._nodes.get(node_id)

    def find(self, name_or_id: str) -> Node | None:
        """The node with this id or name, one that lives before one that is gone."""
        exact = self._nodes.get(name_or_id)
        if exact is not None:
            return exact
        named = [node for node in self if node.info.name == name_or_id]
        return min(named, key=lambda node: node.state is NodeState.INACTIVE, default=None)

    def of_kind(self, kind: str) -> list[Node]:
        """The living nodes of a kind."""
        nodes = self._by_kind.get(kind, {}).values()
        return [node for node in nodes if node.state is not NodeState.INACTIVE]

    def duplicates(self) -> list[tuple[NodeInfo, NodeInfo]]:
        """Pairs of processes that run under one id: the one that counts, and the one started before it."""
        beside = [older for many in self._older.values() for older in many.values() if older.heard >= HEARD_BESIDE]
        return [(self._nodes[older.info.node_id].info, older.info) for older in beside]

    def on_info(self, info: NodeInfo, now_s: float, clock_s: float) -> list[Transition]:
        """A node announced itself, or changed its configuration."""
        node = self._nodes.get(info.node_id)
        if node is not None and info.incarnation < node.info.incarnation:
            self._keep_older(info, NodeStatus(node_id=info.node_id, incarnation=info.incarnation))
            return []
        if node is not None and info.incarnation == node.info.incarnation and node.state is not NodeState.INACTIVE:
            node.info, node.last_seen_at_s = info, now_s
            return [Transition("state", node)]
        if node is not None and node.state is not NodeState.INACTIVE:
            self._keep_older(node.info, node.status)
        transitions = self._end(node, "lost", now_s)
        status = NodeStatus(node_id=info.node_id, incarnation=info.incarnation)
        if node is not None and node.status.incarnation == info.incarnation:
            status = node.status
        fresh = Node(info.node_id, info, status, status.state, now_s, clock_s)
        self._put(fresh)
        return [*transitions, Transition("joined", fresh)]

    def on_status(self, status: NodeStatus, now_s: float, clock_s: float) -> list[Transition]:
        """A node said how it is; before its announcement that is only kept."""
        node = self._nodes.get(status.node_id)
        if node is None:
            info = NodeInfo(node_id=status.node_id)
            self._nodes[status.node_id] = Node(status.node_id, info, status, NodeState.INACTIVE, now_s, clock_s)
            return []
        if status.incarnation > node.info.incarnation:
            node.status = status
            return []
        if status.incarnation < node.info.incarnation:
            return self._on_older(node, status, now_s, clock_s)
        if not node.info.kind:
            return []
        was = node.state
        if was is NodeState.INACTIVE and status.state is NodeState.TERMINATING:
            return []  # its last word, overtaken by its goodbye
        if _progress(status) != _progress(node.status):
            node.progressed_at_s = clock_s
        node.status, node.state, node.last_seen_at_s = status, status.state, now_s
        if status.state is NodeState.IDLE:
            node.suspect = False
        if was is NodeState.INACTIVE:
            return [Transition("joined", node)]  # it was stopped for longer than its lease, and goes on
        return [Transition("state", node)] if status.state is not was else []

    def on_goodbye(self, node_id: str, incarnation: int, now_s: float, clock_s: float) -> list[Transition]:
        """A node left cleanly."""
        return self._on_end(node_id, incarnation, "left", now_s, clock_s)

    def on_lost(self, node_id: str, incarnation: int, now_s: float, clock_s: float) -> list[Transition]:
        """A node was silent for longer than its lease."""
        return self._on_end(node_id, incarnation, "lost", now_s, clock_s)

    def _on_end(self, node_id: str, incarnation: int, what: str, now_s: float, clock_s: float) -> list[Transition]:
        node = self._nodes.get(node_id)
        if node is not None and node.info.incarnation == incarnation:
            return self._end(node, what, now_s) + self._next_oldest(node_id, now_s, clock_s)
        many = self._older.get(node_id, {})
        many.pop(incarnation, None)
        if not many:
            self._older.pop(node_id, None)
        return []

    def _put(self, node: Node) -> None:
        before = self._nodes.get(node.node_id)
        if before is not None and before.info.kind != node.info.kind:
            self._by_kind.get(before.info.kind, {}).pop(node.node_id, None)
        self._nodes[node.node_id] = self._by_kind.setdefault(node.info.kind, {})[node.node_id] = node

    # --- two processes under one id -------------------------------------------------------------------------------

    def _keep_older(self, info: NodeInfo, status: NodeStatus) -> None:
        many = self._older.setdefault(info.node_id, {})
        if info.incarnation in many:
            many[info.incarnation].info = info
        else:
            many[info.incarnation] = Older(info, status)

    def _on_older(self, node: Node, status: NodeStatus, now_s: float, clock_s: float) -> list[Transition]:
        older = self._older.get(status.node_id, {}).get(status.incarnation)
        if older is None:
            return []
        older.status, older.heard = status, older.heard + 1
        if node.state is NodeState.INACTIVE:
            return self._next_oldest(status.node_id, now_s, clock_s)
        return [Transition("duplicate", node, older.info)] if older.heard == HEARD_BESIDE else []

    def _next_oldest(self, node_id: str, now_s: float, clock_s: float) -> list[Transition]:
        """The one that counted is gone: of those that were started before it the last takes its place."""
        many = self._older.get(node_id, {})
        living = [incarnation for incarnation, older in many.items() if older.heard >= HEARD_BESIDE]
        if not living:
            return []
        older = many.pop(max(living))
        node = Node(node_id, older.info, older.status, older.status.state, now_s, clock_s)
        self._put(node)
        return [Transition("joined", node)]

    def _end(self, node: Node | None, what: str, now_s: float) -> list[Transition]:
        if node is None or node.state is NodeState.INACTIVE:
            return []
        node.state, node.last_seen_at_s = NodeState.INACTIVE, now_s
        return [Transition(what, replace(node))]


def _progress(status: NodeStatus) -> tuple[object, ...]:
    """What changes whenever the work shows that it lives; whatever the node's clock says, only the change counts."""
    task = status.task
    return status.last_progress_at_s, task.problem_id, task.iteration_id, status.stage, status.attempt
