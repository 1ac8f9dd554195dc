"""A world for the engine without clock, bus or store: nodes that a test moves by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable

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
from hedgerow_orchestrator.pipeline import Pipeline, StageSpec
from hedgerow_orchestrator.registry import Registry, Transition
from hedgerow_orchestrator.states import StageState, TaskState
from hedgerow_orchestrator.store.changes import AttemptRow, EventAdded, OutputAdded, StageRow, TaskRow

SOURCES = {"user_input": "t/user_input", "baselines": "t/baselines"}


def pipeline(**inputs: tuple[str, ...]) -> Pipeline:
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
    return Pipeline("test", stages)


DIAMOND = pipeline(a=("user_input",), b=("a",), c=("a", "baselines"), d=("b", "c"))


class World:
    """The engine, a registry, and all that has come out of them."""

    def __init__(self, plan: Pipeline = DIAMOND) -> None:
        self.plan = plan
        self.now_s = 1000.0
        self.clock_s = 50.0
        self.log = EventLog(0)
        self.registry = Registry()
        ids = itertools.count(1)
        self.engine = Engine(self.registry, SOURCES, new_id=lambda: f"command-{next(ids)}")
        self.tasks: dict[tuple[int, int], TaskRow] = {}
        self.stages: dict[tuple[int, int, str], StageRow] = {}
        self.attempts: dict[tuple[int, int, str, int], AttemptRow] = {}
        self.outputs: list[OutputAdded] = []
        self.events: list[EventAdded] = []
        self.commands: list[Command] = []
        self.resend: list[tuple[TaskId, str]] = []
        self.unreachable: set[str] = set()

    def step(self, act: Callable[[Step], None] = lambda step: None) -> Step:
        """One pass: an act, admissions, the clock; then what came out is booked."""
        step = Step(self.now_s, self.clock_s, self.log)
        act(step)
        while (key := self.engine.next_to_admit()) is not None:
            assert self.engine.admit(step, key, self.tasks.get, self.plan)
        self.engine.tick(step, lambda node_id: node_id not in self.unreachable)
        for change in step.changes:
            self._book(change)
        self.commands += step.commands
        self.resend += step.resend
        return step

    def later(self, seconds: float) -> Step:
        """Let time pass, and have a pass."""
        self.let_pass(seconds)
        return self.step()

    def let_pass(self, seconds: float) -> None:
        """Move both clocks."""
        self.now_s += seconds
        self.clock_s += seconds

    def submit(self, problem_id: int = 1) -> TaskRow:
        """A new task."""
        row = TaskRow(problem_id, 1, "test", TaskState.WAITING, self.now_s, None, None, "t", "{}", b"", b"", "", "")
        self.tasks[problem_id, 1] = row
        self.step(lambda step: self.engine.submit(step, row, self.plan))
        return row

    def join(
        self,
        kind: str,
        name: str = "",
        incarnation: int = 1,
        inputs: tuple[str, ...] | None = None,
        capabilities: tuple[str, ...] = (),
    ) -> str:
        """A node of a kind appears and is IDLE; its id is its name."""
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
        self._apply(self.registry.on_info(info, self.now_s, self.clock_s))
        self.status(name, NodeState.IDLE, incarnation)
        return name

    def join_all(self) -> None:
        """One node of each kind."""
        for kind in self.plan.stages:
            self.join(kind)

    def status(self, name: str, state: NodeState, incarnation: int = 1, **fields: object) -> None:
        """A node says how it is."""
        fields.setdefault("stamped_at_s", self.now_s)
        fields.setdefault("last_progress_at_s", self.now_s)
        status = NodeStatus(node_id=name, incarnation=incarnation, state=state, **fields)  # type: ignore[arg-type]
        self._apply(self.registry.on_status(status, self.now_s, self.clock_s))
        node = self.registry.get(name)
        assert node is not None
        self.step(lambda step: self.engine.on_node(step, node, gone=False))

    def lose(self, name: str) -> None:
        """A node is silent for longer than its lease."""
        node = self.registry.get(name)
        self._apply(self.registry.on_lost(name, node.info.incarnation if node else 1, self.now_s, self.clock_s))

    def output(self, command: Command, outcome: Outcome = Outcome.SUCCEEDED, code: str = "", reason: str = "") -> None:
        """A node ends the attempt that it was told to run."""
        header = Header(task=command.task, attempt=command.attempt, outcome=outcome, error_code=code, reason=reason)
        output = OutputAdded(
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
        self.step(lambda step: self.engine.on_output(step, output, header))

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
        for transition in transitions:
            gone = transition.what in ("left", "lost")
            self.step(lambda step, t=transition, gone=gone: self.engine.on_node(step, t.node, gone=gone))  # type: ignore[misc]

    def _book(self, change: object) -> None:
        if isinstance(change, TaskRow):
            self.tasks[change.problem_id, change.iteration_id] = change
        elif isinstance(change, StageRow):
            self.stages[change.problem_id, change.iteration_id, change.stage] = change
        elif isinstance(change, AttemptRow):
            self.attempts[change.problem_id, change.iteration_id, change.stage, change.attempt] = change
        elif isinstance(change, OutputAdded):
            self.outputs.append(change)
        elif isinstance(change, EventAdded):
            self.events.append(change)
