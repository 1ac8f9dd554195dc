"""`hedgerow up` with real processes: it leaves nothing running, however it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from running import wait_for

from hedgerow_idl import Event
from hedgerow_idl.topics import topic_of
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment

pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]

POLITE = "import time; print('polite is here'); time.sleep(600)"
STUBBORN = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('stubborn is here')
time.sleep(600)
"""
CRASHING = "import sys; print('crashing is here'); sys.exit(3)"
PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; print('grandchild is here', flush=True); time.sleep(600)"])
time.sleep(600)
"""
NODE = '''
from hedgerow_idl import HWConstraints, UserInput
from hedgerow_nodes.core import ModuleNode, run


class Garden(ModuleNode):
    """Allow anything."""

    kind = "garden"
    inputs = (UserInput,)
    output = HWConstraints

    def process(self, task, user_input):
        return HWConstraints()


if __name__ == "__main__":
    run(Garden)
'''


class Up:
    """A `hedgerow up` that runs in the background of a test."""

    def __init__(self, variables: dict[str, str], folder: Path, nodes: dict[str, str], settings: str = "") -> None:
        lines = ["[supervisor]", settings]
        for name, code in nodes.items():
            (folder / f"{name}.py").write_text(code)
            runs = "script" if code is NODE else "command"
            value = f'"{name}.py"' if code is NODE else json.dumps([sys.executable, str(folder / f"{name}.py")])
            lines += [f"[nodes.{name}]", f"{runs} = {value}"]
        self.file = folder / "test.toml"
        self.file.write_text("\n".join(lines))
        self.log = folder / "up.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hedgerow_launch", "up", str(self.file)],
                env=variables,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def text(self) -> str:
        return self.log.read_text()

    def says(self, words: str, times: int = 1) -> None:
        """Wait until it has printed something."""
        wait_for(lambda: self.text().count(words) >= times, saying=self.text)

    def family(self) -> list[psutil.Process]:
        """All processes below it, but for the guard, which is to outlive it by a moment."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def ends(self, how: signal.Signals | None = None) -> int:
        if how is not None:
            self.process.send_signal(how)
        return self.process.wait(30)


