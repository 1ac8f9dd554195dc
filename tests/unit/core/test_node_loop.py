"""A module node seen from the bus: what it runs, what it refuses, and what it says."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow_idl import AnswerCode, CommandKind, HWConstraints, NodeState, Outcome, TaskId, UserInput
from hedgerow_nodes.core import ModuleNode, Refusal, Task
from hedgerow_nodes.core.testing import NodeHarness

GATE = threading.Event()


@dataclass(frozen=True)
class Settings:
    factor: Annotated[float, msgspec.Meta(gt=0, le=10)] = 1.0


class Constraints(ModuleNode):
    """Allow what the user allows, times a factor."""

    kind = "hw_constraints"
    inputs = (UserInput,)
    output = HWConstraints
    Configuration = Settings

    calls = 0
    started = 0
    stopped = 0

    def on_start(self) -> None:
        type(self).started += 1

    def on_stop(self) -> None:
        type(self).stopped += 1

    def process(self, task: Task, user_input: UserInput) -> Any:
        type(self).calls += 1
        if user_input.text == "refuse":
            raise Refusal("NO_WAY", "because the text says so")
        if user_input.text == "raise":
            raise ZeroDivisionError("1/0")
        if user_input.text == "wrong":
            return user_input
        if user_input.text == "unfit":
            return HWConstraints(max_memory_bytes="four")  # type: ignore[arg-type]
        if user_input.text == "wait":
            task.progress(0.25, "waiting")
            GATE.wait(10)
            task.raise_if_cancelled()
        return HWConstraints(max_memory_bytes=user_input.max_memory_bytes * self.configuration.factor)


@pytest.fixture(params=["worker", "inline"])
def harness(request: pytest.FixtureRequest) -> Iterator[NodeHarness]:
    GATE.clear()
    node_class = type(
        "Constraints", (Constraints,), {"execution": request.param, "calls": 0, "started": 0, "stopped": 0}
    )
    kit = NodeHarness(node_class)
    yield kit
    GATE.set()
    kit.close()


@pytest.fixture
def slow() -> Iterator[NodeHarness]:
    GATE.clear()
    kit = NodeHarness(type("Slow", (Constraints,), {"calls": 0, "started": 0, "stopped": 0}))
    yield kit
    GATE.set()
    kit.close()


def test_the_header_is_filled_by_the_framework(harness: NodeHarness) -> None:
    output = harness.process(UserInput(text="x", max_memory_bytes=4e9))
    assert output.max_memory_bytes == 4e9
    header = output.header
    assert (str(header.task), header.attempt, header.outcome) == ("1.1", 1, Outcome.SUCCEEDED)
    assert header.node_id == harness.identity.node_id
    assert header.stage == "hw_constraints"
    assert header.stamped_at_s > 1.7e9


def test_a_refusal_is_an_outcome_and_the_node_serves_the_next_task(harness: NodeHarness) -> None:
    refused = harness.process(UserInput(text="refuse")).header
    assert (refused.outcome, refused.error_code, refused.reason) == (
        Outcome.FAILED,
        "NO_WAY",
        "because the text says so",
    )
    assert harness.process(UserInput(max_memory_bytes=1.0)).max_memory_bytes == 1.0


@pytest.mark.parametrize(
    ("text", "says"),
    [("raise", "ZeroDivisionError: 1/0"), ("wrong", "returned UserInput"), ("unfit", "max_memory_bytes")],
)
def test_an_exception_is_an_outcome_with_type_and_message(harness: NodeHarness, text: str, says: str) -> None:
    header = harness.process(UserInput(text=text)).header
    assert (header.outcome, header.error_code) == (Outcome.FAILED, "EXCEPTION")
    assert says in header.reason
    assert harness.loop.state is NodeState.IDLE


def test_inputs_alone_start_nothing(harness: NodeHarness) -> None:
    for _ in range(5):
        harness.send(UserInput(text="history"))
        harness.loop.step(0.01)
    assert type(harness.node).calls == 0  # type: ignore[attr-defined]


def test_what_a_task_begins_with_wakes_only_a_node_whose_run_waits_for_it(harness: NodeHarness) -> None:
    while harness.loop.state is not NodeState.IDLE or harness.loop._next_due_in_s() < 0.1:
        harness.loop.step(0.01)  # its start is over, and told
    task = harness.send(UserInput(max_memory_bytes=4.0))
    began = time.monotonic()
    harness.loop.step(0.05)
    assert time.monotonic() - began > 0.04
    other = TaskId(problem_id=7, iteration_id=1)
    harness.run(other)
    harness.loop.step(5.0)
    harness.send(UserInput(max_memory_bytes=3.0), task=other)
    harness.loop.step(5.0)
    harness.run(task)
    assert [harness.output().max_memory_bytes for _ in range(2)] == [3.0, 4.0]
    assert time.monotonic() - began < 5.0


def test_the_output_of_another_node_wakes_the_one_that_reads_it() -> None:
    class Second(Constraints):
        inputs = (HWConstraints,)
        execution = "inline"

    kit = NodeHarness(Second)
    kit.send(HWConstraints())
    assert list(kit.loop._bus.wait(60.0, only=kit.loop._wakers)) == kit.loop._inputs
    kit.close()


def test_a_run_may_overtake_its_input(harness: NodeHarness) -> None:
    task = TaskId(problem_id=7, iteration_id=1)
    harness.run(task)
    answer = harness.answer()
    assert (answer.code, list(answer.missing)) == (AnswerCode.MISSING_INPUTS, ["hedgerow/user_input"])
    harness.send(UserInput(max_memory_bytes=3.0), task=task)
    assert harness.output().max_memory_bytes == 3.0


def test_the_same_command_runs_once(harness: NodeHarness) -> None:
    task = harness.send(UserInput(max_memory_bytes=1.0))
    harness.run(task, command_id="c")
    harness.output()
    harness.run(task, command_id="c")
    assert harness.answer().code is AnswerCode.DUPLICATE
    assert type(harness.node).calls == 1  # type: ignore[attr-defined]


def test_a_run_with_the_wrong_number_of_inputs_is_refused(harness: NodeHarness) -> None:
    harness.command(CommandKind.RUN, task=TaskId(problem_id=1, iteration_id=1), stage="s", input_attempts=[1, 1])
    answer = harness.answer()
    assert answer.code is AnswerCode.REFUSED
    assert "names 2 inputs, hw_constraints has 1" in answer.reason


def test_configuration_changes_at_run_time_and_is_checked(harness: NodeHarness) -> None:
    harness.command(CommandKind.CONFIGURE, body='{"factor": 2}')
    answer = harness.answer()
    assert (answer.code, answer.body) == (AnswerCode.ACCEPTED, '{"factor":2.0}')
    assert harness.process(UserInput(max_memory_bytes=3.0)).max_memory_bytes == 6.0
    for body, says in (
        ('{"factor": 11}', "<= 10"),
        ('{"fact": 1}', "known: factor"),
        ("nonsense", "no JSON"),
        ("[1]", "no object"),
    ):
        harness.command(CommandKind.CONFIGURE, body=body)
        refused = harness.answer()
        assert refused.code is AnswerCode.REFUSED
        assert says in refused.reason
    assert harness.process(UserInput(max_memory_bytes=3.0)).max_memory_bytes == 6.0


def test_stop_and_start(harness: NodeHarness) -> None:
    harness.process(UserInput(max_memory_bytes=1.0))
    harness.command(CommandKind.STOP)
    assert harness.answer().state is NodeState.INITIALIZING
    task = harness.send(UserInput(max_memory_bytes=1.0))
    harness.run(task)
    assert harness.answer().code is AnswerCode.REFUSED
    harness.command(CommandKind.START)
    assert harness.answer().code is AnswerCode.ACCEPTED
    harness.status_when(lambda status: status.state is NodeState.IDLE)
    assert harness.process(UserInput(max_memory_bytes=2.0)).max_memory_bytes == 2.0
    node: Any = type(harness.node)
    assert (node.started, node.stopped) == (2, 1)


def test_a_failing_start_is_error_and_reset_brings_it_back() -> None:
    class Sick(Constraints):
        sick = True

        def on_start(self) -> None:
            if type(self).sick:
                raise OSError("no disk")

    kit = NodeHarness(Sick)
    status = kit.status_when(lambda status: status.state is NodeState.ERROR)
    assert "no disk" in status.error
    kit.command(CommandKind.START)
    assert kit.answer().code is AnswerCode.REFUSED
    Sick.sick = False
    kit.command(CommandKind.RESET)
    kit.status_when(lambda status: status.state is NodeState.IDLE)
    assert kit.process(UserInput(max_memory_bytes=5.0)).max_memory_bytes == 5.0
    kit.close()


def test_the_loop_answers_while_a_call_runs_and_shows_its_progress(slow: NodeHarness) -> None:
    slow.run(slow.send(UserInput(text="wait")))
    status = slow.status_when(lambda status: status.state is NodeState.RUNNING and status.progress == 0.25)
    assert (str(status.task), status.stage, status.detail) == ("1.1", "hw_constraints", "waiting")
    slow.command(CommandKind.CONFIGURE, body="{}")
    assert slow.answer().code is AnswerCode.ACCEPTED


def test_cancel_reaches_the_running_call(slow: NodeHarness) -> None:
    task = slow.send(UserInput(text="wait"))
    slow.run(task)
    slow.status_when(lambda status: status.state is NodeState.RUNNING)
    slow.command(CommandKind.CANCEL, task=task, stage="hw_constraints")
    assert slow.answer().code is AnswerCode.ACCEPTED
    GATE.set()
    assert slow.output().header.outcome is Outcome.CANCELLED


def test_cancel_of_work_that_waits(slow: NodeHarness) -> None:
    first, second = slow.send(UserInput(text="wait")), slow.send(UserInput(max_memory_bytes=1.0))
    slow.run(first)
    slow.run(second)
    slow.command(CommandKind.PREEMPT, task=second, stage="hw_constraints")
    ended = slow.output().header
    assert (str(ended.task), ended.outcome, ended.error_code) == ("2.1", Outcome.CANCELLED, "PREEMPTED")


def test_reset_gives_up_a_call_and_drops_its_late_result(slow: NodeHarness) -> None:
    slow.run(slow.send(UserInput(text="wait")))
    slow.status_when(lambda status: status.state is NodeState.RUNNING)
    slow.command(CommandKind.RESET)
    assert slow.output().header.error_code == "STOPPED"
    GATE.set()
    slow.status_when(lambda status: status.state is NodeState.IDLE)
    assert slow.process(UserInput(max_memory_bytes=9.0)).max_memory_bytes == 9.0


def test_a_start_that_a_reset_gave_up_no_longer_counts_however_it_ends() -> None:
    class SickOnce(Constraints):
        starts = 0

        def on_start(self) -> None:
            type(self).starts += 1
            if type(self).starts == 1:
                GATE.wait(10)
                raise OSError("no disk")

    GATE.clear()
    kit = NodeHarness(SickOnce)
    kit.command(CommandKind.RESET)
    assert kit.answer().code is AnswerCode.ACCEPTED
    GATE.set()
    status = kit.status_when(lambda status: status.state in (NodeState.IDLE, NodeState.ERROR))
    assert (status.state, status.error) == (NodeState.IDLE, "")
    kit.close()


WORDS = ("START", "STOP", "RESET", "RUN", "CANCEL", "CONFIGURE", "step", "sick", "well")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14), st.sampled_from(["worker", "inline"]))
def test_no_order_of_commands_breaks_the_loop(words: list[str], execution: str) -> None:
    class Moody(Constraints):
        sick = False

        def on_start(self) -> None:
            if type(self).sick:
                raise OSError("sick")

        on_stop = on_start

    Moody.execution = execution  # type: ignore[assignment]
    kit = NodeHarness(Moody)
    for word in words:
        if word in ("sick", "well"):
            Moody.sick = word == "sick"
        elif word == "RUN":
            kit.run(kit.send(UserInput(max_memory_bytes=1.0)))
        elif word != "step":
            kit.command(CommandKind[word], task=TaskId(problem_id=1, iteration_id=1), stage="hw_constraints")
        kit.loop.step(0.0)
    Moody.sick = False
    kit.command(CommandKind.RESET)
    kit.command(CommandKind.START)
    kit.status_when(lambda status: status.state is NodeState.IDLE and status.queued == 0)
    task = TaskId(problem_id=1000, iteration_id=1)
    kit.run(kit.send(UserInput(max_memory_bytes=5.0), task=task))
    while (output := kit.output()).header.task != task:
        pass
    assert output.max_memory_bytes == 5.0
    kit.close()
    assert kit.loop.state is NodeState.TERMINATING


def test_terminate_ends_the_loop(slow: NodeHarness) -> None:
    slow.command(CommandKind.TERMINATE)
    assert slow.answer().state is NodeState.TERMINATING
    assert slow.loop.left


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"kind": "no name"}, "is no name"),
        ({"inputs": ()}, "inputs is empty"),
        ({"inputs": (int,)}, "no wire type"),
        ({"output": Settings}, "no wire type"),
        ({"inputs": (TaskId,)}, "first field"),
        ({"execution": "process"}, "known: worker, inline"),
    ],
)
def test_a_wrong_declaration_is_told_when_the_class_is_made(attributes: dict[str, Any], says: str) -> None:
    with pytest.raises(TypeError, match=says):
        type("Wrong", (Constraints,), {"process": Constraints.process, **attributes})


def test_a_command_for_another_incarnation_is_neither_obeyed_nor_answered(harness: NodeHarness) -> None:
    ours = harness.identity.incarnation
    for incarnation in (ours - 1, ours + 1, ours):
        harness.command(CommandKind.STOP, command_id=f"for {incarnation - ours}", incarnation=incarnation)
    assert harness.answer().command_id == "for 0"
    assert harness.loop.state is NodeState.INITIALIZING
