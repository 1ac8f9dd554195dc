"""The task engine: what happens to tasks, stages and attempts when something happens. Pure: no clock, no bus, no store.

A stage goes WAITING -> RUNNING -> SUCCEEDED | FAILED | CANCELLED | TIMED_OUT. Of each attempt the first output counts.
An attempt that ends by an exception or a time-out is a failure, one that ends with its node a loss; both are tried
again as often as the pipeline allows. A refusal is final.
"""

from __future__ import annotations

import itertools
import math
import uuid
from collections.abc import Callable

from hedgerow_idl import AnswerCode, CommandAnswer, Header, NodeState, Outcome
from hedgerow_orchestrator.effects import Step
from hedgerow_orchestrator.hands import Hands, Held
from hedgerow_orchestrator.line import Line
from hedgerow_orchestrator.outcomes import Outcomes
from hedgerow_orchestrator.pipeline import Pipeline
from hedgerow_orchestrator.registry import Node, Registry
from hedgerow_orchestrator.states import StageState, TaskState
from hedgerow_orchestrator.store.changes import OutputAdded, TaskRow
from hedgerow_orchestrator.task_run import Key, StageRun, TaskRun, new_stages

ADMITTED = 192
"""So many tasks are worked on at once; more would only add latency (measured)."""

RESEND_S = 0.5
"""A RUN is written again when the node, this long after, says that it has nothing to do."""

CHECK_EVERY_S = 0.1
"""Time-outs are seen this late at most."""

KEPT_WAITING = 256
"""So many waiting tasks are kept in memory; of the others only their ids."""

CONFIRM_S = 2.0
"""After a restart of the orchestrator a node has this long to show that it is still there."""

_FAILED_BY = {Outcome.FAILED: StageState.FAILED, Outcome.TIMED_OUT: StageState.TIMED_OUT}


