"""Opens the next iteration where a task's loop stage decided so, in the pass, and so the commit, of the task's end.

It knows no node and no type: of an output it reads the two fields of `hedgerow_idl.loop`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from hedgerow_idl import TaskId, UserInput
from hedgerow_idl.loop import LoopDecision, read_decision
from hedgerow_orchestrator.effects import Step
from hedgerow_orchestrator.refusal import SubmissionRefused
from hedgerow_orchestrator.states import TaskState
from hedgerow_orchestrator.store.changes import OutputAdded
from hedgerow_orchestrator.store.errors import StoreError, StoreUnavailable
from hedgerow_orchestrator.submission import proposed_input, same_request
from hedgerow_orchestrator.task_run import TaskRun

Follow = Callable[[Step, TaskRun], None]
log = logging.getLogger("hedgerow.orchestrator")


def go_on(step: Step, follow: Follow) -> None:
    """Let `follow` open what comes after each task that ended in this pass; a task that it raises at is kept."""
    while step.ended:
        follow(step, step.ended[0])
        del step.ended[0]


class Loop:
    """What follows of a task that has ended.

    Args:
        stored: the JSON of a stage's accepted output in the store.
        begin: opens an iteration from another one.
    """

    def __init__(
        self, stored: Callable[[int, int, str], str | None], begin: Callable[[Step, UserInput, TaskId], object]
    ) -> None:
        self._stored = stored
        self._begin = begin

    def follow(self, step: Step, run: TaskRun) -> None:
        """Open the iteration that follows of this task, if one does.

        Raises:
            StoreUnavailable: what was decided cannot be read now; nothing was opened.
        """
        if run.row.state is TaskState.SUCCEEDED:
            plain = output_in(step, run.key, run.pipeline.loop_stage, "plain")
            decision = self._decision(run, run.key[1]) if plain is None else self._read(run, plain)
            origin, proposals = run.id, decision.proposals
        else:
            origin, decision, proposals = self._instead_of(run)
        if decision.goes_on and proposals:
            self._open(step, run, origin, proposals[0])

    def _instead_of(self, run: TaskRun) -> tuple[TaskId, LoopDecision, list[dict[str, Any]]]:
        """What the iteration before had in reserve for the case that this one, which the loop opened, fails."""
        problem_id, before = run.key[0], run.row.previous_iteration_id or 0
        origin = TaskId(problem_id=problem_id, iteration_id=before)
        decision = self._decision(run, before) if before else LoopDecision()
        if not decision.goes_on:
            return origin, decision, []
        proposals = decision.proposals
        place = next((n for n, one in enumerate(proposals) if same_request(run.row.request, one)), len(proposals))
        return origin, decision, proposals[place + 1 :]

    def _decision(self, run: TaskRun, iteration_id: int) -> LoopDecision:
        try:
            plain = self._stored(run.key[0], iteration_id, run.pipeline.loop_stage)
        except StoreUnavailable:
            raise
        except StoreError as error:
            log.error("orchestrator: what the loop of task %s decided cannot be read, it ends: %s", run.id, error)
            plain = None
        return LoopDecision() if plain is None else self._read(run, plain)

    def _read(self, run: TaskRun, plain: str) -> LoopDecision:
        try:
            return read_decision(plain)
        except msgspec.ValidationError as error:
            log.error("orchestrator: the loop of task %s cannot be read, it ends: %s", run.id, error)
            return LoopDecision()

    def _open(self, step: Step, run: TaskRun, origin: TaskId, proposal: dict[str, Any]) -> None:
        try:
            user_input = proposed_input(proposal)
        except SubmissionRefused as refused:
            log.error("orchestrator: what follows of task %s is refused, its loop ends: %s", run.id, refused)
            step.event("loop.refused", task=run.id, stage=run.pipeline.loop_stage, body={"reason": refused.message})
            return
        try:
            self._begin(step, user_input, origin)
        except StoreUnavailable:
            raise
        except StoreError as error:
            log.error("orchestrator: the baselines of task %s cannot be read, its loop ends: %s", origin, error)


def output_in(step: Step, key: tuple[int, int], stage: str, form: str) -> Any:
    """The accepted output of a stage, `cdr` or `plain`, if it came in this pass and is not stored yet."""
    for change in reversed(step.changes):
        if isinstance(change, OutputAdded) and change.accepted and change.stage == stage:
            if (change.problem_id, change.iteration_id) == key:
                return getattr(change, form)
    return None
