"""`hedgerow down`: stop the system of this home."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import Annotated

import psutil
import typer

from hedgerow_launch.commands.printing import AsJson, print_json
from hedgerow_launch.lock import holder, home_lock, wait_until_free
from hedgerow_launch.rest_client import TimedOut, Unreachable, home_folder

_LOOK_S = 0.1


def down(
    timeout: Annotated[float, typer.Option("--timeout", min=0.0, help="Seconds to wait until it is gone.")] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Stop the system that runs in HEDGEROW_HOME, and wait until it is gone."""
    home = home_folder()
    running = holder(home_lock(home))
    if running is None:
        raise Unreachable(f"no system runs in {home}")
    # SIGTERM, not SIGINT: the other `hedgerow up` shall report an orderly end (0), and no interruption (130).
    with suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGTERM)
    began_s = time.monotonic()
    free = wait_until_free(home_lock(home), timeout)
    if not free or not _gone(running.pid, max(0.1, timeout - (time.monotonic() - began_s))):
        raise TimedOut(f"pid {running.pid} has not stopped within {timeout:g} s; it is still at it")
    if as_json:
        print_json({"pid": running.pid, "stopped": True})
    else:
        typer.echo(f"stopped (pid {running.pid})")


def _gone(pid: int, timeout_s: float) -> bool:
    """Wait until a process that has given its lock back has ended, whether or not its parent has asked how."""
    gives_up_at = time.monotonic() + timeout_s
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        while process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() >= gives_up_at:
                return False
            with suppress(psutil.TimeoutExpired):
                process.wait(_LOOK_S)
                break
    return True
