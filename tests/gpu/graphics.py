"""NVIDIA's own command beside which figures are held, and a process that keeps a GPU busy."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType

BUSY = str(Path(__file__).parent / "busy.py")
FIELDS = (
    "name",
    "memory.total",
    "memory.used",
    "utilization.gpu",
    "clocks.sm",
    "power.draw",
    "power.limit",
    "temperature.gpu",
)
MIB = 2**20

Row = dict[str, str]


def rows() -> list[Row]:
    """What nvidia-smi says of each GPU now: MiB, %, MHz, W and °C."""
    return asked(f"--query-gpu={','.join(FIELDS)}", FIELDS)


def computing() -> dict[int, float]:
    """The processes that compute, by pid, with the bytes that each has on GPUs."""
    found: dict[int, float] = {}
    for row in asked("--query-compute-apps=pid,used_memory", ("pid", "memory")):
        found[int(row["pid"])] = found.get(int(row["pid"]), 0.0) + float(row["memory"]) * MIB
    return found


def asked(question: str, names: tuple[str, ...]) -> list[Row]:
    """The lines of an answer, by names."""
    command = shutil.which("nvidia-smi")
    assert command, "this machine has no NVIDIA GPU: nvidia-smi is not installed; `make test-gpu` needs both"
    told = subprocess.run(
        [command, question, "--format=csv,noheader,nounits"], capture_output=True, text=True, timeout=30, check=False
    )
    assert told.returncode == 0, f"nvidia-smi finds no GPU that works: {told.stdout}{told.stderr}"
    lines = [line.split(", ") for line in told.stdout.splitlines() if line.strip()]
    return [dict(zip(names, line, strict=True)) for line in lines]


class Busy:
    """A process that multiplies matrices on the first GPU; it can rest with its memory kept."""

    def __enter__(self) -> Busy:
        self._process = subprocess.Popen(
            [sys.executable, BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            self._hear("works")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def rest(self) -> None:
        """Do nothing from now on."""
        self._say("rest")
        self._hear("rests")

    def work(self) -> None:
        """Go on."""
        self._say("work")
        self._hear("works")

    def _say(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()

    def _hear(self, word: str) -> None:
        assert self._process.stdout is not None
        heard = self._process.stdout.readline().strip()
        if heard != word:
            self._process.kill()
            raise AssertionError(f"the process on the GPU said {heard!r}: {self._process.communicate()[1]}")

    def _end(self) -> None:
        with self._process:
            if self._process.stdin is not None and not self._process.stdin.closed:
                self._process.stdin.close()  # which ends it
