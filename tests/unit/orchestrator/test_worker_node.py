"""A worker's announcement, which names no output, is one that the orchestrator takes."""

from __future__ import annotations

from hedgerow_idl import NodeInfo, NodeState, NodeStatus
from hedgerow_nodes.core.memory_bus import MemoryNetwork
from hedgerow_orchestrator.registry import Registry
from hedgerow_orchestrator.wire import Wire


def test_a_node_without_an_output_joins_and_nothing_is_read_of_it() -> None:
    info = NodeInfo(node_id="w", incarnation=1, name="worker-1", kind="worker")
    wire = Wire(MemoryNetwork().bus())
    assert wire.listen_to(info) == ""
    assert list(wire.outputs()) == []
    registry = Registry()
    registry.on_info(info, 0.0, 0.0)
    registry.on_status(NodeStatus(node_id="w", incarnation=1, state=NodeState.IDLE), 0.0, 0.0)
    (node,) = registry.of_kind("worker")
    assert (node.name, node.state, node.accepting) == ("worker-1", NodeState.IDLE, True)
