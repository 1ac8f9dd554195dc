"""Whatever happens to tasks, nodes, messages and the orchestrator: the engine does what its model says; all ends."""

from __future__ import annotations

import os
from collections import Counter
from unittest import mock

import hypothesis
import pytest
from engine_model import EngineModel, NodeModel, mark_of
from engine_world import DIAMOND, LoopPlan, World
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from simulated_node import SimulatedNode, Written

from hedgerow_idl import AnswerCode, Command, CommandKind, NodeState, Outcome, TaskId
from hedgerow_nodes.core.module_node import INLINE
from hedgerow_orchestrator import engine, hands
from hedgerow_orchestrator.states import StageState
from hedgerow_orchestrator.store.projection import differences, project

SEED = int(os.environ.get("HEDGEROW_CHAOS_SEED") or 1)
EXAMPLES, STEPS = 150, 50
ADMITTED, KEPT_WAITING, ROOM_INLINE = 5, 1, 3
MOST_OPEN = 8
ROUNDS = 150
PAUSES_S = (0.125, 0.125, 0.125, 0.5, 0.625, 0.625, 1.125, 1.125, 1.125, 2.0, 5.125, 11.0)
"""Each is longer than the time between two looks at the clock, so that what is due must have happened."""

ENDS = [
    *[(Outcome.SUCCEEDED, "")] * 6,
    *[(Outcome.FAILED, "EXCEPTION")] * 4,
    (Outcome.FAILED, "NO_MODEL"),
    (Outcome.CANCELLED, "CANCELLED"),
    (Outcome.TIMED_OUT, "EXCEPTION"),
    (Outcome.TIMED_OUT, "TIMED_OUT"),
]
AFTER_A_KILL = ["heard", "later", "gone", "restarted", "doubled"]
REPLICAS = {"x": (), "y": (INLINE,)}


