"""The test kit: a node without a bus in five lines, and a system of real processes in a DDS domain of its own.

harness = NodeHarness(MyConstraints)
output = harness.process(UserInput(max_memory_bytes=4e9))
assert output.max_memory_bytes == 4e9
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cyclonedds.idl import IdlStruct

from hedgerow_idl import Command, CommandAnswer, CommandKind, Header, NodeStatus, TaskId
from hedgerow_idl.topics import BY_NAME, topic_of
from hedgerow_nodes.core.configuration import changed
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.identity import Identity
from hedgerow_nodes.core.memory_bus import MemoryNetwork
from hedgerow_nodes.core.module_node import ModuleNode
from hedgerow_nodes.core.node_loop import NodeLoop

ROUND_S = 0.02

DOMAIN_LOCKS = Path("/tmp")
"""Not the temporary folder of this process: all test runs on a machine share its domains, whatever their TMPDIR."""


class NodeHarness:
    """A module node on a bus in memory, with the test in the orchestrator's place.

    Args:
        node_class: the node.
        environment: its settings; by default a temporary home.
        configuration: keys that differ from the node's defaults.
    """

    def __init__(
        self,
        node_class: type[ModuleNode],
        *,
        environment: Environment | None = None,
        configuration: Mapping[str, Any] | None = None,
    ) -> None:
        if environment is None:
            environment = Environment.read({"HEDGEROW_HOME": tempfile.mkdtemp(prefix="hedgerow-harness-")})
        node = node_class(environment, changed(node_class.Configuration(), dict(configuration or {})))
        network = MemoryNetwork()
        self.bus = network.bus()
        self.identity = Identity.fresh(node_class.kind)
        self.node = node
        self._inputs = [self.bus.writer(topic_of(wire)) for wire in node.inputs]
        self._commands = self.bus.writer(BY_NAME["hedgerow/command"], partition=self.identity.node_id)
        self._outputs = self.bus.reader(topic_of(node.output))
        self._statuses = self.bus.reader(BY_NAME["hedgerow/node_status"])
        self._answers = self.bus.reader(BY_NAME["hedgerow/command_answer"])
        self.loop = NodeLoop(node, network.bus(), self.identity)
        self._next_problem = 1

    def process(self, *inputs: IdlStruct, timeout_s: float = 60.0) -> Any:
        """Give the node a task with these inputs and return its output, the header filled.

        Raises:
            TimeoutError: no output came.
        """
        self.run(self.send(*inputs))
        return self.output(timeout_s)

    def send(self, *inputs: IdlStruct, task: TaskId | None = None) -> TaskId:
        """Publish inputs of a task, a new one by default."""
        task = task or TaskId(problem_id=self._next_problem, iteration_id=1)
        self._next_problem = max(self._next_problem, task.problem_id) + 1
        for writer, sample in zip(self._inputs, inputs, strict=True):
            sample.header = Header(task=task, attempt=1)  # type: ignore[attr-defined]
            writer.write(sample)
        return task

    def run(self, task: TaskId, *, attempt: int = 1, command_id: str = "") -> None:
        """Tell the node to work on a task."""
        self.command(
            CommandKind.RUN,
            task=task,
            attempt=attempt,
            command_id=command_id or f"run-{task}-{attempt}",
            stage=self.node.kind,
            input_attempts=[1] * len(self._inputs),
        )

    def command(self, kind: CommandKind, **fields: Any) -> None:
        """Send any command."""
        fields.setdefault("command_id", f"{kind.name}-{time.monotonic_ns()}")
        self._commands.write(Command(kind=kind, node_id=self.identity.node_id, **fields))

    def output(self, timeout_s: float = 60.0) -> Any:
        """The next output."""
        return self._next(self._outputs, timeout_s)

    def answer(self, timeout_s: float = 5.0) -> CommandAnswer:
        """The next answer to a command."""
        answer: CommandAnswer = self._next(self._answers, timeout_s)
        return answer

    def status_when(self, matches: Callable[[NodeStatus], bool], timeout_s: float = 5.0) -> NodeStatus:
        """The first status that matches."""
        give_up_at_s = time.monotonic() + timeout_s
        while time.monotonic() < give_up_at_s:
            for received in self._statuses.take():
                if matches(received.sample):
                    return received.sample  # type: ignore[no-any-return]
            self.loop.step(ROUND_S)
        raise TimeoutError(f"no such status within {timeout_s:g} s")

    def close(self) -> None:
        """End the node."""
        self.loop.leave()
        self.loop.close()
        self.bus.close()

    def _next(self, reader: Any, timeout_s: float) -> Any:
        give_up_at_s = time.monotonic() + timeout_s
        while time.monotonic() < give_up_at_s:
            arrived = reader.take_one()
            if arrived is not None:
                return arrived.sample
            self.loop.step(ROUND_S)
        raise TimeoutError(f"nothing on {reader.topic.name} within {timeout_s:g} s")


_domain_locks: dict[int, int] = {}
_used_here: set[int] = set()
"""File descriptors of the locks that this process holds, by domain."""


@contextlib.contextmanager
def free_domain() -> Iterator[int]:
    """A DDS domain that no other test on this machine uses, held until the block ends.

    Raises:
        RuntimeError: all are in use.
    """
    numbers = list(range(2, 100))
    random.shuffle(numbers)
    # The DDS library keeps a domain's settings for the life of a process: another test may want others.
    numbers.sort(key=_used_here.__contains__)
    for number in numbers:
        path = DOMAIN_LOCKS / f"hedgerow-test-domain-{number}.lock"
        with path.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            _used_here.add(number)
            _domain_locks[number] = lock.fileno()
            try:
                yield number
            finally:
                del _domain_locks[number]
            return
    raise RuntimeError("all DDS domains from 2 to 99 are in use by tests")


class LaunchedSystem:
    """Real processes that share one home and one domain; each can be killed and started again by name."""

    def __init__(self, environment: Environment, variables: Mapping[str, str] | None = None) -> None:
        self.environment = environment
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._variables = {**os.environ, **environment.variables(), **(variables or {})}
        environment.home.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start `python ARGUMENTS`; its output goes to `logs/NAME.log` in the home."""
        logs = self.environment.home / "logs"
        logs.mkdir(exist_ok=True)
        with (logs / f"{name}.log").open("ab") as log:
            # A process that outlives a test that was killed keeps its domain locked, and disturbs nobody.
            lock = _domain_locks.get(self.environment.domain)
            process = subprocess.Popen(
                [sys.executable, *arguments],
                env=self._variables,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[] if lock is None else [lock],
            )
        self.processes[name] = process
        return process

    def kill(self, name: str) -> None:
        """End a process as a crash would: SIGKILL."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def log_of(self, name: str) -> str:
        """What a process has written so far."""
        return (self.environment.home / "logs" / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def stop(self, timeout_s: float = 10.0) -> dict[str, int]:
        """Ask all processes to end, kill those that do not; the exit codes by name."""
        for process in self.processes.values():
            process.terminate()
        codes = {}
        for name, process in self.processes.items():
            try:
                codes[name] = process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                codes[name] = process.wait()
        self.processes.clear()
        return codes
