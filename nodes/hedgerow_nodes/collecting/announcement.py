"""What the collector says about itself: a node with no inputs and no output of the pipeline."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Callable

from hedgerow_idl import AnswerCode, Command, CommandAnswer, NodeInfo, NodeState, NodeStatus
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.collecting.configuration import CollectorConfiguration
from hedgerow_nodes.core import configuration
from hedgerow_nodes.core.announcement import HEARTBEAT_S
from hedgerow_nodes.core.bus import Bus
from hedgerow_nodes.core.identity import Identity

KIND = "collector"


class CollectorAnnouncement:
    """Writes `NodeInfo`, `NodeStatus` and the answers to commands; `now` gives the stamps, `clock` the heartbeat."""

    def __init__(self, bus: Bus, identity: Identity, now: Callable[[], float], clock: Callable[[], float]) -> None:
        self._identity = identity
        self._now = now
        self._clock = clock
        self._info = bus.writer(BY_NAME["hedgerow/node_info"])
        self._status = bus.writer(BY_NAME["hedgerow/node_status"])
        self._answers = bus.writer(BY_NAME["hedgerow/command_answer"])
        self.next_due_at_s = -math.inf

    def announce(self, settings: CollectorConfiguration) -> None:
        """Write the announcement, at the start and after a change of the configuration."""
        self._info.write(
            NodeInfo(
                node_id=self._identity.node_id,
                incarnation=self._identity.incarnation,
                pid=os.getpid(),
                started_at_s=self._identity.started_at_s,
                name=self._identity.name,
                kind=KIND,
                host=socket.gethostname(),
                description="Gather the rows that workers report, and have them stored.",
                configuration_schema=configuration.schema_of(CollectorConfiguration),
                configuration=configuration.to_json(settings),
            )
        )

    def status(self, state: NodeState, *, queued: int, completed: int, malformed: int, detail: str, error: str) -> None:
        """Write the status; due once a heartbeat."""
        now_s = self._now()
        self._status.write(
            NodeStatus(
                node_id=self._identity.node_id,
                incarnation=self._identity.incarnation,
                state=state,
                queued=min(queued, 2**32 - 1),
                completed=completed,
                malformed=malformed,
                last_progress_at_s=now_s,
                stamped_at_s=now_s,
                detail=detail,
                error=error,
            )
        )
        self.next_due_at_s = self._clock() + HEARTBEAT_S

    def answer(self, command: Command, state: NodeState, code: AnswerCode, reason: str = "", body: str = "") -> None:
        """Answer a command."""
        self._answers.write(
            CommandAnswer(
                code=code,
                state=state,
                task=command.task,
                attempt=command.attempt,
                incarnation=self._identity.incarnation,
                command_id=command.command_id,
                node_id=self._identity.node_id,
                stage=command.stage,
                reason=reason,
                body=body,
            )
        )

    def goodbye(self) -> None:
        """Leave cleanly."""
        node_id, incarnation = self._identity.node_id, self._identity.incarnation
        self._status.dispose(NodeStatus(node_id=node_id, incarnation=incarnation))
        self._info.dispose(NodeInfo(node_id=node_id, incarnation=incarnation))
