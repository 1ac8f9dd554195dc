"""A world for the engine without clock, bus or store: nodes that a test moves by hand."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import msgspec

from hedgerow_idl import (
    AnswerCode,
    Command,
    CommandAnswer,
    CommandKind,
    Header,
    NodeInfo,
    NodeState,
    NodeStatus,
    Outcome,
    TaskId,
)
from hedgerow_orchestrator.effects import EventLog, Step
from hedgerow_orchestrator.engine import Engine
from hedgerow_orchestrator.loop import go_on
from hedgerow_orchestrator.pipeline import Pipeline, StageSpec
from hedgerow_orchestrator.recovery import recover
from hedgerow_orchestrator.registry import Registry, Transition
from hedgerow_orchestrator.states import StageState, TaskState
from hedgerow_orchestrator.store.changes import AttemptRow, EventAdded, OutputAdded, StageRow, TaskRow
from hedgerow_orchestrator.store.recovery import OpenTask
from hedgerow_orchestrator.task_run import TaskRun

SOURCES = {"user_input": "t/user_input", "baselines": "t/baselines"}


@dataclass(frozen=True)
class LoopPlan:
    """How a task's loop goes on: `left` further iterations, and `spare` more where one that it opened fails."""

    left: int = 0
    spare: int = 0

    def after(self, state: TaskState, iteration_id: int) -> LoopPlan | None:
        """The plan of the iteration that follows; None where none does."""
        if state is TaskState.SUCCEEDED and self.left > 0:
            return LoopPlan(self.left - 1, 1)
        if state is TaskState.FAILED and iteration_id > 1 and self.spare > 0:
            return LoopPlan(self.left, self.spare - 1)
        return None


def pipeline(loop_stage: str = "", /, **inputs: tuple[str, ...]) -> Pipeline:
    """A pipeline with these stages; all are tried twice and may be lost three times."""
    stages = {
        name: StageSpec(
            name=name,
            kind=name,
            inputs=needs,
            attempts=2,
            losses=3,
            timeout_s=10.0,
            stall_timeout_s=5.0,
            backoff_s=1.0,
            node_wait_s=30.0,
        )
        for name, needs in inputs.items()
    }
    return Pipeline("test", stages, loop_stage)


DIAMOND = pipeline("d", a=("user_input",), b=("a",), c=("a", "baselines"), d=("b", "c"))


FROM_ATTEMPT = ("state", "attempt", "node_id", "started_at_s", "finished_at_s", "error_code", "reason")


