"""The collector's loop: take the workers' rows, hand them to the orchestrator, say how that goes. One thread."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable
from concurrent.futures import Future

from hedgerow_idl import AnswerCode, Command, CommandKind, NodeState
from hedgerow_idl.codec import CodecError
from hedgerow_idl.telemetry import TelemetryBatch
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.collecting.announcement import CollectorAnnouncement
from hedgerow_nodes.collecting.buffer import Buffer
from hedgerow_nodes.collecting.configuration import CollectorConfiguration
from hedgerow_nodes.collecting.delivery import Delivery
from hedgerow_nodes.core import configuration
from hedgerow_nodes.core.bus import Bus
from hedgerow_nodes.core.identity import Identity
from hedgerow_nodes.core.lifecycle import TransitionRefused, Trigger, next_state

LONGEST_WAIT_S = 0.2
_POSTS_AT_ONCE = 64

Post = tuple[TelemetryBatch, "Future[None]"]


class CollectorLoop:
    """Runs the collector on a bus until it is told to leave.

    Args:
        bus: its place on the bus; closed by `close`.
        identity: who it is.
        settings: how much it holds, and how often it reports.
        now: the wall clock, seconds since the Unix epoch, for stamps.
        clock: the monotonic clock, for durations.
    """

    def __init__(
        self,
        bus: Bus,
        identity: Identity,
        settings: CollectorConfiguration,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = NodeState.INITIALIZING
        self.left = False
        self.settings = settings
        self._bus = bus
        self._identity = identity
        self._clock = clock
        self._log = logging.getLogger(f"hedgerow.node.{identity.name}")
        self.buffer = Buffer(settings.held_bytes, settings.report_bytes)
        client_id = f"collector-{identity.node_id}-{identity.incarnation}"
        self._delivery = Delivery(self.buffer, client_id, settings.report_period_s, settings.report_bytes)
        self._batches = bus.reader(BY_NAME["hedgerow/telemetry"])
        self._commands = bus.reader(BY_NAME["hedgerow/command"], partition=identity.node_id)
        self._replies = bus.reader(BY_NAME["hedgerow/reply"], partition=client_id)
        self._requests = bus.writer(BY_NAME["hedgerow/request"])
        self._said = CollectorAnnouncement(bus, identity, now, clock)
        self._posts: queue.SimpleQueue[Post] = queue.SimpleQueue()
        self._unstored: list[Post] = []
        self._leave_asked = False
        self._told_trouble = self._told_fault = ""
        self._told_dropped = 0
        self._said.announce(settings)
        self.state = next_state(self.state, Trigger.READY)

    def run(self) -> None:
        """Go round until the node leaves."""
        while not self.left:
            self.step(LONGEST_WAIT_S)
            if self._leave_asked:
                self._leave()

    def step(self, timeout_s: float) -> None:
        """One round: wait at most this long for something to arrive, then handle all that is there."""
        if self._clock() >= self._said.next_due_at_s:
            self._say()
        self._bus.flush()
        self._bus.wait(max(0.0, min(timeout_s, self._next_due_at_s() - self._clock())))
        for received in self._batches.take():
            self.buffer.put(received.sample, received.raw)
        self._take_posts()
        for received in self._commands.take():
            self._on_command(received.sample)
        for received in self._replies.take():
            self._delivery.on_reply(received.sample, self._clock())
        self._settle_posts()
        if self.state is NodeState.IDLE:
            request = self._delivery.due(self._clock())
            if request is not None:
                self._requests.write(request)

    def post(self, batch: TelemetryBatch) -> Future[None]:
        """Take in rows from elsewhere; from any thread. The future is done when the store has them."""
        future: Future[None] = Future()
        self._posts.put((batch, future))
        self._bus.wake()
        return future

    def ask_to_leave(self) -> None:
        """Leave at the end of the round; may be called from a signal handler or another thread."""
        self._leave_asked = True

    def close(self) -> None:
        """Say goodbye and leave the bus. What is held is on the workers' rings still, for the next start."""
        if self.buffer.held_rows:
            self._log.info("%s: leaves %d rows to its next start", self._identity.name, self.buffer.held_rows)
        self._said.goodbye()
        self._bus.flush()
        self._bus.close()

    # --- posts ----------------------------------------------------------------------------------------------------

    def _take_posts(self) -> None:
        for _ in range(_POSTS_AT_ONCE):
            try:
                batch, future = self._posts.get_nowait()
            except queue.Empty:
                return
            try:
                self.buffer.put(batch)
            except CodecError as error:
                future.set_exception(error)
                continue
            self._unstored.append((batch, future))

    def _settle_posts(self) -> None:
        waiting = []
        for batch, future in self._unstored:
            rows = len(batch.systems) + len(batch.processes) + len(batch.packets)
            if self.buffer.is_stored(batch.source_id, batch.first_row, batch.first_row + rows):
                future.set_result(None)
            elif not future.cancelled():
                waiting.append((batch, future))
        self._unstored = waiting

    # --- commands -------------------------------------------------------------------------------------------------

    def _on_command(self, command: Command) -> None:
        if command.incarnation not in (0, self._identity.incarnation):
            return  # for another process under the same id, which answers it
        if command.kind is CommandKind.CONFIGURE:
            self._on_configure(command)
        elif command.kind in (CommandKind.RUN, CommandKind.CANCEL, CommandKind.PREEMPT):
            reason = f"{self._identity.name} is no stage of a pipeline"
            self._said.answer(command, self.state, AnswerCode.REFUSED, reason)
        else:
            self._on_lifecycle(command, Trigger[command.kind.name])

    def _on_configure(self, command: Command) -> None:
        try:
            self.settings = configuration.changed_by_json(self.settings, command.body)
        except configuration.ConfigurationInvalid as error:
            self._said.answer(command, self.state, AnswerCode.REFUSED, str(error))
            return
        self.buffer.limit_bytes, self.buffer.piece_bytes = self.settings.held_bytes, self.settings.report_bytes
        self._delivery.period_s = self.settings.report_period_s
        self._delivery.report_bytes = self.settings.report_bytes
        self._said.announce(self.settings)
        body = configuration.to_json(self.settings)
        self._said.answer(command, self.state, AnswerCode.ACCEPTED, body=body)

    def _on_lifecycle(self, command: Command, trigger: Trigger) -> None:
        """STOP holds what comes and reports nothing; START and RESET go on."""
        try:
            self.state = next_state(self.state, trigger)
        except TransitionRefused as error:
            self._said.answer(command, self.state, AnswerCode.REFUSED, str(error))
            return
        if trigger in (Trigger.STOP, Trigger.RESET):
            self._delivery.ask_again()
        if trigger in (Trigger.START, Trigger.RESET) and self.state is NodeState.INITIALIZING:
            self.state = next_state(self.state, Trigger.READY)
        self.left |= trigger is Trigger.TERMINATE
        self._said.answer(command, self.state, AnswerCode.ACCEPTED)
        self._say()

    def _leave(self) -> None:
        if not self.left:
            self.left = True
            self.state = next_state(self.state, Trigger.TERMINATE)
            self._say()

    # --- status ---------------------------------------------------------------------------------------------------

    def _say(self) -> None:
        held, trouble = self.buffer, self._delivery.trouble
        told = {"held": held.held_rows, "stored": held.delivered_rows, "repeated": held.repeated_rows}
        told |= {"dropped": held.dropped_rows, "refused": held.refused_rows, "lost by sources": held.lost_rows}
        detail = ", ".join(f"{rows} rows {what}" for what, rows in told.items() if rows or what in ("held", "stored"))
        if self.state is NodeState.INITIALIZING:
            detail = f"stopped; START brings it back; {detail}"
        self._log_changes(trouble)
        self._said.status(
            self.state,
            queued=held.held_rows,
            completed=held.delivered_rows,
            malformed=self._batches.malformed + self._commands.malformed + self._replies.malformed,
            detail=detail,
            error=trouble or held.fault,
        )

    def _log_changes(self, trouble: str) -> None:
        name, held = self._identity.name, self.buffer
        if trouble != self._told_trouble:
            if trouble:
                self._log.warning("%s: rows cannot be stored now, they are held: %s", name, trouble)
            else:
                self._log.info("%s: rows are stored again, %d are held", name, held.held_rows)
            self._told_trouble = trouble
        if held.fault != self._told_fault:
            self._told_fault = held.fault
            self._log.error("%s: rows are left out: %s", name, held.fault)
        if held.dropped_rows and not self._told_dropped:
            self._log.error("%s: more than %d bytes of rows, the oldest are dropped", name, held.limit_bytes)
        self._told_dropped = held.dropped_rows

    def _next_due_at_s(self) -> float:
        if self.state is not NodeState.IDLE:
            return self._said.next_due_at_s
        return min(self._said.next_due_at_s, self._delivery.next_due_at_s)
