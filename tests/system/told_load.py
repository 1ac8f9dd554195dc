"""Processor counters of machines that are as busy as a test says, in files that stand for /proc/stat.

Containers get such a file of their own too, since the kernel's tells of the whole machine. Everything but the counters
is the kernel's.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

KERNELS = Path("/proc/stat")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
EVERY_S = 0.05


class ToldLoad:
    """A file for each machine, whose counters go on with the time until the block ends.

    Attributes:
        busy: by machine, the part of its processors that is in use from now on, 0 to 1.
        files: by machine.
    """

    def __init__(self, folder: Path, machines: Iterable[str]) -> None:
        self.busy = dict.fromkeys(machines, 0.0)
        self.files = {machine: folder / f"{machine}.stat" for machine in self.busy}
        self._counted_s = {machine: [0.0, 0.0] for machine in self.busy}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def __enter__(self) -> ToldLoad:
        rest = KERNELS.read_text(encoding="ascii").partition("\n")[2]
        for machine, file in self.files.items():
            file.write_text(_line(*self._counted_s[machine]) + rest, encoding="ascii")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _go_on(self) -> None:
        before_s = time.monotonic()
        while not self._over.wait(EVERY_S):
            before_s, passed_s = (now_s := time.monotonic()), now_s - before_s
            for machine, busy in self.busy.items():
                counted_s = self._counted_s[machine]
                counted_s[0] += busy * passed_s
                counted_s[1] += (1 - busy) * passed_s
                # In place and always as long: whoever has the file mounted sees this one and no other, and whole lines.
                with self.files[machine].open("r+b", buffering=0) as file:
                    file.write(_line(*counted_s).encode("ascii"))


def _line(busy_s: float, idle_s: float) -> str:
    """The counters of all processors together: user, nice, system, idle, and the seven others."""
    cores = os.cpu_count() or 1
    user, idle = (int(seconds * cores * TICKS_PER_S) for seconds in (busy_s, idle_s))
    return f"cpu  {user:012d} 0 0 {idle:012d} 0 0 0 0 0 0\n"