class World:
    """The engine, a registry, and all that has come out of them."""

    def __init__(self, plan: Pipeline = DIAMOND) -> None:
        self.plan = plan
        self.now_s = 1000.0
        self.clock_s = 50.0
        self.log = EventLog(0)
        self.registry = Registry()
        self._ids = itertools.count(1)
        self.engine = self._new_engine()
        self.tasks: dict[tuple[int, int], TaskRow] = {}
        self.stages: dict[tuple[int, int, str], StageRow] = {}  # as the view `stage_now` shows them
        self._stage_rows: dict[tuple[int, int, str], StageRow] = {}
        self.attempts: dict[tuple[int, int, str, int], AttemptRow] = {}
        self.outputs: list[OutputAdded] = []
        self.events: list[EventAdded] = []
        self.commands: list[Command] = []
        self.resend: list[tuple[TaskId, str]] = []
        self.unreachable: set[str] = set()

    def restart(self) -> None:
        """The orchestrator is killed and starts again from what is booked; it knows no node and remembers nothing."""
        self.registry = Registry()
        self.engine = self._new_engine()
        recover(self, self.engine, self.plan, self.clock_s)  # type: ignore[arg-type]

    def _new_engine(self) -> Engine:
        return Engine(self.registry, SOURCES, new_id=lambda: f"command-{next(self._ids)}")

    def open_ids(self, states: Sequence[TaskState]) -> list[tuple[int, int]]:
        """As the store: the tasks in these states, in id order."""
        return sorted(key for key, row in self.tasks.items() if row.state in states)

    def open_tasks(self, states: Sequence[TaskState]) -> list[OpenTask]:
        """As the store: the tasks in these states with stages and attempts, each row a new one."""
        return [
            OpenTask(
                copy.copy(self.tasks[key]),
                [copy.copy(row) for (*task, _), row in self.stages.items() if (*task,) == key],
                [copy.copy(row) for (*task, _, _), row in sorted(self.attempts.items()) if (*task,) == key],
            )
            for key in self.open_ids(states)
        ]

    def accepted_topics(self, problem_id: int, iteration_id: int) -> dict[str, str]:
        """As the store: on which topic the accepted output of each stage travelled."""
        key = problem_id, iteration_id
        return {o.stage: o.topic for o in self.outputs if o.accepted and (o.problem_id, o.iteration_id) == key}

    def step(self, act: Callable[[Step], None] = lambda step: None) -> Step:
        """One pass: an act, admissions, the clock; then what came out is booked."""
        step = Step(self.now_s, self.clock_s, self.log)
        act(step)
        go_on(step, self._follow)
        while (key := self.engine.next_to_admit()) is not None:
            assert self.engine.admit(step, key, lambda key: self._row_of(step, key), self.plan)
        self.engine.tick(step, lambda node_id: node_id not in self.unreachable)
        go_on(step, self._follow)
        for change in step.changes:
            self._book(change)
        self.commands += step.commands
        self.resend += step.resend
        return step

    def _row_of(self, step: Step, key: tuple[int, int]) -> TaskRow | None:
        """A task as booked, or as it is to be booked after this pass."""
        fresh = [row for row in step.changes if isinstance(row, TaskRow) and (row.problem_id, row.iteration_id) == key]
        return copy.copy(fresh[-1] if fresh else self.tasks.get(key))

    def later(self, seconds: float) -> Step:
        """Let time pass, and have a pass."""
        self.let_pass(seconds)
        return self.step()

    def let_pass(self, seconds: float) -> None:
        """Move both clocks."""
        self.now_s += seconds
        self.clock_s += seconds

    def submit(self, problem_id: int = 1, loop: LoopPlan | None = None) -> TaskRow:
        """A new task; it has no loop unless one is given."""
        row = self._row(problem_id, 1, loop or LoopPlan())
        self.tasks[problem_id, 1] = row
        self.step(lambda step: self.engine.submit(step, row, self.plan))
        return row

    def _row(self, problem_id: int, iteration_id: int, loop: LoopPlan) -> TaskRow:
        before, asked = iteration_id - 1 or None, json.dumps(asdict(loop))
        made_at_s = self.now_s
        state = TaskState.WAITING
        return TaskRow(problem_id, iteration_id, "test", state, made_at_s, None, before, "t", asked, b"", b"", "", "")

    def _follow(self, step: Step, run: TaskRun) -> None:
        """As the loop of the orchestrator, with the row's request for what the loop stage decided."""
        problem_id, iteration_id = run.key
        following = LoopPlan(**json.loads(run.row.request)).after(run.row.state, iteration_id)
        if following is not None:
            self.engine.submit(step, self._row(problem_id, iteration_id + 1, following), self.plan)

    def join(
        self,
        kind: str,
        name: str = "",
        incarnation: int = 1,
        inputs: tuple[str, ...] | None = None,
        capabilities: tuple[str, ...] = (),
        state: NodeState = NodeState.IDLE,
    ) -> str:
        """A node of a kind appears and says how it is, both in one pass; its id is its name."""
        name = name or kind
        topics = [SOURCES.get(source, f"t/{source}") for source in self.plan.stages[kind].inputs]
        info = NodeInfo(
            node_id=name,
            incarnation=incarnation,
            pid=4711,
            name=name,
            kind=kind,
            output_topic=f"t/{kind}",
            inputs=list(topics if inputs is None else inputs),
            capabilities=list(capabilities),
        )

        def hear(step: Step) -> None:
            self._tell(step, self.registry.on_info(info, self.now_s, self.clock_s))
            self._say(step, self._status(name, state, incarnation))

        self.step(hear)
        return name

    def join_all(self) -> None:
        """One node of each kind."""
        for kind in self.plan.stages:
            self.join(kind)

    def status(self, name: str, state: NodeState, incarnation: int = 1, **fields: object) -> None:
        """A node says how it is."""
        self.step(lambda step: self._say(step, self._status(name, state, incarnation, **fields)))

    def _status(self, name: str, state: NodeState, incarnation: int, **fields: object) -> NodeStatus:
        fields.setdefault("stamped_at_s", self.now_s)
        fields.setdefault("last_progress_at_s", self.now_s)
        return NodeStatus(node_id=name, incarnation=incarnation, state=state, **fields)  # type: ignore[arg-type]

    def _say(self, step: Step, status: NodeStatus) -> None:
        self._tell(step, self.registry.on_status(status, self.now_s, self.clock_s))
        node = self.registry.get(status.node_id)
        assert node is not None
        self.engine.on_node(step, node, gone=node.state is NodeState.INACTIVE)

    def lose(self, name: str, incarnation: int | None = None) -> None:
        """A node is silent for longer than its lease; by default the process that was heard last."""
        node = self.registry.get(name)
        if incarnation is None:
            incarnation = node.info.incarnation if node else 1
        self._apply(self.registry.on_lost(name, incarnation, self.now_s, self.clock_s))

    def leave(self, name: str, incarnation: int) -> None:
        """A node says goodbye."""
        self._apply(self.registry.on_goodbye(name, incarnation, self.now_s, self.clock_s))

    def output(self, command: Command, outcome: Outcome = Outcome.SUCCEEDED, code: str = "", reason: str = "") -> None:
        """A node ends the attempt that it was told to run."""
        self.outputs_at_once([(command, outcome, code)], reason)

    def outputs_at_once(self, written: Sequence[tuple[Command, Outcome, str]], reason: str = "") -> None:
        """The ends of several attempts arrive in one pass, each with its command, outcome and error code."""

        def take(step: Step) -> None:
            for command, outcome, code in written:
                header = Header(
                    task=command.task, attempt=command.attempt, outcome=outcome, error_code=code, reason=reason
                )
                self.engine.on_output(step, self._output_row(command), header)

        self.step(take)

    def _output_row(self, command: Command) -> OutputAdded:
        return OutputAdded(
            problem_id=command.task.problem_id,
            iteration_id=command.task.iteration_id,
            stage=command.stage,
            attempt=command.attempt,
            accepted=False,
            type_name="T",
            topic=f"t/{command.stage}",
            node_id=command.node_id,
            at_s=self.now_s,
            cdr=b"",
            plain="{}",
        )

    def answer(self, command: Command, code: AnswerCode, **fields: object) -> None:
        """A node answers a command."""
        answer = CommandAnswer(
            code=code,
            task=command.task,
            stage=command.stage,
            attempt=command.attempt,
            command_id=command.command_id,
            node_id=command.node_id,
            **fields,  # type: ignore[arg-type]
        )
        self.step(lambda step: self.engine.on_answer(step, answer))

    def runs(self) -> list[Command]:
        """The RUNs since the last call."""
        runs = [command for command in self.commands if command.kind is CommandKind.RUN]
        self.commands = []
        return runs

    def kinds(self, prefix: str = "") -> list[str]:
        """The kinds of the events so far."""
        return [event.kind for event in self.events if event.kind.startswith(prefix)]

    def stage(self, name: str, problem_id: int = 1) -> StageRow:
        """A stage as stored."""
        return self.stages[problem_id, 1, name]

    def running_attempts(self) -> list[AttemptRow]:
        """The attempts that run, as stored."""
        return [attempt for attempt in self.attempts.values() if attempt.state is StageState.RUNNING]

    def _apply(self, transitions: list[Transition]) -> None:
        self.step(lambda step: self._tell(step, transitions))

    def _tell(self, step: Step, transitions: list[Transition]) -> None:
        for transition in transitions:
            self.engine.on_node(step, transition.node, gone=transition.what in ("left", "lost"))

    def _book(self, change: object) -> None:
        if isinstance(change, TaskRow):
            self.tasks[change.problem_id, change.iteration_id] = change
        elif isinstance(change, StageRow):
            key = change.problem_id, change.iteration_id, change.stage
            self._stage_rows[key] = self.stages[key] = change
        elif isinstance(change, AttemptRow):
            key = change.problem_id, change.iteration_id, change.stage
            self.attempts[*key, change.attempt] = change
            row = self._stage_rows.get(key)  # a world that begins in the middle has none
            if row is not None and change.attempt > row.attempt:
                said = {name: getattr(change, name) for name in FROM_ATTEMPT}
                self.stages[key] = msgspec.structs.replace(row, **said)
        elif isinstance(change, OutputAdded):
            self.outputs.append(change)
        elif isinstance(change, EventAdded):
            self.events.append(change)
