"""The first thing a child process runs: tie its life to the supervisor's, limit it, then become the real command.

Run as `python -I -S child.py PARENT_PID MEMORY_LIMIT_BYTES CPUS COMMAND ARGUMENT…`: 0 bytes are no limit, CPUS are
numbers with commas between, none for all. It may import nothing but the standard library. A program of its own, since
code between fork and exec is not safe in a process with threads.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
CANNOT_START = 127
"""Exit code of a process whose command could not be executed."""


def main(arguments: list[str]) -> int:
    """Ask the kernel for SIGKILL when the supervisor dies, even by `kill -9`, and execute the command."""
    parent, memory_limit_bytes = int(arguments[0]), int(arguments[1])
    cpus, command = {int(number) for number in arguments[2].split(",") if number}, arguments[3:]
    # A supervisor that runs in the background of a shell may have been told to ignore SIGINT; its children must not.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        print(f"cannot tie this process to its supervisor: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        return CANNOT_START
    if os.getppid() != parent:
        return CANNOT_START  # the supervisor died before the kernel was asked
    if memory_limit_bytes:
        # Not RLIMIT_AS: libraries such as torch reserve address space that they never touch.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_limit_bytes, memory_limit_bytes))
    if cpus:
        usable = os.sched_getaffinity(0)
        if not cpus <= usable:
            print(f"cannot run on cpus = {sorted(cpus)}; this host offers {sorted(usable)}", file=sys.stderr)
            return CANNOT_START
        os.sched_setaffinity(0, cpus)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"cannot start {command[0]!r}: {error.strerror}", file=sys.stderr)
        return CANNOT_START


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
