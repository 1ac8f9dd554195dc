"""The loop of a worker: wait, take all, hand over to host and data plane, tell how it is, and wait again."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from pathlib import Path

from hedgerow_idl import AnswerCode, Command, CommandKind, NodeState
from hedgerow_idl.serve import InstanceState, ItemKind, OrderCode
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.core import configuration as configurations
from hedgerow_nodes.core.announcement import Announcement, Described
from hedgerow_nodes.core.answers import CommandAnswers
from hedgerow_nodes.core.bus import Bus, Kind
from hedgerow_nodes.core.executor import WorkerExecutor
from hedgerow_nodes.core.identity import Identity
from hedgerow_nodes.core.lifecycle import TransitionRefused, Trigger, next_state
from hedgerow_nodes.worker_side.capabilities import Machine, trouble_with
from hedgerow_nodes.worker_side.configuration import WorkerConfiguration
from hedgerow_nodes.worker_side.data_plane import DataPlane
from hedgerow_nodes.worker_side.gpus import GpuMeter
from hedgerow_nodes.worker_side.hosting import Hosting, MakeHost
from hedgerow_nodes.worker_side.item_stream import Delivered
from hedgerow_nodes.worker_side.items import Items
from hedgerow_nodes.worker_side.links import LinkBook
from hedgerow_nodes.worker_side.measuring import Measuring
from hedgerow_nodes.worker_side.order_book import OrderBook
from hedgerow_nodes.worker_side.orders import Orders
from hedgerow_nodes.worker_side.peers import Change, Peers, What
from hedgerow_nodes.worker_side.plan_book import PlanBook
from hedgerow_nodes.worker_side.profiling import Profiling
from hedgerow_nodes.worker_side.reports import Reports

LONGEST_WAIT_S = 0.2
STARTING_LOOK_S = 0.02
KIND = "worker"
SENTENCE = "Host handler instances, move their items, and say how machine, links and instances are."

log = logging.getLogger("hedgerow.worker")


class WorkerLoop:
    """Runs one worker on a bus until it is told to leave.

    Args:
        configuration: what it is told to be.
        bus: its place on the bus; closed by `close`.
        identity: who it is.
        folder: where it and its instances keep files.
        machine: what its machine can do.
        make_host: makes what runs the instances.
        now: the wall clock, for stamps.
        clock: the monotonic clock, for durations.
        models: where models are kept, by uploads as well; `models` in the folder where none is given.
    """

    def __init__(
        self,
        configuration: WorkerConfiguration,
        bus: Bus,
        identity: Identity,
        folder: Path,
        machine: Machine,
        make_host: MakeHost,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        models: Path | None = None,
    ) -> None:
        self.identity = identity
        self.configuration = configuration
        self.state = NodeState.INITIALIZING
        self.left = False
        self._bus, self._clock = bus, clock
        self._folder, self._machine, self._make_host = folder, machine, make_host
        self._host: Hosting | None = None
        self._is_ready = False
        self._leave_asked = False
        self._commands = bus.reader(BY_NAME["hedgerow/command"], partition=identity.node_id)
        self._order_reader = bus.reader(BY_NAME["hedgerow/service_order"], partition=identity.node_id)
        self._answer_writer = bus.writer(BY_NAME["hedgerow/service_answer"])
        self._peer_reader = bus.reader(BY_NAME["hedgerow/worker_info"])
        self._peer_statuses = bus.reader(BY_NAME["hedgerow/worker_status"])
        self._answers = CommandAnswers(bus, identity)
        self._said = Announcement(self._described, bus, identity, now, clock)
        self._plans, self._peers, self._links = PlanBook(), Peers(), LinkBook()
        self._gpus = GpuMeter()
        self._reports = Reports(bus, identity, machine, self._gpus, folder, lambda: self.configuration, now, clock)
        self._items = Items(self._plans, self._reports.add_rows, self._incoming, bus.wake, now)
        self._data = DataPlane(
            bus,
            identity.node_id,
            self._items.arrived,
            self._on_delivered,
            lambda _to, items, _why: self._items.lost(items),
            clock,
        )
        self._items.connect(self._data)
        self._measuring = Measuring(self._data.send, self._peers.__contains__, self._links, self._on_measured)
        self._profiling = Profiling(models or folder / "models", lambda: self.configuration.execution_providers)
        self._executor = WorkerExecutor(bus.wake)
        self._orders = Orders(
            OrderBook(identity.node_id, identity.incarnation),
            self._plans,
            self._measuring,
            self._profiling,
            self._executor,
            lambda nodes: self._data.open_to(node for node in nodes if node in self._peers),
            self._on_deleted,
            self._answer_writer.write,
        )
        self._said.malformed = lambda: self._data.malformed + self._order_reader.malformed + self._commands.malformed
        self._said.announce()
        self._begin_start()

    def run(self) -> None:
        """Go round until the worker leaves."""
        while not self.left:
            self.step(LONGEST_WAIT_S)
            if self._leave_asked:
                self.leave()

    def step(self, timeout_s: float) -> None:
        """One round: say what is due, wait at most this long for something to arrive, then handle all that is there."""
        self._tell()
        self._bus.flush()
        self._bus.wait(max(0.0, min(timeout_s, self._next_due_at_s() - self._clock())))
        self._look_at_peers()
        for received in self._commands.take():
            self._on_command(received.sample)
        for order in self._order_reader.take():
            self._orders.take(order.sample)
        self._look_at_host()
        self._orders.look()
        self._measuring.step(self._clock())
        self._data.step()

    def ask_to_leave(self) -> None:
        """Leave at the end of the round; may be called from a signal handler or another thread."""
        self._leave_asked = True

    def leave(self) -> None:
        """End all instances and leave after this round, as TERMINATE does."""
        if not self.left:
            self.left = True
            self._move(Trigger.TERMINATE)

    def close(self) -> None:
        """End what runs here, say goodbye, leave the bus."""
        self._said.write_status(self.state, self._orders.open, None, force=True)
        self._bus.flush()
        self._profiling.cancel()
        self._close_host("the worker leaves", comes_back=False)
        self._reports.close()
        self._executor.close()
        self._said.goodbye()
        self._bus.flush()
        self._bus.close()

    # --- commands -----------------------------------------------------------------------------------------------

    def _on_command(self, command: Command) -> None:
        if command.incarnation not in (0, self.identity.incarnation):
            return  # for another process under the same id, which answers it
        if command.kind is CommandKind.CONFIGURE:
            self._on_configure(command)
        elif command.kind in (CommandKind.RUN, CommandKind.CANCEL, CommandKind.PREEMPT):
            reason = f"{command.kind.name} is for stages of a task; worker {self.identity.name} takes service orders"
            self._answers.answer(command, self.state, AnswerCode.REFUSED, reason)
        else:
            self._on_lifecycle(command, Trigger[command.kind.name])

    def _on_configure(self, command: Command) -> None:
        try:
            told = configurations.changed_by_json(self.configuration, command.body)
            trouble = trouble_with(told, self._machine)
            if not trouble and told.handler_modules != self.configuration.handler_modules and self._has_instances():
                trouble = "handler_modules cannot change while instances run here; delete their services first"
            wanted_s, lease_s = told.refresh_deadline_s, self.configuration.refresh_deadline_s
            if wanted_s != lease_s:
                why = f"it is {lease_s:g}, the lease of the worker's place on the bus, which cannot change meanwhile"
                trouble = f"refresh_deadline_s={wanted_s:g} refused: {why}; restart the worker with it"
            if trouble:
                raise configurations.ConfigurationInvalid(trouble)
        except configurations.ConfigurationInvalid as error:
            self._answers.answer(command, self.state, AnswerCode.REFUSED, str(error))
            return
        is_other_host = told.handler_modules != self.configuration.handler_modules and not self._said.stopped
        self.configuration = told
        self._said.announce()
        if is_other_host:
            self._begin_again(Trigger.RESET, "the worker was given other handler modules")
        elif self._is_ready:
            self._announce()
        body = configurations.to_json(told)
        self._answers.answer(command, self.state, AnswerCode.ACCEPTED, body=body)

    def _on_lifecycle(self, command: Command, trigger: Trigger) -> None:
        try:
            next_state(self.state, trigger)
        except TransitionRefused as error:
            self._answers.answer(command, self.state, AnswerCode.REFUSED, str(error))
            return
        if trigger is Trigger.TERMINATE:
            self.leave()
        elif trigger is Trigger.START:
            self._said.stopped = False
            if self.state is NodeState.INITIALIZING and self._host is None:
                self._begin_start()
        else:
            self._said.stopped = trigger is Trigger.STOP
            self._begin_again(trigger, f"worker {self.identity.name} was told to {trigger}")
        self._answers.answer(command, self.state, AnswerCode.ACCEPTED)

    def _begin_again(self, trigger: Trigger, why: str) -> None:
        self._close_host(why, comes_back=trigger is Trigger.RESET)
        self._move(trigger)
        if trigger is Trigger.RESET:
            self._begin_start()

    # --- the host -----------------------------------------------------------------------------------------------

    def _begin_start(self) -> None:
        modules = self.configuration.handler_modules
        self._host = self._make_host(self._folder, modules, self._bus.wake, self._items.outgoing)
        self._reports.watch(self._host.processes)

    def _look_at_host(self) -> None:
        if self._host is None:
            return
        if not self._is_ready:
            if self._host.catalogue() is not None:
                self._is_ready = True
                self._move(Trigger.READY)
                self._announce()
                self._orders.host_is(self._host)
            return
        statuses = self._reports.look(self._host.statuses)
        runs = any(status.state is InstanceState.RUNNING for status in statuses)
        if runs and self.state is NodeState.IDLE:
            self._move(Trigger.BEGIN)
        elif not runs and self.state is NodeState.RUNNING:
            self._move(Trigger.END)

    def _close_host(self, why: str, *, comes_back: bool) -> None:
        host, self._host, self._is_ready = self._host, None, False
        if host is None:
            return
        self._reports.watch(None)
        host.close()
        self._orders.look()
        self._orders.host_is_gone(why, comes_back=comes_back)
        self._data.drop(lambda item: item.kind is not ItemKind.PROBE, why)
        self._plans.clear()
        self._reports.add_rows(host.take_rows())
        self._reports.look(list)

    def _has_instances(self) -> bool:
        ended = (InstanceState.ENDED, InstanceState.FAILED)
        return self._host is not None and any(one.state not in ended for one in self._host.statuses())

    def _incoming(self, header: dict[str, object], payload: memoryview) -> None:
        if self._host is not None:
            self._host.incoming(header, payload)

    # --- what others do, and what is done ------------------------------------------------------------------------

    def _look_at_peers(self) -> None:
        clock_s, statuses = self._clock(), self._peer_statuses.take_raw()
        ends = [taken for taken in statuses if taken[0] is not Kind.DATA]
        changes = self._peers.see([*self._peer_reader.take(), *self._peer_statuses.decoded(ends)], clock_s)
        if self._peers.misses_any:
            # Only then: a status is long, and its announcement has told already that a worker is there.
            changes += self._peers.see(self._peer_statuses.decoded(statuses), clock_s)
        for change in [*changes, *self._peers.overdue(clock_s)]:
            self._on_peer(change)

    def _on_peer(self, change: Change) -> None:
        node_id = change.node_id
        if change.why:
            log.info("worker: of worker %s: %s", node_id, change.why)
        if self._host is not None:
            # First: what comes back as a credit from those below would be taken for what has arrived.
            if change.what in (What.GIVEN_UP, What.OVER):
                self._host.node_gone(node_id, change.incarnation, is_over=change.what is What.OVER)
            elif change.what is What.BACK:
                self._host.node_back(node_id)
        if change.what is What.CAME:
            self._data.came(node_id)
        elif change.what is What.MISSING:
            self._data.missing(node_id)
        elif change.what is What.BACK:
            self._data.back(node_id)
        elif change.what is What.GIVEN_UP:
            self._data.gave_up(node_id, change.why)
        else:
            self._data.gone(node_id, change.why)
            self._links.forget(node_id)

    def _on_delivered(self, to_node_id: str, delivered: Delivered) -> None:
        if delivered.item.kind is ItemKind.PROBE:
            self._measuring.delivered(to_node_id, delivered, self._clock())
            return
        item, clock_s = delivered.item, self._clock()
        self._links.delivered(to_node_id, item.size_bytes, delivered.took_s, clock_s, alone=item.began_alone)
        if delivered.behind_s is not None:
            self._links.followed(to_node_id, delivered.behind_bytes, delivered.behind_s, clock_s)

    def _on_measured(self, command_id: str, body: str) -> None:
        self._orders.settle(command_id, OrderCode.DONE, body=body)
        self._reports.changed()

    def _on_deleted(self, service_id: str, epoch: int) -> None:
        def ended(item: object) -> bool:
            header = getattr(item, "header", {})
            return header.get("service") == service_id and epoch in (0, header.get("epoch"))

        self._data.drop(ended, "its epoch has ended")

    # --- what is told -------------------------------------------------------------------------------------------

    def _described(self) -> Described:
        return Described(KIND, SENTENCE, self.configuration)

    def _announce(self) -> None:
        catalogue = self._host.catalogue() if self._host is not None else None
        self._reports.announce(catalogue or [])

    def _tell(self) -> None:
        self._said.last_progress_at_s = time.time()
        self._said.completed = self._orders.done
        self._said.write_status(self.state, self._orders.open, None)
        if self._host is not None and self._is_ready:
            self._reports.report(self._host.statuses, self._links.figures, self._host.moved, self._host.take_rows)

    def _move(self, trigger: Trigger) -> None:
        self.state = next_state(self.state, trigger)
        self._said.moved_to(self.state)

    def _next_due_at_s(self) -> float:
        starting = math.inf if self._is_ready or self._host is None else self._clock() + STARTING_LOOK_S
        dues = (self._said.next_due_at_s, self._reports.next_due_at_s, self._data.next_due_at_s)
        return min(*dues, self._peers.next_due_at_s, self._measuring.next_due_at_s, starting)
