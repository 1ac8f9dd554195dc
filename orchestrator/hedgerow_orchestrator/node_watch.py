"""Watches the nodes: announcements, statuses and silences become registry entries, events, rows, and engine calls."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Any

from hedgerow_idl import NodeInfo, NodeState, NodeStatus
from hedgerow_idl.plain import to_json, to_plain
from hedgerow_nodes.core.bus import Kind, Received
from hedgerow_orchestrator.effects import Step
from hedgerow_orchestrator.engine import Engine
from hedgerow_orchestrator.registry import Node, Registry, Transition
from hedgerow_orchestrator.rivals import KIND as ORCHESTRATOR
from hedgerow_orchestrator.rivals import Rivals
from hedgerow_orchestrator.store.changes import NodeRow
from hedgerow_orchestrator.wire import Wire

ROW_EVERY_S = 5.0
PROGRESS_EVERY_S = 0.2
LARGEST_STORED = 2**63
"""No column holds a larger number; nodes of ours count nanoseconds and stay below it until the year 2262."""

log = logging.getLogger("hedgerow.orchestrator")


def process_of(info: NodeInfo) -> dict[str, Any]:
    """What a person needs to find a node's process."""
    return {"pid": info.pid, "host": info.host, "incarnation": info.incarnation}


def duplicate_sentence(used: NodeInfo, unused: NodeInfo) -> str:
    """Two processes under one id, and the way out."""
    ours, other = (f"pid {info.pid} on host {info.host}" for info in (used, unused))
    return (
        f"node {used.name} (id {used.node_id}) runs twice, as when a home was copied: {ours} was started last and gets "
        f"the work, {other} gets none; stop one of them and delete nodes/{used.name}.json in its home"
    )


class NodeWatch:
    """Takes what the nodes say of themselves, and other orchestrators."""

    def __init__(
        self,
        wire: Wire,
        registry: Registry,
        engine: Engine,
        rivals: Rivals,
        on_node: Callable[[Step, Node, str], None] = lambda *_: None,
    ) -> None:
        self._on_node = on_node
        self._wire = wire
        self._registry = registry
        self._engine = engine
        self._rivals = rivals
        self._row_at_s: dict[str, float] = {}
        self._progress: dict[str, tuple[float, float, str]] = {}
        self._infos: dict[str, tuple[NodeInfo, str]] = {}
        self._seen_infos: list[Received[NodeInfo]] = []
        self._seen_statuses: list[Received[NodeStatus]] = []

    def look(self) -> None:
        """Take what has arrived, to be handled later: what a node wrote before it ended comes before its end then."""
        self._seen_infos += self._wire.take(self._wire.infos)
        self._seen_statuses += self._wire.take(self._wire.statuses)

    def handle(self, step: Step) -> None:
        """Handle all that was taken."""
        infos, self._seen_infos = self._seen_infos, []
        statuses, self._seen_statuses = self._seen_statuses, []
        for info in infos:
            if info.kind is Kind.DATA and info.sample.incarnation >= LARGEST_STORED:
                log.error("orchestrator: announcement of %r ignored: incarnation too large", info.sample.name)
            elif info.kind is Kind.DATA and info.sample.kind == ORCHESTRATOR:
                self._rivals.on_info(info.sample)
            elif info.kind is Kind.DATA:
                trouble = self._wire.listen_to(info.sample)
                if trouble:
                    log.error("orchestrator: %s", trouble)
                self._apply(step, self._registry.on_info(info.sample, step.now_s, step.clock_s))
            else:
                self._rivals.on_end(info.sample.node_id, info.sample.incarnation)
                self._on_end(step, info)
        for status in statuses:
            if status.kind is Kind.DATA:
                self._apply(step, self._registry.on_status(status.sample, step.now_s, step.clock_s))
                self._look_at(step, status.sample.node_id)
            else:
                self._on_end(step, status)

    def _on_end(self, step: Step, end: Received[NodeInfo] | Received[NodeStatus]) -> None:
        on_end = self._registry.on_goodbye if end.kind is Kind.DISPOSED else self._registry.on_lost
        self._apply(step, on_end(end.sample.node_id, end.sample.incarnation, step.now_s, step.clock_s))

    def _apply(self, step: Step, transitions: list[Transition]) -> None:
        for transition in transitions:
            node = transition.node
            if transition.older is not None:
                self._tell_duplicate(step, node, transition.older)
                continue
            gone = transition.what in ("left", "lost")
            if gone:
                self._wire.forget(node.node_id)
            body = {"name": node.name, "state": node.state.name, "incarnation": node.info.incarnation}
            step.event(f"node.{transition.what}", node_id=node.node_id, body=body)
            self._engine.on_node(step, node, gone=gone)
            self._on_node(step, node, transition.what)
            self._keep(step, node)
            if transition.what != "state":
                log.info("orchestrator: node %s %s", node.name, transition.what)

    def _tell_duplicate(self, step: Step, node: Node, older: NodeInfo) -> None:
        """Two processes run under one id: say which, so that a person can end one of them."""
        both = {"used": process_of(node.info), "unused": process_of(older)}
        step.event("node.duplicate", node_id=node.node_id, body={"name": node.name, **both})
        log.error("orchestrator: %s", duplicate_sentence(node.info, older))

    def _look_at(self, step: Step, node_id: str) -> None:
        """A status came, whether or not it changed the state."""
        node = self._registry.get(node_id)
        if node is None or not node.info.kind:
            return
        self._engine.on_node(step, node, gone=node.state is NodeState.INACTIVE)
        if node.state is not NodeState.INACTIVE:
            self._on_node(step, node, "heard")
        self._note_progress(step, node)
        if step.clock_s - self._row_at_s.get(node_id, -math.inf) > ROW_EVERY_S:
            self._keep(step, node)

    def _note_progress(self, step: Step, node: Node) -> None:
        status = node.status
        if node.state is not NodeState.RUNNING or not status.detail:
            return
        at_s, fraction, doing = self._progress.get(node.node_id, (-math.inf, 0.0, ""))
        if (status.progress, status.detail) == (fraction, doing) or step.clock_s - at_s < PROGRESS_EVERY_S:
            return
        self._progress[node.node_id] = step.clock_s, status.progress, status.detail
        body = {"progress": to_plain(status)["progress"], "detail": status.detail, "attempt": status.attempt}
        step.event("stage.progress", task=status.task, stage=status.stage, node_id=node.node_id, body=body)
        self._keep(step, node)

    def _keep(self, step: Step, node: Node) -> None:
        if not node.info.kind:
            return
        self._row_at_s[node.node_id] = step.clock_s
        step.save(
            NodeRow(
                node_id=node.node_id,
                name=node.name,
                kind=node.info.kind,
                incarnation=node.info.incarnation,
                state=node.state.name,
                last_seen_at_s=node.last_seen_at_s,
                info=self._info_of(node),
                status=to_json(node.status),
            )
        )

    def _info_of(self, node: Node) -> str:
        """The announcement as JSON: long, and the same again and again."""
        known = self._infos.get(node.node_id)
        if known is None or known[0] is not node.info:
            known = self._infos[node.node_id] = node.info, to_json(node.info)
        return known[1]
