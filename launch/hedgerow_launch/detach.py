"""Starts a supervisor in the background and waits until it says over a pipe that the system is up, or why not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hedgerow_launch.failures import CommandFailure

_LINES_SHOWN = 20


@dataclass(frozen=True)
class Reporter:
    """The background process's end of the pipe; without one it says nothing."""

    descriptor: int | None

    def ready(self, url: str | None) -> None:
        """Say that the system is up."""
        self._say({"url": url, "pid": os.getpid()})

    def failed(self, reason: str) -> None:
        """Say why it is not."""
        self._say({"error": reason})

    def _say(self, message: dict[str, Any]) -> None:
        if self.descriptor is None:
            return
        # Whoever waited may have gone; the system goes on.
        with suppress(BrokenPipeError), open(self.descriptor, "w", encoding="utf-8") as pipe:
            pipe.write(json.dumps(message))


def start_detached(arguments: Sequence[str], log: Path) -> dict[str, Any]:
    """Run `hedgerow up` in a session of its own, its output in a log file.

    Returns:
        `{"url", "pid"}` of the system that is up.

    Raises:
        CommandFailure: it did not come up; the message says why, or holds the end of the log.
    """
    reads, writes = os.pipe()
    try:
        with log.open("wb") as written:
            process = subprocess.Popen(
                (sys.executable, "-m", "hedgerow_launch", "up", *arguments, "--report-to", str(writes)),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                pass_fds=(writes,),
                start_new_session=True,
            )
    finally:
        os.close(writes)
    with os.fdopen(reads, encoding="utf-8") as pipe:
        try:
            message = json.loads(pipe.read() or "{}")
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
    if "pid" in message:
        # It outlives this command, and is nobody's to wait for.
        process.returncode = 0
        return dict(message)
    process.wait()
    raise CommandFailure(str(message.get("error") or _end_of(log)))


def _end_of(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LINES_SHOWN:]
    return "\n".join((f"the system did not come up; the end of {log}:", *lines))
