"""A fixed piece of work before and after each row: how fast is this machine now, beside the committed reference."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import socket
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.cores import OURS, THE_PEERS, on_core
from benchmarks.peers import peer

REFERENCE = Path(__file__).parent / "reference.json"
LOOP_ROUNDS = 20_000
LOOP_TRIALS = 101
ROUND_TRIPS = 5_000
COMMITS = 10_000
MESSAGE = bytes(172)


class Calibration:
    """Holds an echo process and a database between measurements, so that each is the same and short."""

    def __init__(self, echo: socket.socket, database: sqlite3.Connection) -> None:
        self._echo = echo
        self._database = database

    def measure(self) -> dict[str, float]:
        """Measure the three parts, each as the median of many, in microseconds."""
        with on_core(OURS):
            return {
                "python_loop_us": _median_us(_python_loop, LOOP_TRIALS),
                "socket_round_trip_us": _median_us(self._round_trip, ROUND_TRIPS),
                "sqlite_commit_us": _median_us(self._commit, COMMITS),
            }

    def _round_trip(self) -> None:
        self._echo.sendall(MESSAGE)
        left = len(MESSAGE)
        while left:
            left -= len(self._echo.recv(left))

    def _commit(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute("INSERT INTO sample (payload) VALUES (?)", (MESSAGE,))
        self._database.execute("COMMIT")


@contextlib.contextmanager
def calibration() -> Iterator[Calibration]:
    """The work's surroundings, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="hedgerow-bench-") as folder:
        path = os.path.join(folder, "echo")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path)
            listening.listen(1)
            with peer(_echo, path, core=THE_PEERS):
                connection, _ = listening.accept()
                database = sqlite3.connect(os.path.join(folder, "calibration.sqlite"), isolation_level=None)
                database.execute("PRAGMA journal_mode=WAL")
                database.execute("PRAGMA synchronous=NORMAL")
                database.execute("CREATE TABLE sample (id INTEGER PRIMARY KEY, payload BLOB)")
                with connection, contextlib.closing(database):
                    yield Calibration(connection, database)


def read_reference() -> dict[str, float]:
    """The committed figures of the reference machine."""
    parts: dict[str, float] = json.loads(REFERENCE.read_text(encoding="utf-8"))["calibration"]
    return parts


def write_reference(parts: dict[str, float]) -> None:
    """Make this machine, as it is now, the reference."""
    content = {"machine": machine(), "calibration": {name: round(value, 2) for name, value in parts.items()}}
    REFERENCE.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """The machine in words."""
    cores = os.cpu_count()
    return {
        "description": f"{cores} cores ({_processor()}), {platform.system()} on {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "sqlite": sqlite3.sqlite_version,
    }


def _processor() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as lines:
        for text in lines:
            if text.startswith("model name"):
                return text.partition(":")[2].strip()
    return "processor unknown"


def _python_loop() -> int:
    table: dict[int, str] = {}
    total = 0
    for number in range(LOOP_ROUNDS):
        table[number & 255] = str(number)
        total += len(table[number & 127]) + number % 7
    return total


def _median_us(work: Callable[[], object], trials: int) -> float:
    taken = []
    for _ in range(trials):
        began = time.perf_counter_ns()
        work()
        taken.append(time.perf_counter_ns() - began)
    return statistics.median(taken) / 1e3


def _echo(pipe: Any, path: str) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        while data := connection.recv(65_536):
            connection.sendall(data)
