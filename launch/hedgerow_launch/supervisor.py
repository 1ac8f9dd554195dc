"""The supervisor: told what happened and what time it is, it starts, restarts and stops the processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hedgerow_launch.launch_schema import SupervisorTable
from hedgerow_launch.observations import Exited, FrontendReady, Observation, RestartWanted, StopWanted
from hedgerow_launch.plan import ProcessPlan, Role
from hedgerow_launch.readiness import Readiness
from hedgerow_launch.supervised import Say, StartProcess, Supervised, next_due

FAILED = 1
HURRY_AFTER_S = 1.0
"""A second signal within this time is the same one: a terminal and a parent process often both pass it on."""


class Supervisor:
    """Runs one system. It reads no clock and waits for nothing: `now` comes with every call.

    Attributes:
        ready: every process has been up at the same time.
        url: where the front end listens, once it does.
        exit_code: what `hedgerow up` leaves with.
        failure: why the system did not come up, as a sentence; None if it did, or was stopped before.
    """

    def __init__(
        self,
        plans: Sequence[ProcessPlan],
        settings: SupervisorTable,
        *,
        start: StartProcess,
        say: Say,
        last_lines: Callable[[str], Sequence[str]],
        host: str,
        on_ready: Callable[[str | None], None],
    ) -> None:
        self.ready = False
        self.url: str | None = None
        self.exit_code = 0
        self.failure: str | None = None
        self._settings = settings
        self._say = say
        self._last_lines = last_lines
        self._host = host
        self._on_ready = on_ready
        self._supervised = [Supervised(plan, start, say, settings) for plan in plans]
        self._readiness = Readiness(self._supervised, host)
        self._began_at = 0.0
        self._nodes_reported = False
        self._stopping = False
        self._stopping_since = 0.0

    @property
    def finished(self) -> bool:
        """A stop was asked for and nothing runs any more."""
        return self._stopping and all(one.process is None for one in self._supervised)

    def begin(self, now: float) -> None:
        """Start every process."""
        self._began_at = now
        for one in self._supervised:
            one.start(now)

    def handle(self, message: Observation, now: float) -> None:
        """Take in one observation."""
        self._readiness.see(message)
        if isinstance(message, StopWanted):
            self._stop(message, now)
        elif isinstance(message, Exited):
            for one in self._supervised:
                one.exited(message, now)
        elif isinstance(message, RestartWanted):
            self._restart(message)
        else:
            if isinstance(message, FrontendReady):
                self.url = message.url
            self._judge(now)

    def tick(self, now: float) -> None:
        """Do what the time asks for."""
        if not self.ready and not self._stopping:
            self._check_start(now)
        for one in self._supervised:
            one.tick(now)

    def _check_start(self, now: float) -> None:
        if over := [one for one in self._supervised if one.over]:
            self._give_up(over, "and will not be started again", now)
        elif worn := [one for one in self._supervised if one.exits >= self._settings.start_attempts]:
            self._give_up(worn, f"in {self._settings.start_attempts} attempts", now)
        elif now >= self._gives_up_at:
            self._give_up(self._readiness.missing(), f"within {self._settings.start_timeout_s:g} s", now)

    def wake_at(self) -> float | None:
        """When the next tick is needed, None if only an observation can change anything."""
        due = next_due(self._supervised)
        if self.ready or self._stopping:
            return due
        return self._gives_up_at if due is None else min(due, self._gives_up_at)

    @property
    def _gives_up_at(self) -> float:
        return self._began_at + self._settings.start_timeout_s

    def _restart(self, message: RestartWanted) -> None:
        for one in self._supervised:
            runs = one.process is not None and one.process.pid == message.pid
            if one.name == message.name and message.host == self._host and runs and not self._stopping:
                self._say(f"killing {one.name} (pid {message.pid}) for a fresh start: {message.reason}")
                one.kill()

    def _judge(self, now: float) -> None:
        if self.ready or self._stopping:
            return
        nodes = sum(one.plan.role is Role.NODE for one in self._supervised)
        if nodes and not self._nodes_reported and not self._readiness.missing(Role.NODE):
            self._nodes_reported = True
            self._say(f"all {nodes} nodes IDLE after {now - self._began_at:.1f} s")
        if not self._readiness.missing():
            self.ready = True
            self._on_ready(self.url)

    def _give_up(self, culprits: Sequence[Supervised], when: str, now: float) -> None:
        missing = {one.name for one in self._readiness.missing()}
        came_up = ", ".join(one.name for one in self._supervised if one.name not in missing) or "nothing"
        names = ", ".join(one.name for one in culprits)
        reasons = "\n".join(self._readiness.explain(one, self._last_lines) for one in culprits)
        self.failure = f"{names} did not come up {when} (came up: {came_up})\n{reasons}"
        self._stop(StopWanted(f"{names} did not come up", FAILED), now)

    def _stop(self, message: StopWanted, now: float) -> None:
        if self._stopping and now - self._stopping_since < HURRY_AFTER_S:
            return
        if not self._stopping:
            self._say(f"stopping: {message.reason}")
            self.exit_code = message.exit_code
            self._stopping_since = now
        self._stopping = True
        for one in self._supervised:
            one.stop(now)