class EngineMachine(RuleBasedStateMachine):
    """Two replicas of each kind, one that works beside its loop and one inline; few tasks are admitted at once."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = [
            mock.patch.object(engine, "ADMITTED", ADMITTED),
            mock.patch.object(engine, "KEPT_WAITING", KEPT_WAITING),
            mock.patch.object(hands, "IN_HAND_INLINE", ROOM_INLINE),
        ]
        for limit in self.limits:
            limit.start()
        self.world = World()
        self.model = EngineModel(DIAMOND, ADMITTED)
        self.nodes: dict[str, SimulatedNode] = {}
        for kind in DIAMOND.stages:
            for replica, capabilities in REPLICAS.items():
                self.new_node(kind + replica, kind, capabilities)
        self.air: list[Written] = []
        self.incarnation = 0
        self.seen_events = 0
        self.final: dict[object, object] = {}
        self.sound = True

    def new_node(self, name: str, kind: str, capabilities: tuple[str, ...]) -> None:
        self.nodes[name] = SimulatedNode(name, kind, capabilities)
        self.model.nodes[name] = NodeModel(name, kind, ROOM_INLINE if capabilities else hands.IN_HAND)

    # --- tasks ----------------------------------------------------------------------------------------------------

    @initialize(missing=st.sampled_from(["", "", "y", "y", "x", "xy"]))
    def begin(self, missing: str) -> None:
        for name in self.nodes:
            if name[-1] not in missing:
                self.join(name)

    @precondition(lambda self: len(self.model.active()) + len(self.model.waiting()) < MOST_OPEN)
    @rule(count=st.integers(1, 3), left=st.sampled_from([0, 0, 1, 3]), spare=st.integers(0, 1))
    def submit(self, count: int, left: int, spare: int) -> None:
        """Tasks that are answered once, or whose loop stage goes on a few times; `spare` changes nothing for those."""
        for _ in range(count):
            key, loop = (len(self.model.tasks) + 1, 1), LoopPlan(left, spare)
            self.model.submit(key, loop)
            self.world.submit(key[0], loop)
            self.settle()

    @precondition(lambda self: self.model.tasks)
    @rule(data=st.data(), what=st.sampled_from(["cancel", "stranger", "miss", "reach"]))
    def something_odd(self, data: st.DataObject, what: str) -> None:
        """A task is cancelled, whatever its state; an output that nobody asked for; an input that is missing; a way."""
        if what == "cancel":
            self.cancel(data.draw(st.sampled_from(list(self.model.tasks))))
        else:
            getattr(self, what)(data)

    def cancel(self, key: tuple[int, int]) -> None:
        self.model.cancel(key)
        run = self.world.engine.run_of(key)
        row = run.row if run else self.world.tasks[key]
        if not row.state.final:  # as the verb does
            self.world.step(lambda step: self.world.engine.cancel(step, row, DIAMOND))
        self.settle()

    # --- nodes come and go ----------------------------------------------------------------------------------------

    def draw(self, data: st.DataObject, *, alive: bool = False) -> SimulatedNode:
        """A node, rather one that has something in hand."""
        nodes = [node for node in self.nodes.values() if node.alive or not alive]
        busy = [node for node in nodes if node.inbox or node.queue]
        return data.draw(st.sampled_from(busy + nodes if busy else nodes))

    @rule(data=st.data(), lost_late=st.booleans())
    def start(self, data: st.DataObject, lost_late: bool) -> None:
        """A process begins, rather one that was dead, perhaps before the end of the one before it was noticed."""
        dead = [node for node in self.nodes.values() if not node.alive]
        node = data.draw(st.sampled_from(dead)) if dead else self.draw(data)
        name, before = node.name, node.incarnation
        self.join(name)
        if lost_late:
            self.model.gone(name, before, self.world.clock_s)
            self.world.lose(name, before)
            self.settle()

    def join(self, name: str) -> None:
        self.incarnation += 2
        self.nodes[name].begin(self.incarnation)
        self.announce(name)

    def announce(self, name: str) -> None:
        node = self.nodes[name]
        node.silent, node.progress_s = False, self.world.now_s
        self.hear(node, node.incarnation)

    def hear(self, node: SimulatedNode, incarnation: int) -> None:
        self.model.joined(node.name, incarnation, self.world.clock_s)
        self.model.said(node.name, node.state, None, 0, self.world.now_s, self.world.clock_s)
        self.world.join(node.kind, node.name, incarnation, capabilities=node.capabilities, state=node.state)
        self.settle()

    @precondition(lambda self: any(node.alive for node in self.nodes.values()))
    @rule(data=st.data(), how=st.sampled_from(["killed", "left", "silent", "silent", "changed", "changed", "all"]))
    def trouble(self, data: st.DataObject, how: str) -> None:
        """A process is killed, leaves, is stopped for longer than its lease, or takes no work; or a whole kind goes."""
        if how == "all":
            self.desert(data)
        elif how == "changed":
            self.change(data)
        else:
            self.go(self.draw(data, alive=True), how)

    def go(self, node: SimulatedNode, how: str) -> None:
        """A process is killed, leaves, or falls silent."""
        self.model.gone(node.name, node.incarnation, self.world.clock_s)
        if how == "left":
            self.world.leave(node.name, node.incarnation)
        else:
            self.world.lose(node.name, node.incarnation)
        node.silent = True
        if how != "silent":
            node.alive = False
            node.forget()
        self.settle()

    def desert(self, data: st.DataObject) -> None:
        """All nodes of a kind are killed at once, rather of one that much waits for, and perhaps has for long."""
        awaited = [kind for kind in DIAMOND.stages if self.model.in_line(kind)]
        kind = data.draw(st.sampled_from(awaited or list(DIAMOND.stages)))
        self.later(data.draw(st.sampled_from([0.125, 31.0])))
        nodes = [node for node in self.nodes.values() if node.kind == kind]
        for node in nodes:
            if node.alive:
                self.go(node, "killed")
        self.later(data.draw(st.sampled_from([1.125, 1.125, 31.0])))
        for node in nodes if data.draw(st.integers(0, 3)) else []:
            self.join(node.name)

    @precondition(lambda self: any(node.alive for node in self.nodes.values()))
    @rule(data=st.data(), how=st.sampled_from(["truth", "truth", "idle", "progress"]))
    def say(self, data: st.DataObject, how: str) -> None:
        """A node says how it is, or, with an old status, that it has nothing to do; a silent one comes back."""
        node = self.draw(data, alive=True)
        if not self.known(node.name):
            self.announce(node.name)
            return
        node.silent = False
        idle = how == "idle" or not node.queue
        if how == "progress":
            node.progress_s = self.world.now_s
        self.tell(node, idle=idle)

    def known(self, name: str) -> bool:
        """The orchestrator has the announcement of this very process; one that was just started has it not."""
        known = self.world.registry.get(name)
        return known is not None and known.info.incarnation == self.nodes[name].incarnation

    def tell(self, node: SimulatedNode, *, idle: bool) -> None:
        state, works_on, fields = node.state, None, {"queued": 0}
        if state is NodeState.IDLE and not idle:
            first = node.queue[0]
            state, works_on = NodeState.RUNNING, mark_of(first)
            fields = {"task": first.task, "stage": first.stage, "attempt": first.attempt}
            fields["queued"] = len(node.queue) - 1
        queued = fields["queued"]
        self.model.said(node.name, state, works_on, queued, node.progress_s, self.world.clock_s)
        self.world.status(node.name, state, node.incarnation, last_progress_at_s=node.progress_s, **fields)
        self.settle()

    def change(self, data: st.DataObject) -> None:
        """A node is stopped, fails to start, or is ready again; it says so, now or later."""
        node = self.draw(data, alive=True)
        if not self.known(node.name):
            return
        state = data.draw(st.sampled_from([NodeState.IDLE, NodeState.ERROR, NodeState.INITIALIZING]))
        self.air += node.give_up(state) if state is not NodeState.IDLE else ()
        node.state = state
        if not node.silent and data.draw(st.booleans()):
            self.tell(node, idle=True)

    def reach(self, data: st.DataObject) -> None:
        """The way to a node is found, or is not yet there."""
        name = self.draw(data).name
        node = self.model.nodes[name]
        node.reachable = not node.reachable
        self.world.unreachable ^= {name}
        self.world.step()
        self.settle()

    # --- what nodes do --------------------------------------------------------------------------------------------

    def busy(self) -> list[SimulatedNode]:
        return [node for node in self.nodes.values() if node.alive and (node.inbox or node.queue)]

    @precondition(lambda self: self.busy())
    @rule(data=st.data(), ends=st.lists(st.sampled_from(ENDS), min_size=1, max_size=4), at_once=st.booleans())
    def work(self, data: st.DataObject, ends: list[tuple[Outcome, str]], at_once: bool) -> None:
        """A node reads its commands and ends some of its work, in any order."""
        node = data.draw(st.sampled_from(self.busy()))
        node.read()
        some = data.draw(st.permutations(node.queue))
        written = [node.finish(command, *end) for command, end in zip(some, ends, strict=False)]
        if at_once:
            self.arrive(written)
        else:
            self.air += written

    @precondition(lambda self: self.busy())
    @rule(data=st.data(), progress_after_s=st.sampled_from([0.0, 2.0]), seconds=st.sampled_from([4.0, 5.125]))
    def stall(self, data: st.DataObject, progress_after_s: float, seconds: float) -> None:
        """A node says what it works on, perhaps some progress later, and then nothing for some seconds."""
        node = data.draw(st.sampled_from(self.busy()))
        node.read()
        if node.silent or not node.queue or not self.known(node.name):
            return
        self.tell(node, idle=False)
        if progress_after_s:
            self.later(progress_after_s)
            node.progress_s = self.world.now_s
            self.tell(node, idle=not node.queue)
        self.later(seconds)

    @precondition(lambda self: self.busy())
    @rule(
        kinds=st.sampled_from(["a", "abc", "ab", "ac", "abcd"]), end=st.sampled_from(ENDS[:8]), times=st.integers(1, 3)
    )
    def all_work(self, kinds: str, end: tuple[Outcome, str], times: int) -> None:
        """All nodes of some kinds read their commands and end all that they have in the same way."""
        for node in [node for _ in range(times) for node in self.nodes.values()]:
            if node.kind in kinds and node.alive:
                node.read()
                self.arrive([node.finish(command, *end) for command in list(node.queue)])

    @precondition(lambda self: self.air)
    @rule(data=st.data(), twice=st.booleans())
    def arrive_late(self, data: st.DataObject, twice: bool) -> None:
        """An output arrives that was under way, perhaps once more."""
        written = data.draw(st.sampled_from(self.air))
        if not twice:
            self.air.remove(written)
        self.arrive([written])

    def arrive(self, written: list[Written]) -> None:
        for command, outcome, code in written:
            self.model.output(command, outcome, code, self.world.clock_s)
        self.world.outputs_at_once(written)
        self.settle()

    def stranger(self, data: st.DataObject) -> None:
        """An output that nobody was asked for, perhaps for an attempt that another node has in hand."""
        problem, attempt = data.draw(st.integers(1, 9)), data.draw(st.integers(0, 3))
        stage = data.draw(st.sampled_from("abcdz"))
        name = data.draw(st.sampled_from(["stranger", *self.nodes]))
        given = [mark for node in self.model.nodes.values() for mark in node.given]
        if given and data.draw(st.booleans()):
            (problem, _), stage, attempt = data.draw(st.sampled_from(given))
        mark = (problem, 1), stage, attempt
        if name in self.nodes and mark in self.model.nodes[name].given:
            return  # it was asked
        task = TaskId(problem_id=problem, iteration_id=1)
        command = Command(task=task, stage=stage, attempt=attempt, node_id=name)
        self.arrive([(command, Outcome.SUCCEEDED, "")])

    def refusing(self) -> list[SimulatedNode]:
        refuse = [n for n in self.nodes.values() if n.alive and n.inbox and n.state is not NodeState.IDLE]
        return refuse + [node for node in self.nodes.values() if node.answers]

    @precondition(lambda self: self.refusing())
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        """What a node answers is read: it takes no work now, or had taken it before."""
        node = data.draw(st.sampled_from(self.refusing()))
        node.read()
        if not node.answers:
            return
        command, code = node.answers.pop(data.draw(st.integers(0, len(node.answers) - 1)))
        if code is AnswerCode.REFUSED:
            self.model.refused(command, self.world.clock_s)
        self.world.answer(command, code, reason="stopped")
        self.settle()

    def miss(self, data: st.DataObject) -> None:
        """A node lacks an input."""
        queued = [command for node in self.nodes.values() for command in node.queue]
        if not queued:
            return
        command = data.draw(st.sampled_from(queued))
        self.model.missing(command, "t/user_input")
        self.world.answer(command, AnswerCode.MISSING_INPUTS, missing=["t/user_input"])
        self.settle()

    # --- time, and the orchestrator -------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from(PAUSES_S))
    def later(self, seconds: float) -> None:
        self.world.later(seconds)
        self.settle(time_passed=True)

    @rule(data=st.data(), arrived=st.booleans(), most=st.sampled_from(AFTER_A_KILL), cancelled=st.booleans())
    def kill(self, data: st.DataObject, arrived: bool, most: str, cancelled: bool) -> None:
        """The orchestrator dies; what it had written reached the nodes, or not.

        They are heard again at once, or later, or have died or been started again meanwhile, or are heard after an
        older process under the same id; perhaps a task is cancelled before.
        """
        for node in self.nodes.values():
            node.answers.clear()
            if not arrived:
                node.inbox.clear()
        self.model.restarted(self.world.clock_s)
        self.world.restart()
        self.world.step()
        self.settle()
        if cancelled and self.model.active():
            self.cancel(data.draw(st.sampled_from([task.key for task in self.model.active()])))
        for node in self.nodes.values():
            how = data.draw(st.sampled_from([most, most, "heard"])) if node.queue or node.inbox else most
            if how == "later" or not node.alive or node.silent:
                continue
            if how == "gone":
                node.alive = False
                node.forget()
                continue
            if how == "restarted":
                self.join(node.name)
                continue
            if how == "doubled":
                self.hear(node, node.incarnation - 1)
            self.announce(node.name)
        self.later(data.draw(st.sampled_from([0.125, 2.0])))
        for node in self.nodes.values():
            if node.alive and not node.silent and self.known(node.name):
                self.tell(node, idle=not node.queue)

    # --- what must hold after each step ---------------------------------------------------------------------------

    def settle(self, *, time_passed: bool = False) -> None:
        """Compare, have one more pass, which finds room that the one before made, and compare again."""
        self.sound = False
        self.observe(time_passed=time_passed)
        self.world.step()
        self.observe()
        assert self.model.overlooked() == []
        self.compare()
        self.sound = True

    def observe(self, *, time_passed: bool = False) -> None:
        """Tell the model what the engine chose, and see that the orders are those that the model expects."""
        events = self.world.events[self.seen_events :]
        self.seen_events = len(self.world.events)
        for event in events:
            if event.kind == "task.running":
                self.model.admit((event.task.problem_id, event.task.iteration_id), self.world.clock_s)
        if time_passed:
            ended = [(e.task.problem_id, e.task.iteration_id, e.stage) for e in events if e.kind.startswith("stage.")]
            order = {place: n for n, place in reversed(list(enumerate(ended)))}
            self.model.passed(self.world.clock_s, lambda key, stage: order.get((*key, stage), len(order)))
        self.take_commands()
        wanted = [event.node_id for event in events if event.kind == "node.restart_wanted"]
        assert sorted(wanted) == sorted(self.model.restarts)
        self.model.restarts.clear()
        resent = [((task.problem_id, task.iteration_id), topic) for task, topic in self.world.resend]
        assert resent == self.model.resends
        self.world.resend.clear()
        self.model.resends.clear()

    def take_commands(self) -> None:
        cancels, repeats = [], []
        for command in self.world.commands:
            if command.kind is CommandKind.CANCEL:
                cancels.append((command.node_id, command.incarnation, mark_of(command)))
            elif command.command_id in self.model.command_ids:
                repeats.append(command)
            else:
                self.model.started(command, self.world.clock_s, self.world.now_s)
            node = self.nodes[command.node_id]
            if node.alive:
                node.inbox.append(command)
        self.world.commands.clear()
        assert sorted(cancels) == sorted(self.model.cancels)
        assert by_id(repeats) == by_id(self.model.repeats)
        self.model.cancels.clear()
        self.model.repeats.clear()

    def compare(self) -> None:
        world, model = self.world, self.model
        accepted = Counter((o.problem_id, o.iteration_id, o.stage, o.attempt) for o in world.outputs if o.accepted)
        expected = Counter()
        for key, task in model.tasks.items():
            row = world.tasks[key]
            assert (key, row.state, row.error_code) == (key, task.state, task.code)
            for name, stage in task.stages.items():
                stage_row = world.stages[(*key, name)]
                assert (key, name, stage_row.state, stage_row.attempt) == (key, name, stage.state, len(stage.attempts))
                states = [world.attempts[(*key, name, n)].state for n in range(1, len(stage.attempts) + 1)]
                assert (key, name, states) == (key, name, stage.attempts)
                assert len(states) <= stage.spec.attempts + stage.spec.losses
                if stage.state is StageState.SUCCEEDED:
                    expected[(*key, name, len(states))] += 1
        assert accepted == expected
        assert len(world.attempts) == sum(len(s.attempts) for t in model.tasks.values() for s in t.stages.values())
        assert world.engine.active == len(model.active()) <= ADMITTED
        assert world.engine.waiting == len(model.waiting())
        assert all(len(node.given) <= node.room for node in model.nodes.values())
        assert [event.event_id for event in world.events] == list(range(1, len(world.events) + 1))
        assert differences(project(world.events), world.tasks.values(), world.stages.values()) == []
        for rows in (world.tasks, world.stages, world.attempts):
            for where, row in rows.items():
                if row.state.final:
                    assert self.final.setdefault((where, type(row)), row) == row, "what is final has changed"

    # --- and in the end -------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            if self.sound:
                self.all_ends()
        finally:
            for limit in self.limits:
                limit.stop()

    def all_ends(self) -> None:
        """One healthy node of each kind is enough, whatever state the others are in and however silent they are."""
        healthy = []
        for kind in DIAMOND.stages:
            self.new_node(f"{kind}h", kind, ())
            self.join(f"{kind}h")
            healthy.append(self.nodes[f"{kind}h"])
        for _ in range(ROUNDS):
            for node in healthy:
                node.read()
                self.arrive([node.finish(command, Outcome.SUCCEEDED, "") for command in list(node.queue)])
                self.tell(node, idle=True)
            if all(task.state.final for task in self.world.tasks.values()):
                break
            self.later(1.125)
        left = [key for key, task in self.world.tasks.items() if not task.state.final]
        assert left == [], f"after {ROUNDS} rounds these have not ended"
        assert (self.world.engine.active, self.world.engine.waiting) == (0, 0)


def by_id(commands: list[Command]) -> list[Command]:
    return sorted(commands, key=lambda command: command.command_id)


COMMON = settings(
    deadline=None, stateful_step_count=STEPS, database=None, suppress_health_check=list(HealthCheck), print_blob=True
)


def test_whatever_happens_the_engine_does_what_its_model_says() -> None:
    run_state_machine_as_test(EngineMachine, settings=settings(COMMON, max_examples=EXAMPLES, derandomize=True))


@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_whatever_happens_ten_times_longer() -> None:
    print(f"seed {SEED}, {10 * EXAMPLES} histories of at most {STEPS} steps")
    run_state_machine_as_test(
        hypothesis.seed(SEED)(EngineMachine), settings=settings(COMMON, max_examples=10 * EXAMPLES)
    )