@pytest.fixture
def variables(hedgerow_environment: Environment) -> dict[str, str]:
    """A home and a domain of the test's own, and what makes the packages found."""
    return {**os.environ, **hedgerow_environment.variables(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@pytest.fixture
def up(variables: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Starts supervisors, and kills those that a failing test leaves."""
    started: list[Up] = []

    def start(nodes: dict[str, str], settings: str = "") -> Up:
        started.append(Up(variables, tmp_path, nodes, settings))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


def gone(processes: list[psutil.Process]) -> None:
    """Wait until processes have ended."""
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert alive == []


def test_stopping_escalates_and_leaves_nothing(up: Callable[..., Up]) -> None:
    running = up({"polite": POLITE, "stubborn": STUBBORN}, "interrupt_grace_s = 0.3\nterminate_grace_s = 0.3")
    running.says("polite   | polite is here")
    running.says("stubborn | stubborn is here")
    family = running.family()
    assert running.ends(signal.SIGINT) == 130
    gone(family)
    steps = [line.split("sending ")[1].split(" (pid")[0] for line in running.text().splitlines() if "sending " in line]
    assert steps == ["SIGINT to polite", "SIGINT to stubborn", "SIGTERM to stubborn", "SIGKILL to stubborn"]


def test_a_request_to_end_is_no_failure(up: Callable[..., Up]) -> None:
    running = up({"polite": POLITE})
    running.says("polite is here")
    assert running.ends(signal.SIGTERM) == 0


def test_killing_the_supervisor_leaves_no_orphan(up: Callable[..., Up]) -> None:
    running = up({"stubborn": STUBBORN, "parent": PARENT})
    running.says("stubborn is here")
    running.says("grandchild is here")
    family = running.family()
    assert len(family) == 4  # the guard, two children, one grandchild
    assert running.ends(signal.SIGKILL) == -signal.SIGKILL
    gone(family)


def test_a_crashed_process_leaves_no_grandchild(up: Callable[..., Up]) -> None:
    running = up({"parent": PARENT})
    running.says("grandchild is here")
    parent = next(process for process in running.family() if "parent.py" in " ".join(process.cmdline()))
    grandchildren = parent.children()
    parent.kill()
    running.says("killed by SIGKILL")
    gone(grandchildren)
    running.says("grandchild is here", times=2)
    assert running.ends(signal.SIGINT) == 130


def test_a_crashing_process_is_restarted_with_back_off_until_it_is_given_up(up: Callable[..., Up]) -> None:
    running = up({"crashing": CRASHING}, "start_attempts = 4\nbackoff_first_s = 0.02")
    assert running.ends() == 1
    text = running.text()
    delays = [line.rsplit("restart in ", 1)[1] for line in text.splitlines() if "restart in " in line]
    assert delays == ["0.02 s", "0.04 s", "0.08 s", "0.16 s"]
    assert "error: crashing did not come up in 4 attempts" in text
    assert "it exited with code 3, 4 times in all" in text
    assert text.count("    crashing is here") == 4


def test_a_node_that_stays_silent_is_named(up: Callable[..., Up]) -> None:
    running = up({"polite": POLITE}, "start_timeout_s = 1.0")
    assert running.ends() == 1
    assert "error: polite did not come up within 1 s (came up: nothing)" in running.text()
    assert "has not announced itself on the bus under this name; its last lines:\n    polite is here" in running.text()


def test_a_command_that_is_not_there_is_named(up: Callable[..., Up], variables: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "none.toml"
    file.write_text('[supervisor]\nstart_attempts = 1\n[nodes.a]\ncommand = ["no-such-program"]\n')
    result = hedgerow(variables, "up", str(file))
    assert result.returncode == 1
    assert "cannot start 'no-such-program': No such file or directory" in result.stderr


def test_a_processor_that_is_not_there_is_named(variables: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "none.toml"
    file.write_text('[supervisor]\nstart_attempts = 1\n[nodes.a]\ncommand = ["true"]\ncpus = [4711]\n')
    result = hedgerow(variables, "up", str(file))
    assert result.returncode == 1
    usable = sorted(os.sched_getaffinity(0))
    assert f"cannot run on cpus = [4711]; this host offers {usable}" in result.stderr


def hedgerow(variables: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hedgerow_launch", *arguments],
        env=variables,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_up_and_down(up: Callable[..., Up], variables: dict[str, str]) -> None:
    assert hedgerow(variables, "down").returncode == 3
    running = up({"garden": NODE})
    running.says("system: all 1 nodes IDLE after")
    second = hedgerow(variables, "up", str(running.file))
    assert second.returncode == 1
    assert f"pid {running.process.pid} runs there" in second.stderr
    elsewhere = {**variables, "HEDGEROW_HOME": variables["HEDGEROW_HOME"] + "-2"}
    third = hedgerow(elsewhere, "up", str(running.file))
    assert third.returncode == 1
    assert f"pid {running.process.pid} runs there" in third.stderr
    assert "HEDGEROW_DOMAIN" in third.stderr
    stopped = hedgerow(variables, "down", "--json")
    assert (stopped.returncode, json.loads(stopped.stdout)) == (0, {"pid": running.process.pid, "stopped": True})
    assert running.ends() == 0


def test_detached_it_returns_once_all_is_up(variables: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "garden.py").write_text(NODE)
    file = tmp_path / "garden.toml"
    cpu = min(os.sched_getaffinity(0))
    file.write_text(f'[nodes.garden]\nscript = "garden.py"\ncpus = [{cpu}]\n')
    started = hedgerow(variables, "up", str(file), "--detach", "--json")
    assert started.returncode == 0, started.stderr
    pid = json.loads(started.stdout)["pid"]
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    assert [process.cpu_affinity() for process in family if "garden.py" in " ".join(process.cmdline())] == [[cpu]]
    listed = hedgerow(variables, "topic", "list", "--json")
    rows = {row["name"]: row for row in json.loads(listed.stdout)["items"]}
    assert rows["hedgerow/hw_constraints"]["announced_by"] == ["garden"]
    echoed = hedgerow(variables, "topic", "echo", "hedgerow/node_status", "--count", "1", "--timeout", "10", "--json")
    assert json.loads(echoed.stdout)["state"] == "IDLE"
    assert hedgerow(variables, "down").returncode == 0
    gone(family)


def test_detached_it_says_why_it_did_not_come_up(variables: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "crash.toml"
    file.write_text('[supervisor]\nstart_attempts = 1\n[nodes.a]\ncommand = ["false"]\n')
    started = hedgerow(variables, "up", str(file), "--detach")
    assert started.returncode == 1
    assert "error: a did not come up in 1 attempts" in started.stderr
    assert hedgerow(variables, "down").returncode == 3


def test_a_wanted_restart_gives_the_node_a_new_process(
    up: Callable[..., Up], hedgerow_environment: Environment
) -> None:
    running = up({"garden": NODE})
    running.says("system: all 1 nodes IDLE after")
    (node,) = (process for process in running.family() if "garden.py" in " ".join(process.cmdline()))
    body = {"name": "garden", "pid": node.pid, "host": socket.gethostname(), "incarnation": 1, "reason": "stalled"}
    with CycloneBus(hedgerow_environment) as bus:
        events = bus.writer(topic_of(Event))
        events.write(Event(event_id=1, kind="node.restart_wanted", body=json.dumps(body)))
        bus.flush()
        running.says(f"killing garden (pid {node.pid}) for a fresh start: stalled")
        running.says("started garden", times=2)
    gone([node])
    assert running.ends(signal.SIGINT) == 130
