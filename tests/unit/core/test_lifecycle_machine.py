"""Any order of commands, inputs and mishaps: the node loop does what its model says, and serves the next task."""

from __future__ import annotations

import os
import threading
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from node_model import ENDS, HANGS, NodeModel

from hedgerow_idl import AnswerCode, CommandKind, HWConstraints, NodeState, Outcome, TaskId, UserInput
from hedgerow_nodes.core import ModuleNode, Refusal, Task
from hedgerow_nodes.core.bus import Kind
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.lifecycle import COMMANDS, LIFECYCLE, Trigger
from hedgerow_nodes.core.task import Cancelled
from hedgerow_nodes.core.testing import ROUND_S, NodeHarness

SEED = int(os.environ.get("HEDGEROW_CHAOS_SEED") or 1)
EXAMPLES, STEPS = 100, 40
PROBLEMS = st.integers(1, 5)
LAST = 1000


class Scripted(ModuleNode):
    """Do what the text of the input says."""

    kind = "hw_constraints"
    inputs = (UserInput,)
    output = HWConstraints

    gate: ClassVar[threading.Event]
    hanging: ClassVar[threading.Event]
    sick_starts = 0
    sick_stops = 0

    def on_start(self) -> None:
        if type(self).sick_starts:
            type(self).sick_starts -= 1
            raise OSError("does not start")

    def on_stop(self) -> None:
        if type(self).sick_stops:
            type(self).sick_stops -= 1
            raise OSError("does not stop")

    def process(self, task: Task, user_input: UserInput) -> Any:
        text = user_input.text
        if text in HANGS:
            gate = self.gate
            self.hanging.set()
            gate.wait()
        if text == "hang then heed":
            task.raise_if_cancelled()
        if text in ("raise", "hang then raise"):
            raise ZeroDivisionError("1/0")
        if text == "refuse":
            raise Refusal("NO_WAY", "the text says so")
        if text == "claim":
            raise Cancelled("nobody cancelled it")
        return user_input if text == "wrong" else HWConstraints()


