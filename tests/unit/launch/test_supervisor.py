"""The supervisor told histories: what it starts, signals and says, with no process and no clock."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_idl import NodeState
from hedgerow_launch.launch_schema import Restart, SupervisorTable
from hedgerow_launch.observations import (
    Exited,
    FrontendReady,
    NodeSeen,
    Observation,
    OrchestratorSeen,
    RestartWanted,
    StopWanted,
)
from hedgerow_launch.plan import ProcessPlan, Role
from hedgerow_launch.supervisor import Supervisor

HOST = "here"
INT, TERM, KILL = signal.SIGINT, signal.SIGTERM, signal.SIGKILL


def node(name: str, restart: Restart = Restart.ON_FAILURE, own_process: bool = True) -> ProcessPlan:
    return ProcessPlan(name, Role.NODE, (name,), {}, restart, own_process=own_process)


ORCHESTRATOR = ProcessPlan("orchestrator", Role.ORCHESTRATOR, ("o",), {})
FRONTEND = ProcessPlan("frontend", Role.FRONTEND, ("f",), {})


@dataclass
class FakeProcess:
    """Remembers its signals."""

    name: str
    pid: int
    log: list[tuple[str, object]]

    def signal(self, number: signal.Signals) -> None:
        self.log.append((self.name, number))


@dataclass
class World:
    """A supervisor with everything around it faked; `log` holds starts and signals in order."""

    plans: list[ProcessPlan]
    settings: SupervisorTable = field(default_factory=SupervisorTable)
    unstartable: set[str] = field(default_factory=set)
    now: float = 100.0

    def __post_init__(self) -> None:
        self.log: list[tuple[str, object]] = []
        self.said: list[str] = []
        self.ready: list[str | None] = []
        self.pids: dict[str, int] = {}
        self._next_pid: Iterator[int] = itertools.count(11)
        self.supervisor = Supervisor(
            self.plans,
            self.settings,
            start=self._start,
            say=self.said.append,
            last_lines=lambda name: [f"last words of {name}"],
            host=HOST,
            on_ready=self.ready.append,
        )
        self.supervisor.begin(self.now)
        self.supervisor.tick(self.now)

    def _start(self, plan: ProcessPlan) -> FakeProcess:
        if plan.name in self.unstartable:
            raise FileNotFoundError(2, "No such file or directory", "nowhere")
        process = FakeProcess(plan.name, next(self._next_pid), self.log)
        self.pids[plan.name] = process.pid
        self.log.append((plan.name, "start"))
        return process

    def tell(self, message: Observation) -> None:
        self.supervisor.handle(message, self.now)
        self.supervisor.tick(self.now)

    def exits(self, name: str, code: int = 0) -> None:
        self.tell(Exited(name, self.pids[name], code))

    def passes(self, seconds: float) -> None:
        """Let time pass as the session's loop does: from one wake-up to the next."""
        end = self.now + seconds
        while (wake_at := self.supervisor.wake_at()) is not None and wake_at <= end:
            self.now = max(self.now, wake_at)
            self.supervisor.tick(self.now)
        self.now = end
        self.supervisor.tick(self.now)

    def comes_up(self, name: str, state: NodeState = NodeState.IDLE, /, **differing: object) -> None:
        seen = {"name": name, "pid": self.pids[name], "host": HOST, "state": state, **differing}
        self.tell(NodeSeen(**seen))  # type: ignore[arg-type]

    def starts(self, name: str) -> int:
        return self.log.count((name, "start"))

    def signals(self, name: str) -> list[object]:
        return [what for who, what in self.log if who == name and what != "start"]

    def heard(self, words: str) -> bool:
        return any(words in line for line in self.said)


def up(*plans: ProcessPlan, **settings: float) -> World:
    """A world of nodes that are all up."""
    world = World(list(plans), SupervisorTable(**settings))  # type: ignore[arg-type]
    for plan in plans:
        world.comes_up(plan.name)
    assert world.supervisor.ready
    return world


def test_everything_starts_at_once_and_in_order() -> None:
    world = World([ORCHESTRATOR, FRONTEND, node("a"), node("b")])
    assert world.log == [(name, "start") for name in ("orchestrator", "frontend", "a", "b")]
    assert world.heard("started a (pid 13)")


