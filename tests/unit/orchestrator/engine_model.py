"""What the task engine promises, told a second time and as plainly as can be: the model that its tests compare it with.

The model is told what happens, works out in which state each task, stage and attempt must be, and lists the orders that
must follow. Which node gets an attempt and when is the engine's choice: `started` is told, and refuses a choice that is
not allowed; `overlooked` says what should have been begun and was not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from engine_world import LoopPlan

from hedgerow_idl import Command, NodeState, Outcome
from hedgerow_orchestrator.pipeline import Pipeline, StageSpec
from hedgerow_orchestrator.states import StageState, TaskState

Key = tuple[int, int]
Mark = tuple[Key, str, int]
WORKS = (NodeState.IDLE, NodeState.RUNNING)
LOSS_PAUSE_S, RESEND_S, CONFIRM_S = 0.1, 0.5, 2.0


@dataclass
class Given:
    """An attempt that a node has and has not ended; `sent_at_s` is None after a restart, when that is not known."""

    command: Command
    give_up_at_s: float
    took_s: float
    sent_at_s: float | None

    @property
    def mark(self) -> Mark:
        """Which attempt."""
        return mark_of(self.command)


@dataclass
class StageModel:
    """One stage: how each attempt ended, what was counted, since when it waits for a node or until when it pauses."""

    spec: StageSpec
    state: StageState = StageState.WAITING
    attempts: list[StageState] = field(default_factory=list)
    failures: int = 0
    losses: int = 0
    since_s: float | None = None
    paused_until_s: float | None = None
    current: Given | None = None


@dataclass
class TaskModel:
    """One task."""

    key: Key
    stages: dict[str, StageModel]
    state: TaskState = TaskState.WAITING
    code: str = ""
    loop: LoopPlan = field(default_factory=LoopPlan)


@dataclass
class NodeModel:
    """One node as the orchestrator must see it: `said` is the last progress that it told, `said_at_s` since when."""

    name: str
    kind: str
    room: int
    incarnation: int = 0
    there: bool = False
    state: NodeState = NodeState.INITIALIZING
    suspect: bool = False
    reachable: bool = True
    said: object = None
    said_at_s: float = 0.0
    works_on: Mark | None = None
    given: dict[Mark, Given] = field(default_factory=dict)

    @property
    def free(self) -> bool:
        """It may be given one more attempt."""
        works = self.there and self.state in WORKS and not self.suspect
        return works and self.reachable and len(self.given) < self.room


def mark_of(command: Command) -> Mark:
    """Which attempt a command is about."""
    return (command.task.problem_id, command.task.iteration_id), command.stage, command.attempt


class EngineModel:
    """Tasks, nodes, and the orders that are due: `cancels`, `repeats`, `resends`, `restarts`."""

    def __init__(self, plan: Pipeline, admitted: int) -> None:
        self.plan = plan
        self.admitted = admitted
        self.tasks: dict[Key, TaskModel] = {}
        self.nodes: dict[str, NodeModel] = {}
        self.cancels: list[tuple[str, int, Mark]] = []
        self.repeats: list[Command] = []
        self.resends: list[tuple[Key, str]] = []
        self.restarts: list[str] = []
        self.command_ids: set[str] = set()
        self._left_at_s: dict[str, float] = {}
        self._confirm_by_s: float | None = None

    def active(self) -> list[TaskModel]:
        """The tasks in work."""
        return [task for task in self.tasks.values() if task.state is TaskState.RUNNING]

    def waiting(self) -> list[TaskModel]:
        """The tasks that wait, in order."""
        return [task for task in self.tasks.values() if task.state is TaskState.WAITING]

    # --- tasks ----------------------------------------------------------------------------------------------------

    def submit(self, key: Key, loop: LoopPlan) -> None:
        """A task is new, and last in the line."""
        stages = {name: StageModel(spec) for name, spec in self.plan.stages.items()}
        self.tasks[key] = TaskModel(key, stages, loop=loop)

    def _follow(self, task: TaskModel) -> None:
        """A task has ended: its loop opens the next iteration at once, or never."""
        following = task.loop.after(task.state, task.key[1])
        if following is not None:
            self.submit((task.key[0], task.key[1] + 1), following)

    def admit(self, key: Key, clock_s: float) -> None:
        """The engine began a task: it must be the next, and there must be room."""
        assert self.waiting()[0].key == key, f"task {key} overtook another one"
        assert len(self.active()) < self.admitted, f"task {key} was begun without room for it"
        self.tasks[key].state = TaskState.RUNNING
        self._line_up(self.tasks[key], clock_s)

    def cancel(self, key: Key) -> None:
        """A task is not wanted; one that has ended stays as it is."""
        if not self.tasks[key].state.final:
            self._end(self.tasks[key], TaskState.CANCELLED, "CANCELLED")

    def _line_up(self, task: TaskModel, clock_s: float) -> None:
        """Every stage whose inputs have succeeded waits for a node from now on."""
        for stage in task.stages.values():
            fresh = stage.state is StageState.WAITING and stage.since_s is None and stage.paused_until_s is None
            needs = [task.stages[name] for name in stage.spec.inputs if name in task.stages]
            if fresh and all(need.state is StageState.SUCCEEDED for need in needs):
                stage.since_s = clock_s

    def _end(self, task: TaskModel, state: TaskState, code: str) -> None:
        for stage in task.stages.values():
            if stage.state.final:
                continue
            if stage.current is not None:
                command = stage.current.command
                self.cancels.append((command.node_id, command.incarnation, mark_of(command)))
                stage.attempts[-1] = StageState.CANCELLED
            stage.state, stage.current = StageState.CANCELLED, None
        task.state, task.code = state, code
        self._follow(task)

    # --- attempts -------------------------------------------------------------------------------------------------

    def started(self, command: Command, clock_s: float, now_s: float) -> None:
        """The engine gave an attempt to a node: it must be this stage's turn, and the node's."""
        (key, name, number), node = mark_of(command), self.nodes[command.node_id]
        task = self.tasks[key]
        stage = task.stages[name]
        assert task.state is TaskState.RUNNING, f"RUN of {key}, which is {task.state}"
        assert stage.state is StageState.WAITING, f"RUN of {key} {name}, which is {stage.state}"
        assert stage.since_s is not None, f"RUN of {key} {name} before its inputs, or before its pause is over"
        assert number == len(stage.attempts) + 1
        assert node.free, f"{node.name} was given work and may not have it: {node}"
        assert (node.kind, node.incarnation) == (stage.spec.kind, command.incarnation)
        assert command.command_id not in self.command_ids, "a command id was given out twice"
        self.command_ids.add(command.command_id)
        expected = [len(task.stages[n].attempts) if n in task.stages else 1 for n in stage.spec.inputs]
        assert list(command.input_attempts) == expected
        rivals = [other for other in self.nodes.values() if other.kind == node.kind and other.free]
        assert min((len(other.given), other.name) for other in rivals) == (len(node.given), node.name)
        for other, _ in self.in_line(node.kind):
            assert other.since_s is None or other.since_s >= stage.since_s, f"{key} {name} skipped the line"
        took_s = stage.spec.timeout_s * (1 + len(node.given))
        assert command.deadline_at_s == now_s + took_s
        given = Given(command, clock_s + took_s, took_s, clock_s)
        stage.state, stage.since_s, stage.current = StageState.RUNNING, None, given
        stage.attempts.append(StageState.RUNNING)
        node.given[given.mark] = given

    def overlooked(self) -> list[str]:
        """What waits although it could have been begun."""
        found = []
        if self.waiting() and len(self.active()) < self.admitted:
            found.append(f"task {self.waiting()[0].key} waits, and there is room")
        for node in self.nodes.values():
            if node.free:
                found += [f"{s.spec.name} of {task.key} waits beside {node}" for s, task in self.in_line(node.kind)]
        return found

    def in_line(self, kind: str) -> list[tuple[StageModel, TaskModel]]:
        """What waits for a node of a kind."""
        return [
            (stage, task)
            for task in self.active()
            for stage in task.stages.values()
            if stage.spec.kind == kind and stage.state is StageState.WAITING and stage.since_s is not None
        ]

    def output(self, command: Command, outcome: Outcome, code: str, clock_s: float) -> None:
        """An output arrived, from whoever `command.node_id` is; only that of the current attempt counts."""
        mark = mark_of(command)
        if command.node_id in self.nodes:
            self.nodes[command.node_id].given.pop(mark, None)
        task, stage = self._current(mark, command.node_id)
        if task is None or stage is None:
            return
        if outcome is Outcome.SUCCEEDED:
            stage.state = stage.attempts[-1] = StageState.SUCCEEDED
            stage.current = None
            self._line_up(task, clock_s)
            if all(other.state is StageState.SUCCEEDED for other in task.stages.values()):
                task.state = TaskState.SUCCEEDED
                self._follow(task)
        elif outcome is Outcome.CANCELLED:
            self._lose(task, stage, code, clock_s)
        else:
            state = StageState.TIMED_OUT if outcome is Outcome.TIMED_OUT else StageState.FAILED
            self._fail(task, stage, state, code, clock_s, final=code != "EXCEPTION")

    def refused(self, command: Command, clock_s: float) -> None:
        """A node does not take an attempt."""
        self.nodes[command.node_id].given.pop(mark_of(command), None)
        task, stage = self._current(mark_of(command), command.node_id)
        if task is not None and stage is not None:
            self._lose(task, stage, "REFUSED", clock_s)

    def missing(self, command: Command, topic: str) -> None:
        """A node asks for an input."""
        task, _ = self._current(mark_of(command), command.node_id)
        if task is not None:
            self.resends.append((task.key, topic))

    def _current(self, mark: Mark, node: str) -> tuple[TaskModel | None, StageModel | None]:
        task = self.tasks.get(mark[0])
        stage = task.stages.get(mark[1]) if task else None
        if stage is None or stage.current is None or stage.current.mark != mark:
            return None, None
        return (task, stage) if stage.current.command.node_id == node else (None, None)

    def _lose(self, task: TaskModel, stage: StageModel, code: str, clock_s: float) -> None:
        stage.losses += 1
        if stage.losses > stage.spec.losses:
            self._fail(task, stage, StageState.FAILED, code, clock_s, final=True)
        else:
            self._pause(stage, StageState.CANCELLED, clock_s + LOSS_PAUSE_S)

    def _fail(
        self, task: TaskModel, stage: StageModel, state: StageState, code: str, clock_s: float, *, final: bool
    ) -> None:
        stage.failures += 1
        if not final and stage.failures < stage.spec.attempts:
            self._pause(stage, state, clock_s + stage.spec.backoff_s * 2 ** (stage.failures - 1))
            return
        if stage.current is not None:
            stage.attempts[-1] = state
        stage.state, stage.current = state, None
        self._end(task, TaskState.FAILED, code)

    def _pause(self, stage: StageModel, ended: StageState, until_s: float) -> None:
        stage.attempts[-1] = ended
        stage.state, stage.current, stage.paused_until_s = StageState.WAITING, None, until_s

    # --- nodes ----------------------------------------------------------------------------------------------------

    def joined(self, name: str, incarnation: int, clock_s: float) -> None:
        """A process announced itself; an earlier one under its name is gone."""
        node = self.nodes[name]
        if node.there and node.incarnation < incarnation:
            self.gone(name, node.incarnation, clock_s)
        node.incarnation, node.there, node.suspect, node.state = incarnation, True, False, NodeState.INITIALIZING
        node.said, node.said_at_s, node.works_on = None, clock_s, None
        for given in list(node.given.values()):
            if given.command.incarnation < incarnation:
                self._lost_with(node, given, clock_s)
        self._repeat(node, clock_s, idle=False)

    def said(
        self, name: str, state: NodeState, works_on: Mark | None, queued: int, progress_s: float, clock_s: float
    ) -> None:
        """A node that was heard before said how it is."""
        node = self.nodes[name]
        if node.said != (works_on, progress_s):
            node.said, node.said_at_s = (works_on, progress_s), clock_s
        node.state, node.there, node.works_on = state, True, works_on
        if state is NodeState.IDLE:
            node.suspect = False
        self._repeat(node, clock_s, idle=state is NodeState.IDLE and queued == 0)

    def gone(self, name: str, incarnation: int, clock_s: float) -> None:
        """A process left or fell silent; of one that no longer counts, that means nothing."""
        node = self.nodes[name]
        if node.there and node.incarnation == incarnation:
            node.there = False
            self._left_at_s[node.kind] = clock_s
            for given in list(node.given.values()):
                if given.command.incarnation <= incarnation:
                    self._lost_with(node, given, clock_s)

    def _lost_with(self, node: NodeModel, given: Given, clock_s: float) -> None:
        del node.given[given.mark]
        task, stage = self._current(given.mark, node.name)
        if task is not None and stage is not None:
            self._lose(task, stage, "NODE_LOST", clock_s)

    def _repeat(self, node: NodeModel, clock_s: float, *, idle: bool) -> None:
        """What a node seems not to have got is sent again, or struck off if nobody wants it any more."""
        for given in list(node.given.values()):
            task, _ = self._current(given.mark, node.name)
            if given.command.incarnation > node.incarnation:
                continue
            if task is None:
                if idle and clock_s > given.give_up_at_s - given.took_s + RESEND_S:
                    del node.given[given.mark]
            elif given.sent_at_s is None or (idle and clock_s > given.sent_at_s + RESEND_S):
                given.sent_at_s = clock_s
                self.repeats.append(given.command)

    # --- time and the orchestrator's death ------------------------------------------------------------------------

    def passed(self, clock_s: float, rank: Callable[[Key, str], int]) -> None:
        """Time has passed. What is due in one moment is due in the order that `rank` gives, the engine's own."""
        if self._confirm_by_s is not None and clock_s >= self._confirm_by_s:
            self._confirm_by_s = None
            for node in self.nodes.values():
                for given in [] if node.there else list(node.given.values()):
                    self._lost_with(node, given, clock_s)
        held = [(node, given) for node in self.nodes.values() for given in node.given.values()]
        for node, given in sorted(held, key=lambda each: rank(*each[1].mark[:2])):
            if self._overdue(node, given, clock_s):
                self._time_out(node, given, clock_s)
        for kind in sorted(self.plan.stages):
            if not any(node.there for node in self.nodes.values() if node.kind == kind):
                left_at_s = self._left_at_s.get(kind, 0.0)
                for stage, task in sorted(self.in_line(kind), key=lambda each: rank(each[1].key, each[0].spec.name)):
                    assert stage.since_s is not None
                    overdue = clock_s - max(stage.since_s, left_at_s) > stage.spec.node_wait_s
                    if overdue and not task.state.final:
                        self._fail(task, stage, StageState.FAILED, "NO_NODE", clock_s, final=True)
        for task in self.active():
            for stage in task.stages.values():
                if stage.paused_until_s is not None and stage.paused_until_s <= clock_s:
                    stage.paused_until_s, stage.since_s = None, clock_s

    def _overdue(self, node: NodeModel, given: Given, clock_s: float) -> bool:
        if clock_s >= given.give_up_at_s:
            return True
        task, stage = self._current(given.mark, node.name)
        stalls = stage is not None and clock_s - node.said_at_s > stage.spec.stall_timeout_s
        return task is not None and stalls and node.works_on == given.mark

    def _time_out(self, node: NodeModel, given: Given, clock_s: float) -> None:
        del node.given[given.mark]
        task, stage = self._current(given.mark, node.name)
        if task is not None and stage is not None:
            self._fail(task, stage, StageState.TIMED_OUT, "TIMED_OUT", clock_s, final=False)
        if node.there and not node.suspect:
            node.suspect = True
            self.restarts.append(node.name)

    def restarted(self, clock_s: float) -> None:
        """The orchestrator was killed: it knows what is stored, no node, and not which of its orders arrived."""
        self.tasks = dict(sorted(self.tasks.items()))  # whatever waits, waits in the order of its ids from now on
        self._left_at_s.clear()
        self._confirm_by_s = clock_s + CONFIRM_S if self.active() else None
        for node in self.nodes.values():
            node.there, node.suspect, node.works_on = False, False, None
            node.given.clear()
        for task in self.active():
            for stage in task.stages.values():
                stage.paused_until_s = stage.since_s = None
                if stage.current is not None:
                    given = stage.current
                    given.give_up_at_s, given.sent_at_s = clock_s + given.took_s, None
                    self.nodes[given.command.node_id].given[given.mark] = given
            self._line_up(task, clock_s)
