"""What a node says about itself: the announcement, once a start, and the status, again and again."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cyclonedds.idl import IdlStruct

from hedgerow_idl import NodeInfo, NodeState, NodeStatus, TaskId
from hedgerow_idl.schema import describe
from hedgerow_idl.topics import BY_NAME, topic_of
from hedgerow_nodes.core import configuration
from hedgerow_nodes.core.bus import Bus
from hedgerow_nodes.core.identity import Identity
from hedgerow_nodes.core.task import Task

HEARTBEAT_S = 0.25
"""Far below the lease: a process that stands still for half a lease is then never taken for dead. With 1 s, 1 of 60
stops of 0.5 s and 8 of 60 stops of 0.7 s were; with this, none."""

SPACING_S = 0.02
"""Two statuses are at least this far apart, so that a node of a thousand tasks a second does not drown the bus."""


@dataclass(frozen=True)
class Described:
    """What a node tells of its kind: `output` is None and `inputs` empty for a node that is no stage of a pipeline."""

    kind: str
    sentence: str
    configuration: Any
    output: type[IdlStruct] | None = None
    inputs: tuple[type[IdlStruct], ...] = ()
    capabilities: tuple[str, ...] = ()


class Announcement:
    """Writes a node's `NodeInfo` and `NodeStatus`.

    Args:
        describe: what the node is, asked again at every announcement.
        bus: its place on the bus.
        identity: who it is.
        now: gives the stamps.
        clock: gives the times between two statuses.
    """

    def __init__(
        self,
        describe: Callable[[], Described],
        bus: Bus,
        identity: Identity,
        now: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._describe = describe
        self._identity = identity
        self._now = now
        self._clock = clock
        self._info = bus.writer(BY_NAME["hedgerow/node_info"])
        self._status = bus.writer(BY_NAME["hedgerow/node_status"])
        self._sent_at_s = -math.inf
        self._dirty = True
        self._told: NodeState | None = None
        self.error = ""
        self.stopped = False
        self.completed = 0
        self.malformed: Callable[[], int] = int
        self.last_progress_at_s = now()

    def announce(self) -> None:
        """Write the announcement, at the start and after a change of the configuration."""
        node = self._describe()
        info = NodeInfo(
            node_id=self._identity.node_id,
            incarnation=self._identity.incarnation,
            pid=os.getpid(),
            started_at_s=self._identity.started_at_s,
            name=self._identity.name,
            kind=node.kind,
            host=socket.gethostname(),
            description=node.sentence,
            configuration_schema=configuration.schema_of(type(node.configuration)),
            configuration=configuration.to_json(node.configuration),
            inputs=[topic_of(wire).name for wire in node.inputs],
            capabilities=list(node.capabilities),
        )
        if node.output is not None:
            info.output_topic = topic_of(node.output).name
            info.output_type = str(node.output.__idl_typename__)
            info.output_schema = describe(node.output)
        self._info.write(info)

    def moved_to(self, state: NodeState) -> None:
        """The node is in this state now; that is worth a status unless the last one said the same."""
        self._dirty = state is not self._told

    def progressed(self) -> None:
        """The work in hand has said how far it is."""
        self._dirty = True

    @property
    def next_due_at_s(self) -> float:
        """When `write_status` has something to write, by the monotonic clock."""
        return self._sent_at_s + (SPACING_S if self._dirty else HEARTBEAT_S)

    def write_status(self, state: NodeState, queued: int, current: Task | None, *, force: bool = False) -> None:
        """Write the status if it is due: soon after a change, else once a heartbeat."""
        clock_s = self._clock()
        if clock_s < self.next_due_at_s and not force:
            return
        status = NodeStatus(
            node_id=self._identity.node_id,
            incarnation=self._identity.incarnation,
            state=state,
            queued=queued,
            completed=self.completed,
            malformed=self.malformed(),
            last_progress_at_s=self.last_progress_at_s,
            stamped_at_s=self._now(),
            detail="stopped; START brings it back" if self.stopped else "",
            error=self.error,
        )
        if current is not None:
            status.task = TaskId(problem_id=current.id.problem_id, iteration_id=current.id.iteration_id)
            status.stage, status.attempt = current.stage, current.attempt
            status.progress, status.detail = current.fraction, current.doing
            status.last_progress_at_s = current.last_progress_at_s
        self._status.write(status)
        self._sent_at_s = clock_s
        self._dirty = False
        self._told = state

    def goodbye(self) -> None:
        """Leave cleanly: the others read the end of both instances as DISPOSED, not as LOST."""
        node_id, incarnation = self._identity.node_id, self._identity.incarnation
        self._status.dispose(NodeStatus(node_id=node_id, incarnation=incarnation))
        self._info.dispose(NodeInfo(node_id=node_id, incarnation=incarnation))
