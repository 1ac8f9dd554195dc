"""The task engine, one promise at a time: order, retries, losses, late outputs, time-outs, recovery."""

from __future__ import annotations

from collections import Counter

import pytest
from engine_world import DIAMOND, World, pipeline

from hedgerow_idl import AnswerCode, CommandKind, NodeState, Outcome
from hedgerow_orchestrator.engine import ADMITTED
from hedgerow_orchestrator.hands import IN_HAND
from hedgerow_orchestrator.states import StageState, TaskState
from hedgerow_orchestrator.task_run import TaskRun, new_stages


def succeed_all(world: World) -> None:
    """Answer every RUN until none comes."""
    while runs := world.runs():
        for command in runs:
            world.output(command)


def test_stages_run_in_the_order_of_their_inputs() -> None:
    world = World()
    world.join_all()
    world.submit()
    order = []
    while runs := world.runs():
        order.append(sorted(command.stage for command in runs))
        for command in runs:
            world.output(command)
    assert order == [["a"], ["b", "c"], ["d"]]
    assert world.tasks[1, 1].state is TaskState.SUCCEEDED
    assert world.kinds("task") == ["task.submitted", "task.running", "task.succeeded"]


def test_nothing_runs_before_its_nodes_are_there() -> None:
    world = World()
    world.submit()
    assert world.runs() == []
    world.join("a")
    assert [command.stage for command in world.runs()] == ["a"]


def test_a_run_is_only_sent_where_it_would_arrive() -> None:
    world = World()
    world.unreachable.add("a")
    world.join("a")
    world.submit()
    assert world.runs() == []
    world.unreachable.clear()
    world.step()
    assert [command.node_id for command in world.runs()] == ["a"]


def test_the_run_names_the_attempts_whose_outputs_count() -> None:
    world = World()
    world.join_all()
    world.submit()
    world.output(world.runs()[0], Outcome.FAILED, "EXCEPTION", "once")
    world.later(1.1)
    world.output(world.runs()[0])
    attempts = {command.stage: list(command.input_attempts) for command in world.runs()}
    assert attempts == {"b": [2], "c": [2, 1]}


def test_an_exception_is_tried_again_after_a_pause_and_then_fails_the_task() -> None:
    world = World()
    world.join_all()
    world.submit()
    world.output(world.runs()[0], Outcome.FAILED, "EXCEPTION", "ValueError: x")
    world.later(0.9)
    assert world.runs() == []
    world.later(0.2)
    second = world.runs()[0]
    assert second.attempt == 2
    world.output(second, Outcome.FAILED, "EXCEPTION", "ValueError: x")
    assert world.tasks[1, 1].state is TaskState.FAILED
    assert (world.tasks[1, 1].error_code, world.tasks[1, 1].reason) == ("EXCEPTION", "a: ValueError: x")
    assert [world.stage(name).state for name in "abcd"] == [StageState.FAILED] + [StageState.CANCELLED] * 3


def test_a_refusal_is_final() -> None:
    world = World()
    world.join_all()
    world.submit()
    world.output(world.runs()[0], Outcome.FAILED, "NO_MODEL", "none fits")
    assert world.tasks[1, 1].state is TaskState.FAILED
    assert world.outputs[0].accepted is False


def test_a_failure_cancels_what_runs_beside_it() -> None:
    world = World()
    world.join_all()
    world.submit()
    world.output(world.runs()[0])
    b, c = sorted(world.runs(), key=lambda command: command.stage)
    world.output(b, Outcome.FAILED, "NO_WAY", "")
    assert [(command.kind, command.stage) for command in world.commands] == [(CommandKind.CANCEL, "c")]
    world.output(c)
    assert world.stage("c").state is StageState.CANCELLED


def test_a_lost_node_costs_no_failure_and_its_late_output_is_kept_but_not_used() -> None:
    world = World()
    world.join_all()
    world.submit()
    first = world.runs()[0]
    world.lose("a")
    world.join("a", name="a2")
    world.later(0.2)
    second = world.runs()[0]
    assert (second.node_id, second.attempt) == ("a2", 2)
    world.output(first)
    assert world.stage("a").state is StageState.RUNNING
    world.output(second)
    assert [(output.attempt, output.accepted) for output in world.outputs] == [(1, False), (2, True)]