# name, restart policy, exits as (seconds after the start, code), seconds until the next start or None for never
RESTARTS = [
    ("a crash at once waits 0.1 s", Restart.ON_FAILURE, [(0.0, 1)], 0.1),
    ("the second crash at once waits 0.2 s", Restart.ON_FAILURE, [(0.5, 1), (0.5, 1)], 0.2),
    ("the fifth waits 1.6 s", Restart.ON_FAILURE, [(0.0, 1)] * 5, 1.6),
    ("the wait ends at 10 s", Restart.ON_FAILURE, [(0.0, 1)] * 12, 10.0),
    ("it ends at 10 s for ever", Restart.ON_FAILURE, [(0.0, 1)] * 2000, 10.0),
    ("a late exit restarts at once", Restart.ON_FAILURE, [(2.0, -9)], 0.0),
    ("and forgets the early ones", Restart.ON_FAILURE, [(0.0, 1)] * 5 + [(3.0, 1)], 0.0),
    ("so that the next early one waits 0.1 s", Restart.ON_FAILURE, [(0.0, 1)] * 5 + [(3.0, 1), (1.9, 1)], 0.1),
    ("a clean exit stays away", Restart.ON_FAILURE, [(5.0, 0)], None),
    ("unless the policy is always", Restart.ALWAYS, [(5.0, 0)], 0.0),
    ("always also means a crash", Restart.ALWAYS, [(0.0, 3)], 0.1),
    ("never means never", Restart.NEVER, [(5.0, 1)], None),
]


@pytest.mark.parametrize(
    ("restart", "exits", "delay_s"), [case[1:] for case in RESTARTS], ids=[case[0] for case in RESTARTS]
)
def test_restarts(restart: Restart, exits: list[tuple[float, int]], delay_s: float | None) -> None:
    world = _replayed(restart, exits)
    if delay_s is None:
        world.passes(1000)
        assert world.starts("a") == len(exits)
        assert world.heard(f"not restarted ({restart})")
    elif delay_s == 0.0:
        assert world.starts("a") == len(exits) + 1
    else:
        world.passes(delay_s - 0.01)
        assert world.starts("a") == len(exits)
        world.passes(0.02)
        assert world.starts("a") == len(exits) + 1


def _replayed(restart: Restart, exits: list[tuple[float, int]]) -> World:
    """Play the exits, waiting after each but the last until the process has been started again."""
    world = up(node("a", restart))
    for number, (after_s, code) in enumerate(exits):
        world.passes(after_s)
        world.exits("a", code)
        if number < len(exits) - 1:
            world.passes((world.supervisor.wake_at() or world.now) - world.now)
            world.comes_up("a")
    return world


def test_only_exits_soon_after_the_start_count_for_the_back_off() -> None:
    world = up(node("a"))
    delays = []
    for after_s in (5.0, 0.5, 2.0, 1.9, 0.0, 2.1):
        world.passes(after_s)
        world.exits("a", -9)
        wake_at = world.supervisor.wake_at()
        delays.append(0.0 if wake_at is None else round(wake_at - world.now, 3))
        world.passes(delays[-1])
    # It never came up again, and yet those that ran for 2 s are started again at once.
    assert delays == [0.0, 0.1, 0.0, 0.1, 0.2, 0.0]


def test_an_exit_of_an_earlier_start_means_nothing() -> None:
    world = up(node("a"))
    old = world.pids["a"]
    world.passes(5)
    world.exits("a", 1)
    world.tell(Exited("a", old, 1))
    assert world.starts("a") == 2
    assert world.signals("a") == []


def test_exits_are_told_with_code_or_signal() -> None:
    world = up(node("a"), node("b"))
    world.exits("a", 3)
    world.exits("b", -11)
    assert world.heard("a exited with code 3 after 0.0 s; restart in 0.1 s")
    assert world.heard("b killed by SIGSEGV")


# what stops them, seconds between; then who ends when, and the signals that each one gets
STOPS = [
    ("all obey", {"a": 0.1, "b": 0.2}, {"a": [INT], "b": [INT]}),
    ("one needs SIGTERM", {"a": 0.1, "b": 6.0}, {"a": [INT], "b": [INT, TERM]}),
    ("one needs SIGKILL", {"a": 5.5, "b": 10.5}, {"a": [INT, TERM], "b": [INT, TERM, KILL]}),
    ("one is stuck in the kernel", {"a": 0.0, "b": 60.0}, {"a": [INT], "b": [INT, TERM, KILL]}),
]


@pytest.mark.parametrize(("ends", "signals"), [case[1:] for case in STOPS], ids=[case[0] for case in STOPS])
def test_stopping_escalates(ends: dict[str, float], signals: dict[str, list[object]]) -> None:
    world = up(*(node(name, Restart.ALWAYS) for name in ends))
    world.tell(StopWanted("received SIGINT", 130))
    began_at = world.now
    for name, after_s in sorted(ends.items(), key=lambda item: item[1]):
        assert not world.supervisor.finished
        world.passes(began_at + after_s - world.now)
        world.exits(name, -2)
    assert world.supervisor.finished
    assert world.supervisor.exit_code == 130
    assert {name: world.signals(name) for name in ends} == signals
    assert all(world.starts(name) == 1 for name in ends)