class NodeMachine(RuleBasedStateMachine):
    """One node on a bus in memory; commands are written singly or several before the node looks."""

    execution: ClassVar[str] = "worker"
    home: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.commands = 0
        self.harness: NodeHarness | None = None
        self.begin()

    def begin(self) -> None:
        """A new process."""
        self.node_class: Any = type(
            "Scripted",
            (Scripted,),
            {"execution": self.execution, "gate": threading.Event(), "hanging": threading.Event()},
        )
        environment = Environment.read({"HEDGEROW_HOME": str(self.home)})
        self.harness = NodeHarness(self.node_class, environment=environment)
        self.model = NodeModel()
        self.written: list[tuple[tuple[int, int], Outcome, str]] = []
        self.settle()

    def new_id(self) -> str:
        self.commands += 1
        return f"command-{self.commands}"

    # --- what is written to it ------------------------------------------------------------------------------------

    @rule(problem=PROBLEMS, text=st.sampled_from(list(ENDS)))
    def send_input(self, problem: int, text: str) -> None:
        self.put(problem, text)
        self.settle()

    def put(self, problem: int, text: str) -> None:
        if self.execution == "inline" and text in HANGS:
            text = "answer"
        self.harness.send(UserInput(text=text), task=TaskId(problem_id=problem, iteration_id=1))
        self.model.inputs[problem] = text

    @rule(problem=PROBLEMS, attempt=st.integers(1, 3), text=st.sampled_from(["", *ENDS]), look=st.booleans())
    def run(self, problem: int, attempt: int, text: str, look: bool) -> None:
        """RUN, perhaps before its input; the same attempt always has the same command id."""
        if text:
            self.put(problem, text)
            self.look(look)
        task = TaskId(problem_id=problem, iteration_id=1)
        command_id = f"run-{problem}-{attempt}"
        self.harness.run(task, attempt=attempt, command_id=command_id)
        self.model.run((problem, attempt), command_id, inputs=1)
        self.look(look)

    @rule(problem=PROBLEMS)
    def run_with_wrong_inputs(self, problem: int) -> None:
        command_id, task = self.new_id(), TaskId(problem_id=problem, iteration_id=1)
        fields: dict[str, Any] = {"task": task, "stage": "hw_constraints", "input_attempts": [1, 1]}
        self.harness.command(CommandKind.RUN, command_id=command_id, **fields)
        self.model.run((problem, 0), command_id, inputs=2)
        self.settle()

    @rule(problem=PROBLEMS, kind=st.sampled_from([CommandKind.CANCEL, CommandKind.PREEMPT]), look=st.booleans())
    def cancel(self, problem: int, kind: CommandKind, look: bool) -> None:
        command_id, task = self.new_id(), TaskId(problem_id=problem, iteration_id=1)
        self.harness.command(kind, task=task, stage="hw_constraints", command_id=command_id)
        self.model.unwanted(problem, command_id, kind)
        self.look(look)

    @rule(valid=st.booleans())
    def configure(self, valid: bool) -> None:
        command_id = self.new_id()
        self.harness.command(CommandKind.CONFIGURE, body="{}" if valid else "[]", command_id=command_id)
        self.model.configure(command_id, valid=valid)
        self.settle()

    @rule(trigger=st.sampled_from([c for c in COMMANDS if c is not Trigger.TERMINATE]), look=st.booleans())
    def order(self, trigger: Trigger, look: bool) -> None:
        """START, STOP or RESET; without a look the next command arrives in the same round."""
        command_id = self.new_id()
        self.harness.command(CommandKind[trigger.name], command_id=command_id)
        self.model.lifecycle(trigger, command_id)
        self.look(look)

    @rule(then=st.sampled_from([None, *COMMANDS]))
    def terminate(self, then: Trigger | None) -> None:
        """TERMINATE, perhaps with another command behind it; another process takes its place."""
        for trigger in (Trigger.TERMINATE, *([then] if then else [])):
            command_id = self.new_id()
            self.harness.command(CommandKind[trigger.name], command_id=command_id)
            self.model.lifecycle(trigger, command_id)
        self.settle()
        assert self.harness.loop.left
        self.finish()
        self.begin()

    # --- what happens inside --------------------------------------------------------------------------------------

    @rule(starts=st.integers(0, 2), stops=st.integers(0, 1))
    def sicken(self, starts: int, stops: int) -> None:
        """The next calls of `on_start` and `on_stop` raise."""
        self.settle()
        self.node_class.sick_starts, self.node_class.sick_stops = starts, stops
        self.model.sick_starts, self.model.sick_stops = starts, stops

    @precondition(lambda self: self.model.hanging)
    @rule()
    def release(self) -> None:
        """The call that hangs goes on."""
        self.settle()
        if self.model.hanging:
            self.let_go()
            self.model.release()
            self.settle()

    def let_go(self) -> None:
        gate, self.node_class.gate = self.node_class.gate, threading.Event()
        self.node_class.hanging.clear()
        gate.set()

    def look(self, look: bool) -> None:
        """Let the node look now, or only after the next command."""
        if look:
            self.settle()

    # --- what must hold -------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Let the node go round until nothing is under way but a call that hangs, then compare."""
        loop, hanging = self.harness.loop, self.node_class.hanging
        loop.step(0.0)
        while self.under_way(loop, hanging):
            loop.step(ROUND_S)
        self.model.settle()
        self.compare()

    @staticmethod
    def under_way(loop: Any, hanging: threading.Event) -> bool:
        executor = loop._executor
        return executor.busy and not (hanging.is_set() and not executor._finished)

    def compare(self) -> None:
        model, loop = self.model, self.harness.loop
        answers = []
        for received in self.harness._answers.take():
            answer = received.sample
            run = (answer.task.problem_id, answer.attempt)
            if answer.code is AnswerCode.MISSING_INPUTS:
                assert answer.command_id.startswith("run-")
                continue
            if answer.code is AnswerCode.REFUSED and not run[0] and "refused in state" in answer.reason:
                assert all(t in answer.reason for (state, t) in LIFECYCLE if state is answer.state)
            answers.append((answer.command_id, answer.code, answer.state))
        assert answers == model.answers
        model.answers.clear()
        headers = [received.sample.header for received in self.harness._outputs.take()]
        written = [((h.task.problem_id, h.attempt), h.outcome, h.error_code) for h in headers]
        assert written == model.outputs
        model.outputs.clear()
        self.written += written
        assert all(count == 1 for count in Counter(run for run, _, _ in self.written).values())
        in_hand = {*model.queue, *([model.current.run] if model.current else [])}
        assert {run for run, _, _ in self.written} | in_hand == model.known
        assert (loop.state, loop._said.completed, len(loop._queue)) == (model.state, model.completed, len(model.queue))
        assert loop._said.stopped == model.stopped

    def finish(self) -> None:
        """The process ends; a call that hangs is let go, so that its thread ends too."""
        harness, self.harness = self.harness, None
        self.let_go()
        harness.loop.leave()
        harness.loop.close()
        last = [received.sample for received in harness._statuses.take() if received.kind is Kind.DATA][-1]
        assert (last.state, last.completed) == (NodeState.TERMINATING, self.model.completed)
        harness.bus.close()

    def teardown(self) -> None:
        if self.harness is None:
            return
        try:
            self.serves_the_next()
        finally:
            self.finish()

    def serves_the_next(self) -> None:
        """After whatever has happened: RESET, and the node answers the next task, and owes nobody an end."""
        self.settle()
        while self.model.hanging:
            self.release()
        self.sicken(0, 0)
        self.order(Trigger.RESET, look=True)
        assert self.harness.loop.state is NodeState.IDLE
        self.run(LAST, 1, "answer", look=True)
        assert self.written[-1] == ((LAST, 1), Outcome.SUCCEEDED, "")
        assert {run for run, _, _ in self.written} == self.model.known


COMMON = settings(
    deadline=None, stateful_step_count=STEPS, database=None, suppress_health_check=list(HealthCheck), print_blob=True
)


def machine(execution: str, home: Path) -> type[NodeMachine]:
    return type("NodeMachine", (NodeMachine,), {"execution": execution, "home": home})


@pytest.mark.parametrize("execution", ["worker", "inline"])
def test_whatever_order_commands_come_in_the_node_does_what_its_model_says(execution: str, tmp_path: Path) -> None:
    some = settings(COMMON, max_examples=EXAMPLES, derandomize=True)
    run_state_machine_as_test(machine(execution, tmp_path), settings=some)


@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("execution", ["worker", "inline"])
def test_whatever_order_ten_times_longer(execution: str, tmp_path: Path) -> None:
    print(f"seed {SEED}, {10 * EXAMPLES} histories of at most {STEPS} steps")
    longer = settings(COMMON, max_examples=10 * EXAMPLES)
    run_state_machine_as_test(hypothesis.seed(SEED)(machine(execution, tmp_path)), settings=longer)