def test_losses_are_bounded() -> None:
    world = World()
    world.submit()
    for incarnation in range(1, 5):
        world.join("a", incarnation=incarnation)
        world.later(0.2)
        assert len(world.runs()) == 1
        world.lose("a")
    assert world.tasks[1, 1].state is TaskState.FAILED
    assert "that was loss 4, the pipeline allows 3" in world.tasks[1, 1].reason


def test_a_restart_is_noticed_even_if_the_silence_was_too_short() -> None:
    world = World()
    world.join_all()
    world.submit()
    world.runs()
    world.join("a", incarnation=2)
    world.later(0.2)
    assert [command.attempt for command in world.runs()] == [2]


def test_a_node_that_gives_no_answer_is_to_be_restarted_and_gets_no_work_before() -> None:
    world = World()
    world.join_all()
    world.submit()
    world.runs()
    world.later(10.0)
    assert world.kinds("node.restart_wanted") == ["node.restart_wanted"]
    world.later(5.0)
    assert world.runs() == []
    world.join("a", incarnation=2)
    world.step()
    assert [command.attempt for command in world.runs()] == [2]


def test_a_stalled_call_times_out_before_its_deadline_and_progress_prevents_it() -> None:
    world = World()
    world.join_all()
    world.submit()
    run = world.runs()[0]
    working = {"task": run.task, "stage": "a", "attempt": 1}
    world.let_pass(4.0)
    world.status("a", NodeState.RUNNING, **working)
    world.later(4.0)
    assert world.stage("a").state is StageState.RUNNING
    world.later(1.5)
    assert world.stage("a").state is StageState.WAITING
    assert "no progress for 5 s" in next(e.body for e in world.events if e.kind == "stage.retry")


def test_a_run_that_got_lost_is_sent_again_with_the_same_id() -> None:
    world = World()
    world.join_all()
    world.submit()
    first = world.runs()[0]
    world.let_pass(0.4)
    world.status("a", NodeState.IDLE)
    assert world.runs() == []
    world.let_pass(0.3)
    world.status("a", NodeState.IDLE)
    again = world.runs()
    assert [command.command_id for command in again] == [first.command_id]


def test_a_node_that_refuses_is_a_loss() -> None:
    world = World()
    world.join_all()
    world.submit()
    world.answer(world.runs()[0], AnswerCode.REFUSED, reason="stopped")
    world.later(0.2)
    assert [command.attempt for command in world.runs()] == [2]


def test_missing_inputs_are_sent_again() -> None:
    world = World()
    world.join_all()
    world.submit()
    world.answer(world.runs()[0], AnswerCode.MISSING_INPUTS, missing=["t/user_input"])
    assert [(str(task), topic) for task, topic in world.resend] == [("1.1", "t/user_input")]


def test_a_stage_whose_kind_never_comes_fails_and_names_who_is_there() -> None:
    world = World()
    world.join("b")
    world.submit()
    world.later(31.0)
    assert world.tasks[1, 1].error_code == "NO_NODE"
    assert "no node of kind 'a'" in world.tasks[1, 1].reason
    assert "seen: b" in world.tasks[1, 1].reason


def test_who_has_long_waited_beside_a_node_is_not_failed_the_moment_that_the_node_is_gone() -> None:
    world = World(pipeline(a=("user_input",)))
    world.join("a")
    for problem in range(1, IN_HAND + 2):
        world.submit(problem)
    world.later(29.0)
    world.lose("a")
    world.later(1.5)
    assert world.tasks[IN_HAND + 1, 1].state is TaskState.RUNNING
    world.later(29.0)
    assert world.tasks[IN_HAND + 1, 1].error_code == "NO_NODE"


def cancel(world: World, problem: int) -> None:
    row = world.engine.run_of((problem, 1)).row  # type: ignore[union-attr]
    world.step(lambda step: world.engine.cancel(step, row, world.plan))


def test_a_refusal_that_comes_after_the_task_was_cancelled_leaves_the_node_free() -> None:
    world = World(pipeline(a=("user_input",)))
    world.join("a")
    for problem in range(1, IN_HAND + 2):
        world.submit(problem)
    first = world.runs()[0]
    cancel(world, 1)
    world.answer(first, AnswerCode.REFUSED, reason="stopped")
    assert [command.task.problem_id for command in world.runs()] == [IN_HAND + 1]