def test_each_step_of_stopping_is_told() -> None:
    world = up(node("a"))
    world.tell(StopWanted("received SIGINT", 130))
    world.passes(11)
    pid = world.pids["a"]
    assert world.said[-4:] == [
        "stopping: received SIGINT",
        f"sending SIGINT to a (pid {pid}); SIGTERM follows in 5 s",
        f"sending SIGTERM to a (pid {pid}); SIGKILL follows in 5 s",
        f"sending SIGKILL to a (pid {pid})",
    ]


def test_asking_twice_hurries() -> None:
    world = up(node("a"))
    world.tell(StopWanted("received SIGINT", 130))
    world.passes(0.9)
    world.tell(StopWanted("received SIGINT", 130))
    assert world.signals("a") == [INT]  # a terminal and a parent process both passed on the same Ctrl-C
    world.passes(0.2)
    world.tell(StopWanted("received SIGTERM", 0))
    assert world.signals("a") == [INT, TERM]
    world.passes(4.9)
    assert world.signals("a") == [INT, TERM]
    world.passes(0.2)
    assert world.signals("a") == [INT, TERM, KILL]
    world.exits("a", -9)
    assert (world.supervisor.finished, world.supervisor.exit_code) == (True, 130)


def test_a_stop_wins_over_a_waiting_restart() -> None:
    world = up(node("a", Restart.ALWAYS))
    world.exits("a", 1)
    world.tell(StopWanted("received SIGTERM", 0))
    world.passes(100)
    assert world.starts("a") == 1
    assert (world.supervisor.finished, world.supervisor.exit_code) == (True, 0)


def test_it_is_ready_when_every_process_is() -> None:
    world = World([ORCHESTRATOR, FRONTEND, node("a"), node("b")])
    world.passes(1.5)
    world.comes_up("a")
    world.comes_up("b", NodeState.INITIALIZING)
    assert not world.heard("IDLE")
    world.passes(0.6)
    world.comes_up("b", NodeState.RUNNING)
    assert world.said[-1] == "all 2 nodes IDLE after 2.1 s"
    world.tell(OrchestratorSeen())
    assert world.ready == []
    world.tell(FrontendReady("http://127.0.0.1:5001", world.pids["frontend"]))
    assert world.ready == ["http://127.0.0.1:5001"]
    world.comes_up("a", NodeState.RUNNING)
    world.passes(1000)
    assert world.ready == ["http://127.0.0.1:5001"]
    assert not world.supervisor.finished


@pytest.mark.parametrize("differing", [{"pid": 4711}, {"host": "elsewhere"}, {"name": "c"}])
def test_a_node_of_another_process_does_not_count(differing: dict[str, object]) -> None:
    world = World([node("a")])
    world.comes_up("a", **differing)
    assert not world.supervisor.ready


def test_a_wrapped_command_may_announce_another_pid() -> None:
    world = World([node("a", own_process=False)])
    world.comes_up("a", pid=4711)
    assert world.supervisor.ready


def test_a_node_that_left_again_is_not_up() -> None:
    world = World([node("a"), node("b")])
    world.comes_up("a")
    world.comes_up("a", NodeState.INACTIVE)
    world.comes_up("b")
    assert not world.supervisor.ready


def test_a_front_end_that_was_restarted_has_to_answer_again() -> None:
    world = World([FRONTEND, node("a")])
    world.tell(FrontendReady("http://127.0.0.1:1", world.pids["frontend"]))
    world.exits("frontend", 1)
    world.passes(0.2)
    world.comes_up("a")
    assert not world.supervisor.ready
    world.tell(FrontendReady("http://127.0.0.1:2", world.pids["frontend"]))
    assert world.ready == ["http://127.0.0.1:2"]


def give_up(world: World) -> str:
    """Let the start time-out pass and the processes end; what the supervisor says is missing."""
    world.passes(60.1)
    for name in world.pids:
        world.exits(name, -2)
    assert (world.supervisor.finished, world.supervisor.exit_code) == (True, 1)
    assert world.supervisor.failure is not None
    return world.supervisor.failure


