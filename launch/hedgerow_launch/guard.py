"""A process that outlives the supervisor by a moment, to kill what its children had started.

The kernel kills the supervisor's own children when it dies (`child.py`); their children it does not know. Run as
`python -I -S guard.py`, it reads `+GROUP` and `-GROUP` lines from its standard input; when that ends, the supervisor is
gone, and every process group still listed gets SIGKILL. Imports nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterable


def watch(lines: Iterable[str], kill_group: Callable[[int], None]) -> None:
    """Keep the list up to date until the lines end, then kill what is left on it."""
    groups: set[int] = set()
    for line in lines:
        sign, group = line[:1], int(line[1:])
        if sign == "+":
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        kill_group(group)


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watch(sys.stdin, _kill_group)