def test_a_cancelled_attempt_that_never_reached_its_node_does_not_get_the_node_restarted() -> None:
    world = World(pipeline(a=("user_input",)))
    world.join("a")
    world.submit()
    cancel(world, 1)
    world.let_pass(0.6)
    world.status("a", NodeState.IDLE)
    world.later(11.0)
    assert world.kinds("node.restart_wanted") == []


def test_a_node_that_reads_more_than_the_stage_provides_is_told_so() -> None:
    world = World()
    world.join("a", inputs=("t/user_input", "t/b"))
    world.submit()
    assert world.tasks[1, 1].error_code == "INPUTS_MISMATCH"


def test_no_node_gets_more_in_hand_than_it_may_and_two_share_the_work() -> None:
    world = World(pipeline(a=("user_input",)))
    world.join("a", name="x")
    world.join("a", name="y")
    for problem in range(1, 11):
        world.submit(problem)
    assert Counter(command.node_id for command in world.runs()) == {"x": IN_HAND, "y": IN_HAND}


def test_a_node_whose_work_takes_microseconds_gets_more() -> None:
    world = World(pipeline(a=("user_input",)))
    world.join("a", capabilities=("inline",))
    for problem in range(1, 11):
        world.submit(problem)
    assert len(world.runs()) == 10


def test_admission_is_limited_and_in_order() -> None:
    world = World(pipeline(a=("user_input",)))
    for problem in range(1, ADMITTED + 11):
        world.submit(problem)
    assert world.engine.active == ADMITTED
    assert [key for key, row in world.tasks.items() if row.state is TaskState.WAITING] == [
        (problem, 1) for problem in range(ADMITTED + 1, ADMITTED + 11)
    ]
    world.join("a")
    succeed_all(world)
    assert {row.state for row in world.tasks.values()} == {TaskState.SUCCEEDED}


@pytest.mark.parametrize("begun", [True, False])
def test_cancel(begun: bool) -> None:
    world = World(pipeline(a=("user_input",)))
    if begun:
        world.join("a")
    for problem in range(1, ADMITTED + 2):
        world.submit(problem)
    problem = 1 if begun else ADMITTED + 1
    row = world.tasks[problem, 1]
    assert (row.state is TaskState.RUNNING) == begun
    world.step(lambda step: world.engine.cancel(step, row, world.plan))
    assert world.tasks[problem, 1].state is TaskState.CANCELLED
    assert world.stage("a", problem).state is StageState.CANCELLED
    sent = [c.kind for c in world.commands if c.task.problem_id == problem]
    assert (CommandKind.CANCEL in sent) == begun


def test_a_task_ends_with_a_stage_whose_follower_had_succeeded_under_an_earlier_pipeline() -> None:
    world = World(pipeline(a=("user_input",), b=("user_input",)))
    world.join("b")
    world.submit()
    succeed_all(world)
    assert (world.stage("a").state, world.stage("b").state) == (StageState.WAITING, StageState.SUCCEEDED)
    world.plan = pipeline(a=("user_input",), b=("a",))
    world.restart()
    world.join("a")
    world.join("b")
    succeed_all(world)
    assert world.tasks[1, 1].state is TaskState.SUCCEEDED


def test_recovered_work_is_adopted_from_a_living_node_and_redone_for_a_dead_one() -> None:
    before = World()
    before.join_all()
    before.submit()
    before.output(before.runs()[0])
    sent = {command.stage: command for command in before.runs()}
    after = World()
    run = TaskRun(before.tasks[1, 1], DIAMOND, new_stages(before.tasks[1, 1], DIAMOND))
    for name, stage in run.stages.items():
        stage.row = before.stages[1, 1, name]
        stage.attempt = before.attempts.get((1, 1, name, stage.row.attempt))
        stage.topic = f"t/{name}"
    after.tasks[1, 1] = before.tasks[1, 1]
    after.engine.recover_running(run, after.clock_s)
    for kind in ("a", "b", "d"):
        after.join(kind)
    assert [(c.stage, c.command_id) for c in after.runs()] == [("b", sent["b"].command_id)]
    after.join("c", incarnation=2)
    after.later(2.5)
    redone = after.runs()
    assert [(c.stage, c.attempt) for c in redone] == [("c", 2)]
    after.output(sent["b"])
    after.output(redone[0])
    succeed_all(after)
    assert after.tasks[1, 1].state is TaskState.SUCCEEDED
