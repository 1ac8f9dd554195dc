"""Real child processes: in a process group of their own, tied to the supervisor's life, watched by two threads each."""

from __future__ import annotations

import contextlib
import os
import signal as signals
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO

from hedgerow_launch import child, guard
from hedgerow_launch.observations import Exited, Post
from hedgerow_launch.plan import ProcessPlan

LONGEST_LINE_BYTES = 65_536
WAIT_FOR_LAST_LINES_S = 0.5
_ISOLATED_PYTHON = (sys.executable, "-I", "-S")

WriteLine = Callable[[str, str], None]


class Guard:
    """The process that kills leftover process groups when the supervisor has died; see `guard.py`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            (*_ISOLATED_PYTHON, guard.__file__),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        if self._process.stdin is None:
            raise OSError("the guard has no standard input")
        self._pipe = self._process.stdin
        self._lock = threading.Lock()

    def add(self, group: int) -> None:
        """Have a group killed if the supervisor dies."""
        self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        """Forget a group that has ended."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """End the guard, which kills what is still listed."""
        self._pipe.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        # Somebody who kills the guard gives up its protection; the children still die with the supervisor.
        with self._lock, contextlib.suppress(BrokenPipeError):
            os.write(self._pipe.fileno(), line.encode())


class LocalProcess:
    """A child on this host. The kernel kills it when the thread that made it ends, so that has to be a lasting one."""

    def __init__(self, plan: ProcessPlan, post: Post, write_line: WriteLine, watcher: Guard) -> None:
        self._name = plan.name
        self._post = post
        self._write_line = write_line
        self._guard = watcher
        self._lock = threading.Lock()
        self._ended = False
        limits = str(os.getpid()), str(plan.memory_limit_bytes or 0), ",".join(map(str, plan.cpus))
        self._popen = subprocess.Popen(
            (*_ISOLATED_PYTHON, child.__file__, *limits, *plan.command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=plan.working_directory,
            env=dict(plan.environment),
            start_new_session=True,
        )
        watcher.add(self.pid)
        self._reader = threading.Thread(target=self._relay, name=f"{plan.name} output", daemon=True)
        self._reader.start()
        threading.Thread(target=self._await_exit, name=f"{plan.name} exit", daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process id and process group."""
        return self._popen.pid

    def signal(self, number: signals.Signals) -> None:
        """Send a signal to its whole process group, unless it has ended."""
        with self._lock:
            if not self._ended:
                self._signal_group(number)

    def _signal_group(self, number: signals.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _relay(self) -> None:
        pipe: IO[bytes] | None = self._popen.stdout
        if pipe is None:
            return
        with pipe:
            while line := pipe.readline(LONGEST_LINE_BYTES):
                self._write_line(self._name, line.decode(errors="replace").rstrip("\r\n"))

    def _await_exit(self) -> None:
        # Seen but not yet reaped, the child still holds its process id, so no other group can have taken it.
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            self._signal_group(signals.SIGKILL)
            code = self._popen.wait()
            self._ended = True
        self._guard.remove(self.pid)
        # A grandchild in another process group may hold the pipe open for ever.
        self._reader.join(WAIT_FOR_LAST_LINES_S)
        self._post(Exited(self._name, self.pid, code))
