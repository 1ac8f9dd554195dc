"""What an orchestrator does whose store cannot be opened yet: it says so to whoever asks, and tries again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from hedgerow_idl import Reply, Request
from hedgerow_nodes.core.bus import Bus, Kind
from hedgerow_orchestrator.desk import Desk
from hedgerow_orchestrator.rivals import SERVING
from hedgerow_orchestrator.store.errors import StoreUnavailable
from hedgerow_orchestrator.store.views import iso_time
from hedgerow_orchestrator.wire import Wire

ROUND_S = 0.1
"""How long a request may wait for its answer; after so many rounds the store is tried again."""

ROUNDS_A_TRY = 5

log = logging.getLogger("hedgerow.orchestrator")


def wait_for_store(
    reason: str, try_it: Callable[[], None], join: Callable[[], Bus], stopping: Callable[[], bool]
) -> None:
    """Return when the store can be opened, or when the process is to stop.

    Args:
        reason: why it cannot be opened now.
        try_it: raises StoreUnavailable as long as it cannot.
        join: joins the bus, for as long as the waiting lasts.
        stopping: whether the process is to stop.

    Raises:
        StoreError: waiting would not help.
    """
    with join() as bus:
        room = _WaitingRoom(bus)
        while not stopping():
            room.tell(reason)
            for _ in range(ROUNDS_A_TRY):
                time.sleep(ROUND_S)
                room.answer()
            try:
                try_it()
            except StoreUnavailable as again:
                reason = str(again)
            else:
                log.info("orchestrator: the store can be opened, work begins")
                return


class _WaitingRoom:
    """Answers requests on behalf of an orchestrator that cannot begin."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._wire = Wire(bus)
        self._desk = Desk({"health": self._health})
        self._since_s = time.time()
        self._reason = ""
        self._replies: list[Reply] = []
        self._serving: set[str] = set()

    def tell(self, reason: str) -> None:
        """Give this reason from now on."""
        if reason != self._reason:
            log.error("orchestrator: the store cannot be opened, work waits: %s", reason)
        self._reason = reason

    def answer(self) -> None:
        """Answer what has come in, unless another orchestrator serves this domain: the answers are then its own."""
        for received in self._wire.infos.take():
            node_id = received.sample.node_id
            serves = received.kind is Kind.DATA and SERVING in received.sample.capabilities
            self._serving = self._serving | {node_id} if serves else self._serving - {node_id}
        for request in self._wire.requests.take():
            reply = self._desk.meanwhile(request.sample, (), self._trouble)
            if reply is not None and not self._serving:
                self._replies.append(reply)
        # A client that cannot be reached yet repeats its request.
        for reply in self._replies:
            if self._wire.reply_ready(reply.client_id):
                self._wire.reply(reply)
        self._replies = [reply for reply in self._replies if not self._wire.reply_ready(reply.client_id)]
        self._bus.flush()

    @property
    def _trouble(self) -> str:
        return f"cannot be opened since {iso_time(self._since_s)}: {self._reason}"

    def _health(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        waits = {"name": "orchestrator", "ok": False, "detail": "waits for the store, and begins when it can be opened"}
        store = {"name": "store", "ok": False, "detail": self._trouble}
        return {"ready": False, "components": [waits, store]}
