"""What follows when an attempt begins or ends: the stage's and the task's next state, a retry or the end. Pure."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from hedgerow_idl import Command, CommandKind
from hedgerow_orchestrator.effects import Step, as_json
from hedgerow_orchestrator.line import Line
from hedgerow_orchestrator.registry import Node
from hedgerow_orchestrator.states import StageState, TaskState
from hedgerow_orchestrator.store.changes import AttemptRow
from hedgerow_orchestrator.task_run import StageRun, TaskRun

LOSS_PAUSE_S = 0.1


class Outcomes:
    """The transitions of stages and tasks.

    Args:
        new_id: makes command ids.
        line: where stages go that are ready, or are to be tried again.
        finished: called with a task that has ended.
    """

    def __init__(self, new_id: Callable[[], str], line: Line, finished: Callable[[TaskRun], None]) -> None:
        self._new_id = new_id
        self._line = line
        self._finished = finished

    def start(
        self, step: Step, run: TaskRun, stage: StageRun, node: Node, inputs: tuple[int, ...], timeout_s: float
    ) -> AttemptRow:
        """A node is given the next attempt, for so long, with these attempts' outputs as inputs."""
        row = stage.row
        stage.attempt = AttemptRow(
            problem_id=row.problem_id,
            iteration_id=row.iteration_id,
            stage=row.stage,
            attempt=row.attempt + 1,
            state=StageState.RUNNING,
            node_id=node.node_id,
            incarnation=node.info.incarnation,
            command_id=self._new_id(),
            started_at_s=step.now_s,
            deadline_at_s=step.now_s + timeout_s,
            finished_at_s=None,
            error_code="",
            reason="",
        )
        stage.input_attempts, stage.sent_at_s = inputs, step.clock_s
        row.state, row.attempt, row.node_id = StageState.RUNNING, row.attempt + 1, node.node_id
        row.started_at_s, row.finished_at_s, row.error_code, row.reason = step.now_s, None, "", ""
        step.save(stage.attempt)
        step.commands.append(run.run_command(stage))
        self._event(step, run, stage, "stage.running")
        return stage.attempt

    def succeed(self, step: Step, run: TaskRun, stage: StageRun, topic: str) -> None:
        """The attempt's output was accepted; it travelled on this topic."""
        stage.topic = topic
        self._end(step, stage, StageState.SUCCEEDED, "", "")
        self._event(step, run, stage, "stage.succeeded")
        ready = run.ready_among(run.pipeline.followers.get(stage.spec.name, ()))
        for follower in ready:
            self._line.put(run, follower, step.clock_s)
        # A follower may have succeeded long before, under a pipeline that has been changed since.
        if not ready and all(other.row.state is StageState.SUCCEEDED for other in run.stages.values()):
            self._finish(step, run, TaskState.SUCCEEDED, "", "")

    def lose(self, step: Step, run: TaskRun, stage: StageRun, code: str, reason: str) -> None:
        """The attempt ended with its node, or was given up by it: no fault of the work."""
        stage.losses += 1
        if stage.losses > stage.spec.losses:
            reason = f"{reason}; that was loss {stage.losses}, the pipeline allows {stage.spec.losses}"
            self.fail(step, run, stage, StageState.FAILED, code, reason, final=True)
            return
        self._end(step, stage, StageState.CANCELLED, code, reason)
        self._retry(step, run, stage, LOSS_PAUSE_S)

    def fail(
        self, step: Step, run: TaskRun, stage: StageRun, state: StageState, code: str, reason: str, *, final: bool
    ) -> None:
        """The attempt failed or timed out; it is tried again unless that is final or happened too often."""
        stage.failures += 1
        self._end(step, stage, state, code, reason)
        if not final and stage.failures < stage.spec.attempts:
            self._retry(step, run, stage, stage.spec.backoff_s * 2 ** (stage.failures - 1))
            return
        self._event(step, run, stage, "stage.timed_out" if state is StageState.TIMED_OUT else "stage.failed")
        self._stop_others(step, run, "CANCELLED", f"{stage.spec.name} failed")
        self._finish(step, run, TaskState.FAILED, code, f"{stage.spec.name}: {reason}")

    def cancel(self, step: Step, run: TaskRun) -> None:
        """The task is no longer wanted."""
        self._stop_others(step, run, "CANCELLED", "the task was cancelled")
        self._finish(step, run, TaskState.CANCELLED, "CANCELLED", "cancelled on request")
        step.durable = True

    def _retry(self, step: Step, run: TaskRun, stage: StageRun, pause_s: float) -> None:
        self._event(step, run, stage, "stage.retry")
        stage.row.state = StageState.WAITING
        step.save(stage.row)
        self._line.pause(run, stage, step.clock_s + pause_s)

    def _end(self, step: Step, stage: StageRun, state: StageState, code: str, reason: str) -> None:
        for row in (stage.row, stage.attempt):
            if row is not None and not row.state.final:
                row.state, row.finished_at_s, row.error_code, row.reason = state, step.now_s, code, reason
                if row is stage.attempt or state is not StageState.SUCCEEDED:
                    step.save(row)

    def _stop_others(self, step: Step, run: TaskRun, code: str, reason: str) -> None:
        for stage in run.stages.values():
            if stage.row.state.final:
                continue
            attempt = stage.attempt
            if stage.row.state is StageState.RUNNING and attempt is not None:
                step.commands.append(
                    Command(
                        kind=CommandKind.CANCEL,
                        task=run.id,
                        attempt=attempt.attempt,
                        incarnation=attempt.incarnation,
                        command_id=self._new_id(),
                        node_id=attempt.node_id,
                        stage=stage.spec.name,
                    )
                )
            self._end(step, stage, StageState.CANCELLED, code, reason)
            self._event(step, run, stage, "stage.cancelled")

    def _finish(self, step: Step, run: TaskRun, state: TaskState, code: str, reason: str) -> None:
        row = run.row
        row.state, row.finished_at_s, row.error_code, row.reason = state, step.now_s, code, reason
        step.save(row)
        body: dict[str, object] = {"error": {"code": code, "reason": reason}} if code else {}
        step.event(f"task.{state.lower()}", task=run.id, body=body)
        if run.pipeline.loop_stage and state is not TaskState.CANCELLED:
            step.ended.append(run)
        self._finished(run)

    def _event(self, step: Step, run: TaskRun, stage: StageRun, kind: str) -> None:
        row = stage.row
        body: dict[str, object] | str = _body_of_attempt(row.attempt)
        if row.error_code:
            body = {"attempt": row.attempt, "error": {"code": row.error_code, "reason": row.reason}}
        step.event(kind, task=run.id, stage=row.stage, node_id=row.node_id, body=body)


@cache
def _body_of_attempt(number: int) -> str:
    return as_json({"attempt": number})
