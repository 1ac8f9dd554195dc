"""One process under supervision: when it was started, when it is due again, and how far its stopping has got."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hedgerow_launch.child import CANNOT_START
from hedgerow_launch.launch_schema import Restart, SupervisorTable
from hedgerow_launch.observations import Exited
from hedgerow_launch.plan import ProcessPlan


class Process(Protocol):
    """A running child."""

    @property
    def pid(self) -> int:
        """Its process id, which is also its process group's."""

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its whole process group."""


StartProcess = Callable[[ProcessPlan], Process]
Say = Callable[[str], None]


@dataclass(frozen=True)
class StopStep:
    """A signal, and how long to wait for its effect; None is for ever."""

    signal: signal.Signals
    grace_s: float | None


def stop_steps(settings: SupervisorTable) -> tuple[StopStep, ...]:
    """The way out: ask, insist, kill."""
    return (
        StopStep(signal.SIGINT, settings.interrupt_grace_s),
        StopStep(signal.SIGTERM, settings.terminate_grace_s),
        StopStep(signal.SIGKILL, None),
    )


class Supervised:
    """One child over all its starts. Times are in seconds of the clock whose readings the caller passes.

    Attributes:
        exits: how often it has ended.
        due_at: when it wants a `tick`: the next start, or the next step of stopping.
    """

    def __init__(self, plan: ProcessPlan, start: StartProcess, say: Say, settings: SupervisorTable) -> None:
        self.plan = plan
        self.exits = 0
        self.last_exit: int | None = None
        self.process: Process | None = None
        self.due_at: float | None = None
        self._start = start
        self._say = say
        self._settings = settings
        self._started_at = 0.0
        self._quick_exits = 0
        self._steps: list[StopStep] | None = None

    @property
    def name(self) -> str:
        """The plan's name."""
        return self.plan.name

    @property
    def over(self) -> bool:
        """Neither running nor due to run again."""
        return self.process is None and self.due_at is None

    def start(self, now: float) -> None:
        """Start the process; one that cannot be started counts as one that ended at once."""
        self.due_at = None
        self._started_at = now
        try:
            self.process = self._start(self.plan)
        except OSError as error:
            self._say(f"{self.name} cannot be started: {error}")
            self._ended(CANNOT_START, now)
        else:
            self._say(f"started {self.name} (pid {self.process.pid})")

    def exited(self, message: Exited, now: float) -> None:
        """Note an exit, and when the process is due again."""
        if self.process is None or self.process.pid != message.pid:
            return
        self.process = None
        self._ended(message.code, now)

    def kill(self) -> None:
        """End the process group at once; the restart policy then decides."""
        if self.process is not None:
            self.process.signal(signal.SIGKILL)

    def stop(self, now: float) -> None:
        """Begin the way out, or take its next step at once."""
        self._steps = list(stop_steps(self._settings)) if self._steps is None else self._steps
        self.due_at = None
        if self.process is not None and self._steps:
            self._step(now)

    def tick(self, now: float) -> None:
        """Do what is due: a restart, or the next step of stopping."""
        if self.due_at is None or now < self.due_at:
            return
        if self._steps is None:
            self.start(now)
        else:
            self._step(now)

    def _step(self, now: float) -> None:
        if self.process is None or not self._steps:
            return
        step = self._steps.pop(0)
        follows = f"; {self._steps[0].signal.name} follows in {step.grace_s:g} s" if self._steps else ""
        self._say(f"sending {step.signal.name} to {self.name} (pid {self.process.pid}){follows}")
        self.due_at = None if step.grace_s is None else now + step.grace_s
        self.process.signal(step.signal)

    def _ended(self, code: int, now: float) -> None:
        self.last_exit = code
        self.exits += 1
        ran_s = now - self._started_at
        self.due_at = None
        if self._steps is not None:
            self._say(f"{self.name} {describe_exit(code)}")
        elif self._comes_back(code):
            delay_s = self._delay_s(ran_s)
            self.due_at = now + delay_s
            again = f"in {delay_s:g} s" if delay_s else "at once"
            self._say(f"{self.name} {describe_exit(code)} after {ran_s:.1f} s; restart {again}")
        else:
            self._say(f"{self.name} {describe_exit(code)} after {ran_s:.1f} s; not restarted ({self.plan.restart})")

    def _comes_back(self, code: int) -> bool:
        return self.plan.restart is Restart.ALWAYS or (self.plan.restart is Restart.ON_FAILURE and code != 0)

    def _delay_s(self, ran_s: float) -> float:
        """Only exits soon after the start count for the back-off; a later one starts that over."""
        if ran_s >= self._settings.quick_exit_s:
            self._quick_exits = 0
            return 0.0
        # Beyond 2**30 the exponent would overflow long before the process comes to rest.
        delay_s = self._settings.backoff_first_s * 2.0 ** min(self._quick_exits, 30)
        self._quick_exits += 1
        return min(delay_s, self._settings.backoff_max_s)


def describe_exit(code: int) -> str:
    """Say how a process ended: its exit code, or the signal that killed it."""
    if code >= 0:
        return f"exited with code {code}"
    known = {number.value for number in signal.Signals}
    return f"killed by {signal.Signals(-code).name if -code in known else f'signal {-code}'}"


def next_due(supervised: Sequence[Supervised]) -> float | None:
    """The earliest time at which one of them wants a tick."""
    return min((one.due_at for one in supervised if one.due_at is not None), default=None)
