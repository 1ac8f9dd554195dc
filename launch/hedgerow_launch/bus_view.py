"""Looks at the running system over the bus: which nodes are there, how they are, and what the orchestrator asks for."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from itertools import chain

from hedgerow_idl import Event, NodeInfo, NodeState, NodeStatus
from hedgerow_idl.topics import topic_of
from hedgerow_launch.failures import FAILED
from hedgerow_launch.observations import NodeSeen, Observation, OrchestratorSeen, Post, RestartWanted, StopWanted
from hedgerow_nodes.core.bus import Bus, Kind, Received

_WAIT_S = 5.0

log = logging.getLogger("hedgerow.launch")


_Process = tuple[str, int]
"""The id of a node and its incarnation."""


class NodeTable:
    """Joins announcements and statuses, which arrive on two topics in any order; tells changes only."""

    def __init__(self) -> None:
        self._infos: dict[_Process, NodeInfo] = {}
        self._statuses: dict[_Process, NodeStatus] = {}
        self._told: dict[_Process, NodeSeen] = {}

    def info(self, received: Received[NodeInfo]) -> list[NodeSeen]:
        """Take in an announcement, or the end of one."""
        process = _process_of(received.sample)
        if received.kind is Kind.DATA:
            self._infos[process] = received.sample
            return self._seen(process)
        info = self._infos.pop(process, None)
        self._statuses.pop(process, None)
        self._told.pop(process, None)
        return [] if info is None else [NodeSeen(info.name, info.pid, info.host, NodeState.INACTIVE)]

    def status(self, received: Received[NodeStatus]) -> list[NodeSeen]:
        """Take in a status."""
        if received.kind is not Kind.DATA:
            return []
        process = _process_of(received.sample)
        self._statuses[process] = received.sample
        return self._seen(process)

    def _seen(self, process: _Process) -> list[NodeSeen]:
        info, status = self._infos.get(process), self._statuses.get(process)
        if info is None or status is None:
            return []
        seen = NodeSeen(info.name, info.pid, info.host, status.state, status.error)
        if self._told.get(process) == seen:
            return []
        self._told[process] = seen
        return [seen]


def _process_of(sample: NodeInfo | NodeStatus) -> _Process:
    return sample.node_id, sample.incarnation


class EventReader:
    """Picks out of the orchestrator's events what concerns the supervisor."""

    def __init__(self) -> None:
        self._orchestrator_seen = False

    def read(self, event: Event) -> list[Observation]:
        """What an event means; a `restart_wanted` that cannot be read is logged and ignored."""
        # Only the orchestrator writes events, so the first one, whatever it says, tells that it is there.
        seen: list[Observation] = [] if self._orchestrator_seen else [OrchestratorSeen()]
        self._orchestrator_seen = True
        return seen if event.kind != "node.restart_wanted" else seen + _restart_wanted(event)


def _restart_wanted(event: Event) -> list[Observation]:
    try:
        body = json.loads(event.body)
        return [RestartWanted(str(body["name"]), int(body["pid"]), str(body["host"]), str(body.get("reason", "")))]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("system: event %d ignored, its body is no restart_wanted: %r", event.event_id, error)
        return []


class BusView:
    """A `SystemView` over the bus, in a thread that owns its place there."""

    def __init__(self, join: Callable[[], Bus]) -> None:
        self._join = join
        self._bus: Bus | None = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, post: Post) -> None:
        """Join the bus and begin to look."""
        self._thread = threading.Thread(target=self._run, args=(post,), name="bus view", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave the bus."""
        self._closing.set()
        if self._bus is not None:
            self._bus.wake()
        if self._thread is not None:
            self._thread.join()

    def _run(self, post: Post) -> None:
        try:
            with self._join() as bus:
                self._bus = bus
                self._look(bus, post)
        except Exception as error:  # the thread's outermost loop: the system must not run on unseen
            log.exception("system: the view of the bus has failed")
            post(StopWanted(f"the bus cannot be watched: {error}", FAILED))

    def _look(self, bus: Bus, post: Post) -> None:
        infos, statuses, events = (bus.reader(topic_of(kind)) for kind in (NodeInfo, NodeStatus, Event))
        table, reader = NodeTable(), EventReader()
        while not self._closing.is_set():
            seen: list[Sequence[Observation]] = [table.info(received) for received in infos.take()]
            seen += [table.status(received) for received in statuses.take()]
            seen += [reader.read(received.sample) for received in events.take() if received.kind is Kind.DATA]
            for observation in chain.from_iterable(seen):
                post(observation)
            bus.wait(_WAIT_S)
