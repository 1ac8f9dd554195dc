"""Runs one system in this process: locks, threads, signals, and the supervisor's loop until everything has stopped."""

from __future__ import annotations

import os
import queue
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from hedgerow_launch.bus_view import BusView
from hedgerow_launch.failures import DONE, INTERRUPTED
from hedgerow_launch.frontend_watch import FrontendWatch
from hedgerow_launch.launch_schema import LaunchFile
from hedgerow_launch.lock import SystemLock
from hedgerow_launch.observations import Observation, Post, StopWanted, SystemView
from hedgerow_launch.output import Output
from hedgerow_launch.plan import ProcessPlan, plan_processes
from hedgerow_launch.process import Guard, LocalProcess
from hedgerow_launch.supervisor import Supervisor
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment

# SIGTERM is how `hedgerow down` and service managers ask for an orderly end, so that it counts as success.
_EXIT_CODES: Sequence[tuple[signal.Signals, int]] = (
    (signal.SIGINT, INTERRUPTED),
    (signal.SIGTERM, DONE),
    (signal.SIGHUP, INTERRUPTED),
)


class PortTaken(Exception):
    """Somebody else listens where the front end is to listen."""


class DidNotComeUp(Exception):
    """The system was given up and stopped; the message names what is missing and why."""


_Handler = Callable[[int, FrameType | None], object] | int | signal.Handlers | None


@dataclass(frozen=True)
class Session:
    """What to run.

    Attributes:
        on_ready: called once, when every process is up, with the front end's URL and a way to post to the supervisor.
    """

    launch: LaunchFile
    environment: Environment
    variables: Mapping[str, str]
    port: int | None
    make_output: Callable[[Sequence[str]], Output]
    on_ready: Callable[[str | None, Post], None]

    def run(self) -> int:
        """Start everything, watch over it until it is told to stop, stop everything; the exit code.

        Must be called in the main thread: children live no longer than the thread that made them, and signals come
        here.

        Raises:
            AlreadyRunning: another system has the home or the domain.
            PortTaken: another process listens at the front end's port.
            DidNotComeUp: a process is missing; everything has been stopped again.
        """
        lock = SystemLock.acquire(self.environment.home, self.environment.domain)
        try:
            check_port(self.launch, self.port)
            # What is left of a front end that was killed would be taken for the new one's.
            (self.environment.home / "run" / "frontend.json").unlink(missing_ok=True)
            return self._supervise()
        finally:
            lock.release()

    def _supervise(self) -> int:
        inbox: queue.SimpleQueue[Observation] = queue.SimpleQueue()
        variables = {**self.variables, **self.environment.variables()}
        plans = plan_processes(self.launch, variables, self.port)
        output = self.make_output([plan.name for plan in plans])
        watcher = Guard()

        def start(plan: ProcessPlan) -> LocalProcess:
            return LocalProcess(plan, inbox.put, output.line, watcher)

        supervisor = Supervisor(
            plans,
            self.launch.supervisor,
            start=start,
            say=output.system,
            last_lines=output.last_lines,
            host=socket.gethostname(),
            on_ready=lambda url: self.on_ready(url, inbox.put),
        )
        views: list[SystemView] = [BusView(lambda: CycloneBus(self.environment))]
        if self.launch.frontend is not None:
            views.append(FrontendWatch(self.environment.home))
        before = _listen_to_signals(inbox.put)
        try:
            for view in views:
                view.start(inbox.put)
            _loop(supervisor, inbox)
        finally:
            for view in views:
                view.close()
            watcher.close()
            for number, handler in before.items():
                signal.signal(number, handler)
        if supervisor.failure is not None:
            raise DidNotComeUp(supervisor.failure)
        return supervisor.exit_code


def check_port(launch: LaunchFile, port: int | None) -> None:
    """Make sure that the front end's port is free.

    Raises:
        PortTaken: it is not, or the address cannot be listened at.
    """
    if launch.frontend is None:
        return
    host, wanted = launch.frontend.host, launch.frontend.port if port is None else port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, wanted), family=family).close()
    except OSError as error:
        raise PortTaken(
            f"the front end cannot listen at {host}:{wanted} ({os.strerror(error.errno or 0).lower()}); stop what has "
            "it, or set HEDGEROW_PORT to another port (0 is any free one)"
        ) from error


def _loop(supervisor: Supervisor, inbox: queue.SimpleQueue[Observation]) -> None:
    now = time.monotonic()
    supervisor.begin(now)
    while not supervisor.finished:
        wake_at = supervisor.wake_at()
        try:
            message = inbox.get(timeout=None if wake_at is None else max(0.0, wake_at - now))
        except queue.Empty:
            message = None
        now = time.monotonic()
        if message is not None:
            supervisor.handle(message, now)
        supervisor.tick(now)


def _listen_to_signals(post: Post) -> dict[signal.Signals, _Handler]:
    codes = dict(_EXIT_CODES)

    def on_signal(number: int, frame: FrameType | None) -> None:
        known = signal.Signals(number)
        post(StopWanted(f"received {known.name}", codes[known]))

    return {number: signal.signal(number, on_signal) for number in codes}
