"""What the supervisor reads from the bus."""

from __future__ import annotations

import json
import logging
import queue

import pytest

from hedgerow_idl import Event, NodeInfo, NodeState, NodeStatus
from hedgerow_idl.topics import topic_of
from hedgerow_launch.bus_view import BusView, EventReader, NodeTable
from hedgerow_launch.observations import NodeSeen, Observation, OrchestratorSeen, RestartWanted, StopWanted
from hedgerow_nodes.core.bus import Bus, Kind, Received
from hedgerow_nodes.core.memory_bus import MemoryNetwork

PATIENCE_S = 10.0


def info(pid: int = 11, incarnation: int = 1, kind: Kind = Kind.DATA) -> Received[NodeInfo]:
    sample = NodeInfo(node_id="n", incarnation=incarnation, pid=pid, name="a", host="h")
    return Received(kind, sample if kind is Kind.DATA else NodeInfo(node_id="n", incarnation=incarnation), b"")


def status(state: NodeState, incarnation: int = 1, error: str = "") -> Received[NodeStatus]:
    return Received(Kind.DATA, NodeStatus(node_id="n", incarnation=incarnation, state=state, error=error), b"")


@pytest.mark.parametrize("status_first", [False, True])
def test_a_node_is_seen_once_both_halves_are_there(status_first: bool) -> None:
    table = NodeTable()
    if status_first:
        assert table.status(status(NodeState.IDLE)) == []
        seen = table.info(info())
    else:
        assert table.info(info()) == []
        seen = table.status(status(NodeState.IDLE))
    assert seen == [NodeSeen("a", 11, "h", NodeState.IDLE)]


def test_states_and_errors_follow() -> None:
    table = NodeTable()
    table.info(info())
    assert table.status(status(NodeState.ERROR, error="why")) == [NodeSeen("a", 11, "h", NodeState.ERROR, "why")]


def test_only_changes_are_told() -> None:
    table = NodeTable()
    table.info(info())
    assert len(table.status(status(NodeState.IDLE))) == 1
    assert table.status(status(NodeState.IDLE)) == []
    assert len(table.status(status(NodeState.RUNNING))) == 1


@pytest.mark.parametrize("end", [Kind.DISPOSED, Kind.LOST])
def test_the_end_of_an_announcement_is_the_end_of_the_node(end: Kind) -> None:
    table = NodeTable()
    table.info(info())
    table.status(status(NodeState.IDLE))
    assert table.info(info(kind=end)) == [NodeSeen("a", 11, "h", NodeState.INACTIVE)]
    assert table.info(info(kind=end)) == []


def test_a_restarted_node_is_a_new_process_and_waits_for_its_own_status() -> None:
    table = NodeTable()
    table.info(info())
    table.status(status(NodeState.IDLE))
    assert table.info(info(pid=12, incarnation=2)) == []
    assert table.info(info(kind=Kind.LOST)) == [NodeSeen("a", 11, "h", NodeState.INACTIVE)]
    assert table.status(status(NodeState.IDLE, incarnation=2)) == [NodeSeen("a", 12, "h", NodeState.IDLE)]


def event(kind: str, body: object = None) -> Event:
    return Event(kind=kind, body=body if isinstance(body, str) else json.dumps(body))


def test_the_first_event_shows_that_the_orchestrator_is_there() -> None:
    reader = EventReader()
    assert reader.read(event("node.joined", {})) == [OrchestratorSeen()]
    assert reader.read(event("orchestrator.started", {})) == []


def test_a_wish_for_a_restart_is_passed_on() -> None:
    reader = EventReader()
    reader.read(event("orchestrator.started", {}))
    wanted = {"name": "a", "pid": 11, "host": "h", "incarnation": 5, "reason": "stalled"}
    assert reader.read(event("node.restart_wanted", wanted)) == [RestartWanted("a", 11, "h", "stalled")]
    assert reader.read(event("task.running", wanted)) == []


@pytest.mark.parametrize("body", ["no json", "[1]", "{}", '{"name": "a", "pid": "x", "host": "h"}', "null"])
def test_a_malformed_wish_is_logged_and_ignored(body: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert EventReader().read(event("node.restart_wanted", body)) == [OrchestratorSeen()]
    assert "restart_wanted" in caplog.text


def test_the_view_posts_what_nodes_and_orchestrator_write() -> None:
    network = MemoryNetwork()
    author = network.bus()
    infos, statuses, events = (author.writer(topic_of(kind)) for kind in (NodeInfo, NodeStatus, Event))
    infos.write(info().sample)
    inbox: queue.SimpleQueue[Observation] = queue.SimpleQueue()
    view = BusView(network.bus)
    view.start(inbox.put)
    statuses.write(status(NodeState.IDLE).sample)
    assert inbox.get(timeout=PATIENCE_S) == NodeSeen("a", 11, "h", NodeState.IDLE)
    events.write(event("orchestrator.started", {}))
    assert inbox.get(timeout=PATIENCE_S) == OrchestratorSeen()
    infos.dispose(info().sample)
    assert inbox.get(timeout=PATIENCE_S) == NodeSeen("a", 11, "h", NodeState.INACTIVE)
    view.close()
    assert inbox.empty()


def test_a_bus_that_cannot_be_joined_stops_the_system(caplog: pytest.LogCaptureFixture) -> None:
    def join() -> Bus:
        raise OSError("no interface")

    inbox: queue.SimpleQueue[Observation] = queue.SimpleQueue()
    view = BusView(join)
    view.start(inbox.put)
    assert inbox.get(timeout=PATIENCE_S) == StopWanted("the bus cannot be watched: no interface", 1)
    view.close()