class Engine:
    """Holds the tasks that are not finished and decides what follows from each thing that happens.

    Args:
        registry: the nodes, kept by the caller.
        sources: topic of each source that the orchestrator writes itself (`user_input`, `baselines`).
        new_id: makes command ids.
    """

    def __init__(self, registry: Registry, sources: dict[str, str], new_id: Callable[[], str] | None = None) -> None:
        self._registry = registry
        self._sources = sources
        self._waiting: dict[Key, TaskRun | None] = {}
        self._active: dict[Key, TaskRun] = {}
        self._line = Line()
        self._hands = Hands()
        self._outcomes = Outcomes(new_id or _counted_ids(), self._line, self._forget)
        self._confirm_by_s: float | None = None
        self._check_at_s = 0.0
        # When a node of a kind was seen to go: how long none has been there counts from the last one's end.
        self._left_at_s: dict[str, float] = {}
        self.late_outputs = 0

    @property
    def active(self) -> int:
        """How many tasks are being worked on."""
        return len(self._active)

    @property
    def waiting(self) -> int:
        """How many tasks wait for admission."""
        return len(self._waiting)

    def run_of(self, key: Key) -> TaskRun | None:
        """The active task with this key."""
        return self._active.get(key)

    def open_of(self, problem_id: int) -> list[Key]:
        """The iterations of a problem that have not ended."""
        return [key for keys in (self._active, self._waiting) for key in keys if key[0] == problem_id]

    def _forget(self, run: TaskRun) -> None:
        self._active.pop(run.key, None)

    # --- tasks ----------------------------------------------------------------------------------------------------

    def submit(self, step: Step, row: TaskRow, pipeline: Pipeline) -> None:
        """A new task was accepted; it waits until it is admitted."""
        run = TaskRun(row, pipeline, new_stages(row, pipeline))
        step.save(row, *(stage.row for stage in run.stages.values()))
        step.durable = True
        step.event("task.submitted", task=run.id, body={"title": row.title})
        # Of a long line only the ids are kept in memory; the rows are in the store.
        self._waiting[run.key] = run if len(self._waiting) < KEPT_WAITING else None

    def next_to_admit(self) -> Key | None:
        """The next waiting task, if there is room for it."""
        return next(iter(self._waiting), None) if len(self._active) < ADMITTED else None

    def admit(self, step: Step, key: Key, load: Callable[[Key], TaskRow | None], pipeline: Pipeline) -> bool:
        """Begin the next waiting task: its input goes out, and its stages may run.

        Args:
            step: the pass.
            key: what `next_to_admit` gave.
            load: reads a row that is no longer in memory; what it raises leaves the task where it was, the next.
            pipeline: the stages of a task whose row had to be loaded.

        Returns:
            False if there is no such row; the task is then out of the line.
        """
        run = self._waiting[key]
        if run is None:
            row = load(key)
            run = None if row is None else TaskRun(row, pipeline, new_stages(row, pipeline))
        del self._waiting[key]
        if run is None:
            return False
        self._active[key] = run
        run.row.state = TaskState.RUNNING
        step.save(run.row)
        step.begin.append(run.id)
        step.event("task.running", task=run.id)
        for stage in run.ready_stages():
            self._line.put(run, stage, step.clock_s)
        return True

    def cancel(self, step: Step, row: TaskRow, pipeline: Pipeline) -> None:
        """Cancel a task that is active or waits."""
        key = row.problem_id, row.iteration_id
        run = self._active.get(key) or self._waiting.pop(key, None)
        if run is None:
            run = TaskRun(row, pipeline, new_stages(row, pipeline))
        self._outcomes.cancel(step, run)

    def recover_waiting(self, key: Key) -> None:
        """A task from the store that was never begun."""
        self._waiting[key] = None

    def recover_running(self, run: TaskRun, clock_s: float) -> None:
        """A task from the store that was being worked on when the orchestrator ended.

        Its attempts have their whole time again: how long the orchestrator was away no monotonic clock can tell.
        """
        self._active[run.key] = run
        self._confirm_by_s = clock_s + CONFIRM_S
        for stage in run.stages.values():
            if stage.row.state is StageState.RUNNING and stage.attempt is not None:
                attempt = stage.attempt
                self._hands.take(Held(run.key, attempt, clock_s + attempt.deadline_at_s - attempt.started_at_s))
        for stage in run.ready_stages():
            self._line.put(run, stage, clock_s)

    # --- nodes ----------------------------------------------------------------------------------------------------

    def on_output(self, step: Step, output: OutputAdded, header: Header) -> None:
        """A node wrote an output: `output` is the row to store, `header` what the sample says of itself."""
        self._hands.release(output.node_id, (output.problem_id, output.iteration_id), output.stage, output.attempt)
        run = self._active.get((output.problem_id, output.iteration_id))
        stage = run.stages.get(output.stage) if run else None
        if run is None or stage is None or not _is_current(stage, output):
            self._late(step, stage, output)
            return
        output.accepted = header.outcome is Outcome.SUCCEEDED
        step.changes.append(output)
        if header.outcome is Outcome.SUCCEEDED:
            self._outcomes.succeed(step, run, stage, output.topic)
        elif header.outcome is Outcome.CANCELLED:
            self._outcomes.lose(step, run, stage, header.error_code or "CANCELLED", header.reason)
        else:
            final = header.error_code != "EXCEPTION"
            state = _FAILED_BY[header.outcome]
            self._outcomes.fail(step, run, stage, state, header.error_code, header.reason, final=final)

    def on_answer(self, step: Step, answer: CommandAnswer) -> None:
        """A node answered a RUN."""
        key = answer.task.problem_id, answer.task.iteration_id
        if answer.code is AnswerCode.REFUSED:
            # Also of a task that has ended meanwhile: the node will write no output for it.
            self._hands.release(answer.node_id, key, answer.stage, answer.attempt)
        run = self._active.get(key)
        stage = run.stages.get(answer.stage) if run else None
        if run is None or stage is None or stage.attempt is None or stage.row.state is not StageState.RUNNING:
            return
        if stage.attempt.command_id != answer.command_id:
            return
        if answer.code is AnswerCode.MISSING_INPUTS:
            step.resend.extend((run.id, topic) for topic in answer.missing)
        elif answer.code is AnswerCode.REFUSED:
            self._outcomes.lose(step, run, stage, "REFUSED", answer.reason)

    def on_node(self, step: Step, node: Node, *, gone: bool) -> None:
        """A node said how it is, or is gone."""
        if gone:
            self._left_at_s[node.info.kind] = step.clock_s
        for held in self._hands.of(node.node_id):
            incarnation = held.attempt.incarnation
            if incarnation > node.info.incarnation:
                continue
            run, stage = self._current(held)
            if gone or incarnation < node.info.incarnation:
                self._hands.release(node.node_id, held.key, held.attempt.stage, held.attempt.attempt)
                if run is not None and stage is not None:
                    self._outcomes.lose(step, run, stage, "NODE_LOST", f"node {node.name} was lost")
            elif run is None or stage is None:
                if _has_nothing(node, held.given_at_s, step.clock_s):
                    self._hands.release(node.node_id, held.key, held.attempt.stage, held.attempt.attempt)
            elif _forgotten(node, stage, step.clock_s):
                self._send_again(step, run, stage, node)

    def _late(self, step: Step, stage: StageRun | None, output: OutputAdded) -> None:
        """Record an output that comes too late, unless it is the accepted one, seen again after a restart."""
        self.late_outputs += 1
        if stage is None:
            return
        again = stage.row.state is StageState.SUCCEEDED and stage.row.attempt == output.attempt
        if not again:
            step.changes.append(output)

    def _send_again(self, step: Step, run: TaskRun, stage: StageRun, node: Node) -> None:
        inputs = run.input_attempts(stage, list(node.info.inputs), self._sources)
        if inputs is not None:
            stage.input_attempts, stage.sent_at_s = inputs, step.clock_s
            step.commands.append(run.run_command(stage))

    # --- time -----------------------------------------------------------------------------------------------------

    def tick(self, step: Step, reachable: Callable[[str], bool]) -> None:
        """Handle what is due by the clock, then give work to nodes.

        Args:
            step: the pass.
            reachable: whether a command to this node id would arrive.
        """
        if step.clock_s >= self._check_at_s:
            self._check_at_s = step.clock_s + CHECK_EVERY_S
            self._check(step)
        self._line.wake(step.clock_s)
        for kind in self._line.kinds():
            self._serve(step, kind, reachable)

    def _check(self, step: Step) -> None:
        """End what is overdue."""
        if self._confirm_by_s is not None and step.clock_s >= self._confirm_by_s:
            self._confirm_by_s = None
            self._end_unconfirmed(step)
        for held in list(self._hands):
            reason = self._overdue(held, step.clock_s)
            if reason:
                self._time_out(step, held, reason)
        for kind in sorted(self._line.kinds()):  # of several the first fails the task, whoever came into line first
            if not self._registry.of_kind(kind):
                self._end_lonely(step, kind)

    def _end_lonely(self, step: Step, kind: str) -> None:
        left_at_s = self._left_at_s.get(kind, -math.inf)
        for run, stage in self._line.waiting(kind):
            lonely_s = step.clock_s - max(stage.waiting_since_s, left_at_s)
            if lonely_s > stage.spec.node_wait_s and run.key in self._active:
                seen = ", ".join(sorted({node.info.kind for node in self._registry if node.info.kind})) or "none"
                reason = f"no node of kind {kind!r} came within {stage.spec.node_wait_s:g} s; seen: {seen}"
                self._outcomes.fail(step, run, stage, StageState.FAILED, "NO_NODE", reason, final=True)

    def _end_unconfirmed(self, step: Step) -> None:
        for held in list(self._hands):
            node = self._registry.get(held.attempt.node_id)
            if node is None or node.state is NodeState.INACTIVE:
                self._hands.release(held.attempt.node_id, held.key, held.attempt.stage, held.attempt.attempt)
                run, stage = self._current(held)
                if run is not None and stage is not None:
                    reason = "the node was gone when the orchestrator came back"
                    self._outcomes.lose(step, run, stage, "NODE_LOST", reason)

    def _overdue(self, held: Held, clock_s: float) -> str:
        attempt = held.attempt
        if clock_s >= held.give_up_at_s:
            return f"no answer within {attempt.deadline_at_s - attempt.started_at_s:g} s"
        node, run = self._registry.get(attempt.node_id), self._active.get(held.key)
        if node is None or run is None:
            return ""
        status, limit_s = node.status, run.stages[attempt.stage].spec.stall_timeout_s
        working_on = (status.task.problem_id, status.task.iteration_id, status.stage, status.attempt)
        stalled = clock_s - node.progressed_at_s > limit_s
        if working_on == (*held.key, attempt.stage, attempt.attempt) and stalled:
            return f"no progress for {limit_s:g} s"
        return ""

    def _time_out(self, step: Step, held: Held, reason: str) -> None:
        """The attempt is over, and its node is not to be trusted before it has been restarted."""
        attempt = held.attempt
        run, stage = self._current(held)
        self._hands.release(attempt.node_id, held.key, attempt.stage, attempt.attempt)
        if run is not None and stage is not None:
            self._outcomes.fail(step, run, stage, StageState.TIMED_OUT, "TIMED_OUT", reason, final=False)
        node = self._registry.get(attempt.node_id)
        if node is None or node.state is NodeState.INACTIVE or node.suspect:
            return
        node.suspect = True
        info = node.info
        body = {"pid": info.pid, "host": info.host, "incarnation": info.incarnation, "name": node.name}
        step.event("node.restart_wanted", node_id=node.node_id, body=body | {"reason": reason})

    def _serve(self, step: Step, kind: str, reachable: Callable[[str], bool]) -> None:
        """Give what waits for a kind to its nodes, until they have enough in hand."""
        nodes = self._registry.of_kind(kind)
        while (place := self._line.first(kind)) is not None:
            node = self._hands.choose(nodes, reachable)
            if node is None:
                return
            self._line.take_first(kind)
            self._start(step, *place, node)

    def _start(self, step: Step, run: TaskRun, stage: StageRun, node: Node) -> None:
        inputs = run.input_attempts(stage, list(node.info.inputs), self._sources)
        if inputs is None:
            reads, has = ", ".join(node.info.inputs), ", ".join(stage.spec.inputs)
            reason = f"node {node.name} reads {reads}; the stage's inputs {has} do not provide all of them"
            self._outcomes.fail(step, run, stage, StageState.FAILED, "INPUTS_MISMATCH", reason, final=True)
            return
        # What the node already has in hand comes first, so each of it adds its time.
        timeout_s = stage.spec.timeout_s * (1 + self._hands.count(node.node_id))
        attempt = self._outcomes.start(step, run, stage, node, inputs, timeout_s)
        self._hands.take(Held(run.key, attempt, step.clock_s + timeout_s))

    def _current(self, held: Held) -> tuple[TaskRun | None, StageRun | None]:
        """The task and stage of an attempt in hand, if it is still the current one."""
        run = self._active.get(held.key)
        stage = run.stages.get(held.attempt.stage) if run else None
        if stage is None or stage.row.state is not StageState.RUNNING or stage.row.attempt != held.attempt.attempt:
            return None, None
        return run, stage


def _is_current(stage: StageRun, output: OutputAdded) -> bool:
    attempt = stage.attempt
    return (
        stage.row.state is StageState.RUNNING
        and attempt is not None
        and (attempt.attempt, attempt.node_id) == (output.attempt, output.node_id)
    )


def _forgotten(node: Node, stage: StageRun, clock_s: float) -> bool:
    """The node says, well after the RUN was written, that it has nothing to do: the RUN did not arrive."""
    if not stage.sent_at_s >= 0:
        return True  # recovered from the store: whether it arrived is not known
    return _has_nothing(node, stage.sent_at_s, clock_s)


def _has_nothing(node: Node, sent_at_s: float, clock_s: float) -> bool:
    """The node says, well after something was written to it, that it has nothing to do."""
    return node.state is NodeState.IDLE and node.status.queued == 0 and clock_s > sent_at_s + RESEND_S


def _counted_ids() -> Callable[[], str]:
    """Ids that no other start of the orchestrator gives out; a UUID for each would cost more than to send it."""
    start, numbers = str(uuid.uuid4()), itertools.count(1)
    return lambda: f"{start}-{next(numbers)}"
