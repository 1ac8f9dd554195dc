"""Request and reply over the bus: how the front end and other clients ask the orchestrator."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import Any

from hedgerow_idl import Event, Reply, ReplyStatus, Request
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.core.bus import Bus, Reader, Writer
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment

RESEND_S = 0.25
"""A request is written again this often until it is answered: commands are volatile, so one that is written while the
orchestrator restarts would be lost. The orchestrator answers the same request id from memory."""

_LONGEST_WAIT_S = 0.2
log = logging.getLogger("hedgerow.bus")


class OrchestratorUnreachable(Exception):
    """No answer came in time."""


@dataclass(frozen=True)
class Answer:
    """How a request ended, and its JSON body."""

    status: ReplyStatus
    body: dict[str, Any]


@dataclass
class _Pending:
    request: Request
    future: Future[Answer]
    write_at_s: float


class RequestClient:
    """Asks the orchestrator; may be called from any number of threads.

    Args:
        environment: which domain to join.
        name: a readable name that becomes part of the client's id.
        bus: for tests; otherwise the client joins the domain itself.
    """

    def __init__(self, environment: Environment, name: str, bus: Bus | None = None) -> None:
        self._id = f"{name}-{uuid.uuid4()}"
        self._bus = CycloneBus(environment) if bus is None else bus
        self._lock = threading.Lock()
        self._pending: dict[str, _Pending] = {}
        self._callbacks: list[Callable[[Event], None]] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="request-client", daemon=True)
        self._thread.start()

    def call(self, verb: str, body: dict[str, Any], timeout_s: float = 5.0) -> Answer:
        """Ask and wait for the answer.

        Raises:
            OrchestratorUnreachable: none came within `timeout_s`.
        """
        request = Request(request_id=str(uuid.uuid4()), client_id=self._id, verb=verb, body=json.dumps(body))
        future: Future[Answer] = Future()
        with self._lock:
            self._pending[request.request_id] = _Pending(request, future, 0.0)
        self._bus.wake()
        try:
            return future.result(timeout_s)
        except FutureTimeout:
            raise OrchestratorUnreachable(
                f"the orchestrator did not answer {verb!r} within {timeout_s:g} s; is it running in this DDS domain?"
            ) from None
        finally:
            with self._lock:
                self._pending.pop(request.request_id, None)

    def on_event(self, callback: Callable[[Event], None]) -> None:
        """Call this with every event, in the client's own thread; keep it short. Events are read only if asked for."""
        self._callbacks.append(callback)
        self._bus.wake()

    def close(self) -> None:
        """Leave the bus; calls that wait end with `OrchestratorUnreachable`."""
        self._closing.set()
        self._bus.wake()
        self._thread.join(2.0)

    def _loop(self) -> None:
        requests: Writer[Request] = self._bus.writer(BY_NAME["hedgerow/request"])
        replies = self._bus.reader(BY_NAME["hedgerow/reply"], partition=self._id)
        events: Reader[Event] | None = None
        while not self._closing.is_set():
            for request in self._due():
                requests.write(request)
            self._bus.flush()
            self._bus.wait(_LONGEST_WAIT_S)
            for received in replies.take():
                self._on_reply(received.sample)
            if events is None and self._callbacks:
                events = self._bus.reader(BY_NAME["hedgerow/event"])
            for event in events.take() if events is not None else ():
                for callback in self._callbacks:
                    callback(event.sample)
        self._bus.close()

    def _due(self) -> list[Request]:
        """The requests that are new, or have waited long enough to be written again."""
        now = time.monotonic()
        with self._lock:
            due = [pending for pending in self._pending.values() if pending.write_at_s <= now]
            for pending in due:
                pending.write_at_s = now + RESEND_S
            return [pending.request for pending in due]

    def _on_reply(self, reply: Reply) -> None:
        with self._lock:
            pending = self._pending.get(reply.request_id)
        if pending is None or pending.future.done():
            return
        try:
            body = json.loads(reply.body) if reply.body else {}
        except json.JSONDecodeError as error:
            log.warning("bus: reply to %s is no JSON and was ignored: %s", reply.request_id, error)
            return
        pending.future.set_result(Answer(reply.status, body))
