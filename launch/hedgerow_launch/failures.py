"""The exit codes of the `hedgerow` command, and the exception that carries one."""

from __future__ import annotations

DONE = 0
FAILED = 1
USAGE = 2
UNREACHABLE = 3
TIMED_OUT = 4
INTERRUPTED = 130


class CommandFailure(Exception):
    """Ends a command: its message is printed as one `error: …` line, its code becomes the exit code."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
