"""The first thing a child process runs: tie its life to the supervisor's, then become the real command.

Run as `python -I -S child.py PARENT_PID COMMAND ARGUMENT…`, so it may import nothing but the standard library. A
program of its own, since code between fork and exec is not safe in a process with threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
CANNOT_START = 127
"""Exit code of a process whose command could not be executed."""


def main(arguments: list[str]) -> int:
    """Ask the kernel for SIGKILL when the supervisor dies, even by `kill -9`, and execute the command."""
    parent, command = int(arguments[0]), arguments[1:]
    # A supervisor that runs in the background of a shell may have been told to ignore SIGINT; its children must not.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        print(f"cannot tie this process to its supervisor: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        return CANNOT_START
    if os.getppid() != parent:
        return CANNOT_START  # the supervisor died before the kernel was asked
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"cannot start {command[0]!r}: {error.strerror}", file=sys.stderr)
        return CANNOT_START


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
