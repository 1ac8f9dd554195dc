"""The loop of a module node: wait, take all, handle, write, flush, and wait again. One thread, one wait."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hedgerow_idl import AnswerCode, Command, CommandKind, NodeState, Outcome
from hedgerow_idl.topics import BY_NAME, topic_of
from hedgerow_nodes.core import configuration
from hedgerow_nodes.core.announcement import Announcement
from hedgerow_nodes.core.answers import Answers
from hedgerow_nodes.core.bus import Bus
from hedgerow_nodes.core.executor import Done, Executor, InlineExecutor, WorkerExecutor
from hedgerow_nodes.core.identity import Identity
from hedgerow_nodes.core.join import Join
from hedgerow_nodes.core.lifecycle import TransitionRefused, Trigger, next_state
from hedgerow_nodes.core.module_node import INLINE, ModuleNode, described
from hedgerow_nodes.core.task import Cancelled, Refusal, Task
from hedgerow_nodes.core.work_queue import WorkQueue

LONGEST_WAIT_S = 0.2
"""Signals and arrivals end a wait before that."""

STOP_GRACE_S = 1.0
"""How long `close` waits for `on_stop`."""


@dataclass(eq=False)
class Hook:
    """One call of `on_start` or `on_stop`, told apart by identity; after another STOP or RESET it no longer counts."""

    name: str
    counts: bool = True


class NodeLoop:
    """Runs one module node on a bus until it is told to leave.

    Args:
        node: the author's node.
        bus: its place on the bus; closed by `close`.
        identity: who it is.
        now: the wall clock, seconds since the Unix epoch, for stamps.
        clock: the monotonic clock, for durations.
    """

    def __init__(
        self,
        node: ModuleNode,
        bus: Bus,
        identity: Identity,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.node = node
        self.identity = identity
        self.state = NodeState.INITIALIZING
        self.left = False
        self._bus = bus
        self._now = now
        self._clock = clock
        self._log = logging.getLogger(f"hedgerow.node.{identity.name}")
        topics = [topic_of(wire) for wire in node.inputs]
        self._inputs = [bus.reader(topic) for topic in topics]
        self._commands = bus.reader(BY_NAME["hedgerow/command"], partition=identity.node_id)
        # What a task begins with reaches all nodes that read it at once, when those that go first want the processors:
        # it waits in its reader for something else. Another node's output says that this one's turn may be next.
        others = [reader for reader in self._inputs if reader.topic.writer != "orchestrator"]
        self._wakers = (self._commands, *others)
        self._join = Join([topic.name for topic in topics])
        self._queue = WorkQueue(self._join)
        self._answers = Answers(node.output, bus, identity, now)
        self._said = Announcement(lambda: described(node), bus, identity, now, clock)
        self._said.malformed = lambda: sum(reader.malformed for reader in (*self._inputs, self._commands))
        self._executor: Executor = InlineExecutor() if node.execution == INLINE else WorkerExecutor(bus.wake)
        # A node that works inline may do thousands of tasks a second: a line for each would cost more than the work.
        self._done_level = logging.DEBUG if node.execution == INLINE else logging.INFO
        self._current: Task | None = None
        self._starting: Hook | None = None
        self._hooks: list[Hook] = []
        self._leave_asked = False
        self._said.announce()
        self._begin_start()

    def run(self) -> None:
        """Go round until the node leaves."""
        while not self.left:
            self.step(LONGEST_WAIT_S)
            if self._leave_asked:
                self.leave()

    def step(self, timeout_s: float) -> None:
        """One round: wait at most this long for something to arrive, then handle all that is there."""
        self._said.write_status(self.state, len(self._queue), self._current)
        self._bus.flush()
        self._bus.wait(min(timeout_s, self._next_due_in_s()), only=None if self._queue else self._wakers)
        if not self._executor.busy:
            self._said.last_progress_at_s = self._now()
        for index, reader in enumerate(self._inputs):
            for received in reader.take():
                if received.sample.header.outcome is Outcome.SUCCEEDED:
                    self._join.put(index, received.sample)
        for received in self._commands.take():
            self._on_command(received.sample)
        self._settle()
        for command, missing in self._queue.overdue(self._clock()):
            self._answer(command, AnswerCode.MISSING_INPUTS, missing=missing)

    def ask_to_leave(self) -> None:
        """Leave at the end of the round; may be called from a signal handler or another thread."""
        self._leave_asked = True

    def leave(self) -> None:
        """Give up the work in hand and leave after this round, as TERMINATE does."""
        if not self.left:
            self.left = True
            self._move(Trigger.TERMINATE)
            self._give_up_work("TERMINATED", f"node {self.identity.name} leaves")

    def close(self) -> None:
        """Run the node's `on_stop` unless a call is in the way, say goodbye, leave the bus."""
        self._said.write_status(self.state, 0, None, force=True)
        self._bus.flush()
        if not self._executor.busy:
            self._executor.submit(Hook("stop"), self.node.on_stop)
            give_up_at_s = self._clock() + STOP_GRACE_S
            while self._executor.busy and self._clock() < give_up_at_s:
                self._bus.wait(0.05)
                self._executor.finished()
        self._executor.close()
        self._said.goodbye()
        self._bus.flush()
        self._bus.close()

    # --- commands -----------------------------------------------------------------------------------------------

    def _on_command(self, command: Command) -> None:
        if command.incarnation not in (0, self.identity.incarnation):
            return  # for another process under the same id, which answers it
        if command.kind is CommandKind.RUN:
            self._on_run(command)
        elif command.kind in (CommandKind.CANCEL, CommandKind.PREEMPT):
            self._on_cancel(command)
        elif command.kind is CommandKind.CONFIGURE:
            self._on_configure(command)
        else:
            self._on_lifecycle(command, Trigger[command.kind.name])

    def _on_run(self, command: Command) -> None:
        given, needed = len(command.input_attempts), len(self._inputs)
        if self._said.stopped or self.state in (NodeState.ERROR, NodeState.TERMINATING):
            self._answer(command, AnswerCode.REFUSED, f"node {self.identity.name} takes no work now")
        elif given != needed:
            self._answer(command, AnswerCode.REFUSED, f"RUN names {given} inputs, {self.node.kind} has {needed}")
        elif not self._queue.accept(command, self._clock()):
            self._answer(command, AnswerCode.DUPLICATE)

    def _on_cancel(self, command: Command) -> None:
        word = "cancelled" if command.kind is CommandKind.CANCEL else "preempted"
        for waiting in self._queue.cancel(command.task, command.stage):
            self._answers.end(waiting, Outcome.CANCELLED, word.upper(), f"{word} before it began")
        current = self._current
        if current is not None and current.id == command.task and current.stage == command.stage:
            current.cancel()
        self._answer(command, AnswerCode.ACCEPTED)

    def _on_configure(self, command: Command) -> None:
        try:
            self.node.configuration = configuration.changed_by_json(self.node.configuration, command.body)
        except configuration.ConfigurationInvalid as error:
            self._answer(command, AnswerCode.REFUSED, str(error))
            return
        self._said.announce()
        self._answer(command, AnswerCode.ACCEPTED, body=configuration.to_json(self.node.configuration))

    def _on_lifecycle(self, command: Command, trigger: Trigger) -> None:
        try:
            next_state(self.state, trigger)
        except TransitionRefused as error:
            self._answer(command, AnswerCode.REFUSED, str(error))
            return
        if trigger is Trigger.TERMINATE:
            self.leave()
        elif trigger is Trigger.START:
            self._said.stopped = False
            if self.state is NodeState.INITIALIZING:
                self._begin_start()
        else:
            self._give_up_work("STOPPED", f"node {self.identity.name} was told to {trigger}")
            self._move(trigger)
            self._starting = None
            for hook in self._hooks:
                hook.counts = False
            self._call("stop", self.node.on_stop)
            self._said.stopped = trigger is Trigger.STOP
            if trigger is Trigger.RESET:
                self._begin_start()
        self._answer(command, AnswerCode.ACCEPTED)

    def _answer(
        self,
        command: Command,
        code: AnswerCode,
        reason: str = "",
        body: str = "",
        missing: Sequence[str] = (),
    ) -> None:
        self._answers.answer(command, self.state, code, reason, body, missing)

    # --- work ---------------------------------------------------------------------------------------------------

    def _begin_start(self) -> None:
        if self._starting is None:
            self._starting = self._call("start", self.node.on_start)

    def _call(self, name: str, call: Callable[[], None]) -> Hook:
        hook = Hook(name)
        self._hooks.append(hook)
        self._executor.submit(hook, call)
        return hook

    def _settle(self) -> None:
        """Handle what has ended and begin what can begin, until neither is left."""
        while True:
            finished = self._executor.finished()
            for done in finished:
                if isinstance(done.job, Task):
                    self._on_processed(done.job, done)
                else:
                    self._on_hook(done)
            if not self._begin_next() and not finished:
                return

    def _begin_next(self) -> bool:
        if self.state is not NodeState.IDLE or self._executor.busy:
            return False
        command = self._queue.next_ready()
        if command is None:
            return False
        task = Task(command, self.identity.name, self._progressed)
        inputs = self._join.take(command.task, command.input_attempts)
        self._current = task
        self._move(Trigger.BEGIN)
        self._executor.submit(task, lambda: self.node.process(task, *inputs))
        return True

    def _on_hook(self, done: Done) -> None:
        """`on_start` or `on_stop` has returned, or raised."""
        hook: Hook = done.job
        self._hooks.remove(hook)
        is_start = hook is self._starting
        if is_start:
            self._starting = None
        if done.error is not None:
            self._log.error("%s: on_%s failed: %s", self.identity.name, hook.name, _trace(done.error))
            if not hook.counts:
                return
            self._said.error = f"on_{hook.name}: {_sentence(done.error)}"
            if self.state not in (NodeState.ERROR, NodeState.TERMINATING):
                self._move(Trigger.FAULT)
        elif is_start and self.state is NodeState.INITIALIZING:
            self._said.error = ""
            self._move(Trigger.READY)

    def _on_processed(self, task: Task, done: Done) -> None:
        if self._current is not task:
            return  # given up before, and its end was written then
        self._current = None
        self._move(Trigger.END)
        self._said.completed += 1
        command, error = task.command, done.error
        if task.cancelled:
            self._answers.end(command, Outcome.CANCELLED, "CANCELLED", "cancelled while it ran")
        elif error is None:
            if self._answers.result(command, done.result):
                self._join.drop(task.id)
                took_s = self._clock() - task.began_clock_s
                self._log.log(self._done_level, "%s: task %s done in %.3f s", self.identity.name, task.id, took_s)
        elif isinstance(error, Refusal):
            self._answers.end(command, Outcome.FAILED, error.code, error.reason)
        elif isinstance(error, Cancelled):
            self._answers.end(command, Outcome.FAILED, "EXCEPTION", "the work stopped as if cancelled, but was not")
        else:
            self._log.error("%s: task %s failed: %s", self.identity.name, task.id, _trace(error))
            self._answers.end(command, Outcome.FAILED, "EXCEPTION", _sentence(error))

    def _give_up_work(self, code: str, reason: str) -> None:
        """Write CANCELLED for all work in hand; a call that still runs is told, and its late result is dropped."""
        for waiting in self._queue.clear():
            self._answers.end(waiting, Outcome.CANCELLED, code, reason)
        if self._current is not None:
            self._current.cancel()
            self._answers.end(self._current.command, Outcome.CANCELLED, code, reason)
            self._current = None

    # --- status -------------------------------------------------------------------------------------------------

    def _move(self, trigger: Trigger) -> None:
        self.state = next_state(self.state, trigger)
        self._said.moved_to(self.state)

    def _progressed(self) -> None:
        self._said.progressed()
        self._bus.wake()

    def _next_due_in_s(self) -> float:
        ask_at_s = self._queue.next_ask_at_s()
        due_at_s = self._said.next_due_at_s
        return max(0.0, (due_at_s if ask_at_s is None else min(due_at_s, ask_at_s)) - self._clock())


def _sentence(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip()