def test_a_node_that_never_announces_itself_is_named() -> None:
    world = World([node("a"), node("ghost")])
    world.comes_up("a")
    failure = give_up(world)
    assert failure.startswith("ghost did not come up within 60 s (came up: a)")
    assert "node 'ghost' did not come up: it runs, but has not announced itself" in failure
    assert "last words of ghost" in failure
    assert "last words of a" not in failure


def test_a_node_in_error_is_named_with_its_error() -> None:
    world = World([node("a")])
    world.comes_up("a", NodeState.ERROR, error="no weights")
    assert "it is in state ERROR (no weights)" in give_up(world)


def test_front_end_and_orchestrator_are_named_too() -> None:
    failure = give_up(World([ORCHESTRATOR, FRONTEND]))
    assert failure.startswith("orchestrator, frontend did not come up within 60 s (came up: nothing)")
    assert "frontend 'frontend' did not come up: it runs, but does not answer yet" in failure


def test_a_node_that_crashes_again_and_again_is_given_up_sooner() -> None:
    world = World([node("a"), node("b")], SupervisorTable(start_attempts=3))
    for _ in range(3):
        world.passes(1)
        world.exits("b", 7)
    assert world.supervisor.failure is not None
    assert world.supervisor.failure.startswith("b did not come up in 3 attempts")
    assert "it exited with code 7, 3 times in all" in world.supervisor.failure
    assert "'a'" not in world.supervisor.failure
    assert world.signals("a") == [INT]


def test_a_node_that_will_not_come_back_is_named_at_once() -> None:
    world = World([node("a", Restart.NEVER)])
    world.exits("a", 0)
    assert world.supervisor.failure is not None
    assert world.supervisor.failure.startswith("a did not come up and will not be started again")
    assert world.supervisor.finished


def test_a_command_that_cannot_be_started_is_told_and_tried_again() -> None:
    world = World([node("a")], unstartable={"a"})
    assert world.heard("a cannot be started: [Errno 2] No such file or directory: 'nowhere'")
    world.unstartable.clear()
    world.passes(0.2)
    world.comes_up("a")
    assert world.supervisor.ready


def test_once_ready_a_node_may_stay_away() -> None:
    world = up(node("a"), node("b"))
    world.passes(10)
    world.exits("a", 0)
    world.passes(1000)
    assert not world.supervisor.finished
    assert world.supervisor.failure is None


def test_a_wanted_restart_kills_the_process_named() -> None:
    world = up(node("a"), node("b"))
    world.passes(30)
    world.tell(RestartWanted("a", world.pids["a"], HOST, "no progress for 60 s"))
    assert world.signals("a") == [KILL]
    assert world.heard(f"killing a (pid {world.pids['a']}) for a fresh start: no progress for 60 s")
    world.exits("a", -9)
    assert (world.starts("a"), world.starts("b")) == (2, 1)


@pytest.mark.parametrize(("name", "pid", "host"), [("b", 11, HOST), ("a", 99, HOST), ("a", 11, "elsewhere")])
def test_a_wanted_restart_of_somebody_else_is_ignored(name: str, pid: int, host: str) -> None:
    world = up(node("a"))
    assert world.pids["a"] == 11
    world.tell(RestartWanted(name, pid, host, "stalled"))
    assert world.signals("a") == []


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("passes"), st.floats(0.0, 20.0)),
            st.tuples(st.just("exits"), st.sampled_from("abc"), st.sampled_from([0, 1, -9])),
            st.tuples(st.just("up"), st.sampled_from("abc")),
            st.tuples(st.just("stop")),
        ),
        max_size=40,
    )
)
def test_whatever_happens_a_stop_ends_with_nothing_running(steps: list[tuple[object, ...]]) -> None:
    policies = {"a": Restart.ALWAYS, "b": Restart.ON_FAILURE, "c": Restart.NEVER}
    world = World([node(name, restart) for name, restart in policies.items()])
    ended: set[int] = set()
    for kind, *arguments in steps:
        if kind == "passes":
            world.passes(float(str(arguments[0])))
        elif kind == "up":
            world.comes_up(str(arguments[0]))
        elif kind == "stop":
            world.tell(StopWanted("asked", 130))
        elif world.pids[str(arguments[0])] not in ended:
            ended.add(world.pids[str(arguments[0])])
            world.exits(str(arguments[0]), int(str(arguments[1])))
    world.tell(StopWanted("asked", 130))
    started = len([entry for entry in world.log if entry[1] == "start"])
    world.passes(100)
    assert len([entry for entry in world.log if entry[1] == "start"]) == started
    for name, pid in world.pids.items():
        if pid not in ended:
            assert world.signals(name)[-1] is KILL
            world.exits(name, -9)
    assert world.supervisor.finished
