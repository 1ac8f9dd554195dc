"""The orchestrator's own announcement and status, by which others see that this domain has one."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from hedgerow_idl import NodeInfo, NodeState, NodeStatus
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.core.announcement import HEARTBEAT_S
from hedgerow_nodes.core.bus import Bus, Kind
from hedgerow_nodes.core.identity import Identity
from hedgerow_orchestrator.rivals import KIND, SERVING, Rivals

LOOK_S = 0.1
"""How long after its announcement an orchestrator looks before it accepts work; discovery on one host was measured to
take up to 0.04 s. What it misses then it sees later."""


class Presence:
    """Announces the orchestrator, first as one that starts, then as one that serves.

    Args:
        bus: where it is announced.
        identity: who it is; kept in the home, so that a later start has a later incarnation.
        home: the folder of its store, shown to the operator of a rival.
        clock: seconds that only grow.
    """

    def __init__(self, bus: Bus, identity: Identity, home: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.info = NodeInfo(
            node_id=identity.node_id,
            incarnation=identity.incarnation,
            pid=os.getpid(),
            started_at_s=identity.started_at_s,
            name=identity.name,
            kind=KIND,
            host=socket.gethostname(),
            description="Own the state of the system.",
            configuration=json.dumps({"home": str(home)}),
        )
        self.rivals = Rivals(self.info)
        self._identity = identity  # its lock is held as long as the presence lasts
        self._bus = bus
        self._clock = clock
        self._infos = bus.writer(BY_NAME["hedgerow/node_info"])
        self._statuses = bus.writer(BY_NAME["hedgerow/node_status"])
        self._look_until_s = clock() + LOOK_S
        self._beat_at_s = 0.0
        self._infos.write(self.info)
        bus.flush()

    def look(self, bus: Bus) -> NodeInfo | None:
        """Look for other orchestrators from a place of its own on the bus; the one that this one has to leave to."""
        with bus:
            infos = bus.reader(BY_NAME["hedgerow/node_info"])
            while self.rivals.stays() is None and (left_s := self._look_until_s - self._clock()) > 0:
                bus.wait(left_s)
                for received in infos.take():
                    if received.kind is not Kind.DATA:
                        self.rivals.on_end(received.sample.node_id, received.sample.incarnation)
                    elif received.sample.kind == KIND:
                        self.rivals.on_info(received.sample)
        return self.rivals.stays()

    def serve(self) -> None:
        """From now on it accepts work."""
        self.info.capabilities = [SERVING]
        self._infos.write(self.info)

    def beat(self, stamped_at_s: float, working_on: int, waiting: int) -> None:
        """Write the status, once a heartbeat."""
        if self._clock() < self._beat_at_s:
            return
        self._beat_at_s = self._clock() + HEARTBEAT_S
        self._statuses.write(
            NodeStatus(
                node_id=self.info.node_id,
                incarnation=self.info.incarnation,
                state=NodeState.RUNNING if working_on else NodeState.IDLE,
                queued=waiting,
                stamped_at_s=stamped_at_s,
                last_progress_at_s=stamped_at_s,
                detail=f"{working_on} tasks in work",
            )
        )

    def goodbye(self) -> None:
        """Leave cleanly."""
        self._statuses.dispose(NodeStatus(node_id=self.info.node_id, incarnation=self.info.incarnation))
        self._infos.dispose(self.info)
        self._bus.flush()
