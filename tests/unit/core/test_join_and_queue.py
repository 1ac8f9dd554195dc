"""Joins by task and attempt, and the queue of RUNs: nothing runs early, nothing runs twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hedgerow_idl import AppRequirements, Command, CommandKind, Header, TaskId
from hedgerow_nodes.core.join import Join
from hedgerow_nodes.core.work_queue import WorkQueue


def sample(problem: int, attempt: int = 1, text: str = "") -> AppRequirements:
    header = Header(task=TaskId(problem_id=problem, iteration_id=1), attempt=attempt)
    return AppRequirements(header=header, explanation=text)


def run(problem: int, attempts: list[int], command_id: str = "") -> Command:
    return Command(
        kind=CommandKind.RUN,
        command_id=command_id or f"run-{problem}",
        task=TaskId(problem_id=problem, iteration_id=1),
        stage="s",
        input_attempts=attempts,
    )


def test_the_attempt_that_was_accepted_is_taken_not_the_last_to_arrive() -> None:
    join = Join(["a"])
    join.put(0, sample(1, attempt=2, text="accepted"))
    join.put(0, sample(1, attempt=1, text="late"))
    assert [s.explanation for s in join.take(TaskId(problem_id=1, iteration_id=1), [2])] == ["accepted"]


def test_missing_names_the_topics() -> None:
    join = Join(["a", "b"])
    join.put(1, sample(1))
    assert join.missing(TaskId(problem_id=1, iteration_id=1), [1, 1]) == ["a"]
    assert join.missing(TaskId(problem_id=2, iteration_id=1), [1, 1]) == ["a", "b"]


@given(st.lists(st.integers(1, 50), max_size=200), st.integers(1, 10))
def test_memory_is_bounded_and_the_newest_tasks_stay(problems: list[int], capacity: int) -> None:
    join = Join(["a"], capacity)
    for problem in problems:
        join.put(0, sample(problem))
    assert len(join) <= capacity
    if problems:
        assert join.missing(TaskId(problem_id=problems[-1], iteration_id=1), [1]) == []


@given(st.data())
def test_every_run_comes_out_once_and_only_complete(data: st.DataObject) -> None:
    join = Join(["a", "b"])
    queue = WorkQueue(join)
    events = data.draw(
        st.lists(
            st.one_of(
                st.tuples(st.just("put"), st.integers(0, 1), st.integers(1, 5)),
                st.tuples(st.just("run"), st.integers(1, 5), st.just(0)),
            ),
            max_size=40,
        )
    )
    have: set[tuple[int, int]] = set()
    asked: set[int] = set()
    began: list[int] = []
    for what, x, y in events:
        if what == "put":
            join.put(x, sample(y))
            have.add((x, y))
        else:
            assert queue.accept(run(x, [1, 1]), 0.0) is (x not in asked)
            asked.add(x)
        while (command := queue.next_ready()) is not None:
            problem = command.task.problem_id
            assert {(0, problem), (1, problem)} <= have
            began.append(problem)
    assert len(began) == len(set(began))
    assert set(began) == {p for p in asked if {(0, p), (1, p)} <= have}


def test_a_late_input_is_asked_for_once_a_grace() -> None:
    queue = WorkQueue(Join(["a", "b"]), grace_s=1.0)
    queue.accept(run(1, [1, 1]), 10.0)
    assert list(queue.overdue(10.9)) == []
    assert [missing for _, missing in queue.overdue(11.0)] == [["a", "b"]]
    assert list(queue.overdue(11.5)) == []
    assert len(list(queue.overdue(12.0))) == 1


def test_cancel_takes_only_its_task_and_stage_out() -> None:
    queue = WorkQueue(Join(["a"]))
    for problem in (1, 2):
        queue.accept(run(problem, [1]), 0.0)
    assert queue.cancel(TaskId(problem_id=1, iteration_id=1), "another") == []
    assert [c.task.problem_id for c in queue.cancel(TaskId(problem_id=1, iteration_id=1), "s")] == [1]
    assert [c.task.problem_id for c in queue.clear()] == [2]
    assert len(queue) == 0
