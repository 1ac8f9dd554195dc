"""The orchestrator's loop: take all, step the engine, commit once, then write what follows, and wait again."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from hedgerow_idl import NodeInfo, TaskId
from hedgerow_idl.codec import codec_of
from hedgerow_idl.plain import to_json
from hedgerow_idl.topics import Topic
from hedgerow_nodes.core.bus import Bus, Received
from hedgerow_orchestrator.desk import Desk
from hedgerow_orchestrator.effects import EventLog, Step
from hedgerow_orchestrator.engine import Engine
from hedgerow_orchestrator.loop import Loop, go_on
from hedgerow_orchestrator.node_watch import NodeWatch
from hedgerow_orchestrator.older_samples import present
from hedgerow_orchestrator.pipeline import Pipeline
from hedgerow_orchestrator.presence import Presence
from hedgerow_orchestrator.recovery import recover, with_present_messages
from hedgerow_orchestrator.registry import Registry
from hedgerow_orchestrator.replies import Replies
from hedgerow_orchestrator.serving.serving_desk import Serving
from hedgerow_orchestrator.stay_awake import LINGER_S, StayAwake
from hedgerow_orchestrator.store.changes import OutputAdded, TaskRow
from hedgerow_orchestrator.store.errors import StoreError, StoreUnavailable
from hedgerow_orchestrator.store.writer import Store
from hedgerow_orchestrator.store_guard import StoreGuard
from hedgerow_orchestrator.telemetry_desk import TelemetryDesk
from hedgerow_orchestrator.verbs import Verbs
from hedgerow_orchestrator.wire import SOURCES, Wire

TICK_S = 0.1
"""The longest wait: time-outs, retries and signals are seen this late at most."""

SOON_S = 0.005
"""The wait while a reply waits for the disk, or for its reader."""

AWAKE_S = 0.0003
"""While a task is in hand the loop does not sleep at once: most answers of a quick node come within this time."""

OUTPUTS_A_PASS = 80
"""Of more the nodes would idle, with nothing in hand, while they are handled; of less each pass has its fixed cost."""

NODE_ANSWER_S = 4.0

log = logging.getLogger("hedgerow.orchestrator")


class Orchestrator:
    """Owns the state of the system. One thread, one commit a pass; whatever is told to anybody is stored first.

    Args:
        bus: its place on the bus; closed by `close`.
        store: the only writer's store; closed by `close`.
        pipeline: the stages of new tasks.
        presence: its announcement, made before; it serves from now on.
        now: the wall clock, seconds since the Unix epoch, for stamps.
        clock: the monotonic clock, for durations.
        skipped_ids: how many ids of problems and iterations are left out; see `power_cut`.
        awake: keeps processors from deep sleep; by default as the environment's setting says.
    """

    def __init__(
        self,
        bus: Bus,
        store: Store,
        pipeline: Pipeline,
        presence: Presence,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        skipped_ids: int = 0,
        awake: StayAwake | None = None,
    ) -> None:
        self.rival: NodeInfo | None = None
        self._presence = presence
        self._bus = bus
        self._store = store
        self._pipeline = pipeline
        self._now = now
        self._clock = clock
        self._wire = Wire(bus)
        self._awake = StayAwake() if awake is None else awake
        self._guard = StoreGuard(store, clock)
        # What the passes' clock is behind the real one: while nothing could be stored it stood still.
        self._stood_still_s = 0.0
        registry = Registry()
        self._log = EventLog(store.last_ids().event_id)
        self._engine = Engine(registry, SOURCES)
        self._serving = Serving(self._wire, store, clock)
        self._watch = NodeWatch(self._wire, registry, self._engine, presence.rivals, self._serving.on_node)
        self._verbs = Verbs(
            engine=self._engine,
            registry=registry,
            store=store,
            pipeline=pipeline,
            malformed=lambda: self._wire.malformed,
            store_component=self._guard.component,
            processors=lambda: self._awake.detail,
            skipped_ids=skipped_ids,
        )
        self._telemetry = TelemetryDesk(store, registry)
        self._desk = Desk(self._verbs.table() | self._serving.table() | self._telemetry.table())
        self._loop = Loop(store.accepted_plain, self._verbs.follow_on)
        self._replies = Replies(self._wire, store, clock)
        # Taken from the bus and not handled yet.
        self._outputs: deque[tuple[Topic, Received[Any]]] = deque()
        self._held: Step | None = None
        step = self._new_step()
        recovered = recover(store, self._engine, pipeline, step.clock_s)
        self._serving.recover(step, store.serving())
        step.event("orchestrator.started", body={"recovered_tasks": recovered})
        presence.serve()
        self._finish(step)

    def run(self, stopping: threading.Event) -> None:
        """Go round until `stopping` is set, or until `rival` is there, for which this orchestrator has to leave."""
        while not stopping.is_set() and self.rival is None:
            self.step(TICK_S)

    def step(self, timeout_s: float) -> None:
        """One pass: wait at most this long for something to arrive, then handle all that is there."""
        self._bus.flush()
        if self._held is not None:
            self._wait_for_store(self._held)
            return
        if self._replies.sync_if_due(self._engine.active):
            self._bus.flush()
        if self._outputs:
            self._wire.wait(0.0)
        elif not self._look(SOON_S if self._replies.pending else timeout_s):
            return
        step = self._new_step()
        self._verbs.next_pass(step)
        self._serving.next_pass(step)
        self._telemetry.next_pass(step)
        for _ in range(min(OUTPUTS_A_PASS, len(self._outputs))):
            self._handle_output(step, *self._outputs.popleft())
        if not self._outputs:
            self._watch.handle(step)
            self._serving.handle(step)
        self._make_way()
        self._take_answers(step)
        self._go_on(step)
        for received in self._wire.take(self._wire.requests):
            self._replies.add(self._desk.handle(received.sample, step.clock_s + NODE_ANSWER_S))
        while (key := self._engine.next_to_admit()) is not None:
            if not self._admit(step, key):
                break
        self._engine.tick(step, self._wire.reachable)
        for reply in self._serving.tick(step, self._desk):
            self._replies.add(reply)
        self._finish(step)
        self._presence.beat(step.now_s, self._engine.active, self._engine.waiting)

    def close(self) -> None:
        """Leave the bus and close the store; running tasks go on and are adopted at the next start."""
        self._replies.sync()
        if self._held is not None:
            log.error("orchestrator: ends with %d changes not stored, and told to nobody", len(self._held.changes))
        self._presence.goodbye()
        self._bus.close()
        self._store.close()
        self._awake.release()

    def _new_step(self) -> Step:
        return Step(self._now(), self._clock() - self._stood_still_s, self._log)

    def _make_way(self) -> None:
        self.rival = self._presence.rivals.stays()

    # --- what arrives ---------------------------------------------------------------------------------------------

    def _look(self, timeout_s: float) -> bool:
        """Wait and take what has arrived; False if only the time is over after which processors may sleep again."""
        lingers = self._awake.held and timeout_s > LINGER_S
        came = self._wire.wait(LINGER_S if lingers else timeout_s, AWAKE_S if self._engine.active else 0.0)
        if lingers and not came:
            self._awake.release()
            return False
        self._watch.look()
        self._serving.look()
        self._outputs.extend(self._wire.outputs())
        if self._outputs:
            self._awake.hold()
        return True

    def _handle_output(self, step: Step, topic: Topic, received: Received[Any]) -> None:
        header = received.sample.header
        output = OutputAdded(
            problem_id=header.task.problem_id,
            iteration_id=header.task.iteration_id,
            stage=header.stage,
            attempt=header.attempt,
            accepted=False,
            type_name=str(topic.type.__idl_typename__),
            topic=topic.name,
            node_id=header.node_id,
            at_s=header.stamped_at_s,
            cdr=received.raw,
            plain=to_json(received.sample),
        )
        self._engine.on_output(step, output, header)

    def _take_answers(self, step: Step) -> None:
        for received in self._wire.take(self._wire.answers):
            self._engine.on_answer(step, received.sample)
            self._replies.add(self._verbs.answered(self._desk, received.sample))
        for reply in self._desk.give_up(step.clock_s):
            self._replies.add(reply)

    def _admit(self, step: Step, key: tuple[int, int]) -> bool:
        """Begin a task; False if the store cannot be read now, and the task stays the next."""
        try:
            self._awake.hold()
            if not self._engine.admit(step, key, self._waiting_row, self._pipeline):
                log.error("orchestrator: task %d.%d is in the line but not in the store", *key)
        except StoreUnavailable as error:
            log.error("orchestrator: the store cannot be read, task %d.%d waits: %s", *key, error)
            return False
        return True

    def _waiting_row(self, key: tuple[int, int]) -> TaskRow | None:
        row = self._verbs.task_row(*key)
        return None if row is None else with_present_messages(self._store, row)

    # --- what goes out --------------------------------------------------------------------------------------------

    def _finish(self, step: Step) -> None:
        """Store the pass, then tell what follows; a pass that cannot be stored now is held, and told to nobody."""
        if self._go_on(step) and self._guard.commit(step.changes):
            self._send(step)
        else:
            self._held = step

    def _go_on(self, step: Step) -> bool:
        """Open what follows of the tasks that ended; False if the store cannot be read now, and the rest waits."""
        try:
            go_on(step, self._loop.follow)
        except StoreUnavailable as error:
            self._guard.unreadable(error)
            return False
        return True

    def _wait_for_store(self, held: Step) -> None:
        """One round while a pass is held: try again, else answer what needs no store and refuse what does.

        What nodes say stays in its readers, which are deep enough for all that nodes have in hand.
        """
        time.sleep(self._guard.pause_s)
        self._presence.beat(self._now(), self._engine.active, self._engine.waiting)
        lasted_s = self._guard.lasted_s
        if not (self._go_on(held) and self._guard.commit(held.changes)):
            self._answer_without_store()
            return
        self._held = None
        # The work is not to blame: what was due by the clock is due that much later.
        self._stood_still_s += lasted_s
        for command in held.commands:
            command.deadline_at_s += lasted_s
        self._send(held)

    def _answer_without_store(self) -> None:
        unstored = self._replies.unstored
        for received in self._wire.requests.take():
            self._replies.add_stored(self._desk.meanwhile(received.sample, unstored, self._guard.trouble))
        self._replies.sync()

    def _send(self, step: Step) -> None:
        for task in step.begin:
            for topic in SOURCES.values():
                self._send_input(task, topic)
        for task, topic in step.resend:
            self._send_input(task, topic)
        for command in step.commands:
            self._wire.command(command)
        for order in step.orders:
            self._wire.order(order)
        for event in step.events:
            self._wire.event(event)
        self._replies.stored(durable=step.durable)

    def _send_input(self, task: TaskId, topic: str) -> None:
        """Write an input of a task: the user's, the baselines, or a stage's output from the store, the history."""
        run = self._engine.run_of((task.problem_id, task.iteration_id))
        if run is None:
            return
        if topic == SOURCES["user_input"]:
            self._wire.publish(topic, run.row.user_input)
        elif topic == SOURCES["baselines"]:
            self._wire.publish(topic, run.row.baselines)
        else:
            stages = [name for name, stage in run.stages.items() if stage.topic == topic]
            for stage in stages:
                self._send_output(run.key, stage, topic)

    def _send_output(self, key: tuple[int, int], stage: str, topic: str) -> None:
        try:
            cdr = self._store.accepted_output(*key, stage)
            wire_type = self._wire.type_of(topic)
            if cdr is not None and wire_type is not None:
                sample = present(wire_type, cdr, lambda: self._store.accepted_plain(*key, stage))
                cdr = None if sample is None else codec_of(wire_type).encode(sample)
        except StoreError as error:
            # The node asks again after its grace, so nothing is lost while the store is away.
            log.error("orchestrator: output of task %d.%d cannot be sent again now: %s", *key, error)
            return
        if cdr is not None:
            self._wire.publish(topic, cdr)
