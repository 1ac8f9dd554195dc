"""How fast this host is, measured once in a child process, kept in a file, and the base of every choice of a model."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from hedgerow_idl import Calibration
from hedgerow_nodes.estimators.models.child_process import child_ends, run_child

MATRIX = 768
COPY_BYTES = 64 * 2**20
BUDGET_S = 0.4
MINIMUM_REPEATS = 5
TIMEOUT_S = 60.0


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured: float32 matrix products (2 x MAC) and copying (bytes read plus bytes written)."""

    compute_flops_per_s: float
    bandwidth_bytes_per_s: float
    software: str


class CalibrationOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is to do."""

    threads: int


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the calibration file."""

    host: str
    calibrated_at_s: float
    threads: int
    rates: Rates

    @property
    def id(self) -> str:
        """The first 12 hexadecimal digits of the SHA-256 of the content."""
        canonical = json.dumps(msgspec.to_builtins(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def wire(self) -> Calibration:
        """The same as it is sent."""
        return Calibration(
            id=self.id,
            host=self.host,
            calibrated_at_s=self.calibrated_at_s,
            threads=self.threads,
            compute_flops_per_s=self.rates.compute_flops_per_s,
            bandwidth_bytes_per_s=self.rates.bandwidth_bytes_per_s,
            software=self.rates.software,
        )


def calibrate(
    home: Path, threads: int, measure: Callable[[int], Rates], *, host: str = "", now: Callable[[], float] = time.time
) -> Record:
    """The stored calibration of this host for that many threads; measured and stored where there is none.

    Delete the file to have it measured again. A file that cannot be read is measured anew.
    """
    name = host or platform.node() or "localhost"
    path = home / "calibration" / f"{_file_name(name)}-{threads}t.json"
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=Record)
    except (FileNotFoundError, msgspec.MsgspecError):
        stored = None
    if stored is not None and stored.host == name and stored.threads == threads:
        return stored
    record = Record(host=name, calibrated_at_s=now(), threads=threads, rates=measure(threads))
    _write_atomically(path, msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
    return record


def measure_in_child(threads: int, cancelled: Callable[[], bool] = lambda: False) -> Rates:
    """Measure in a fresh process: the number of threads of a numeric library is fixed when it is loaded.

    Raises:
        ChildFailed, ChildTimedOut, ChildCancelled: no result.
    """
    order = CalibrationOrder(threads=threads)
    return run_child(__name__, order, Rates, threads=threads, timeout_s=TIMEOUT_S, cancelled=cancelled)


def measure_here(threads: int, *, budget_s: float = BUDGET_S) -> Rates:
    """Measure in this process: medians over repeats that take about `budget_s` for each of the two.

    One thread is timed by its CPU time, so that other processes on the same cores do not count. Several are timed by
    the wall clock, since those that wait for others burn CPU time as well.
    """
    import numpy as np  # loaded after the number of threads is known

    clock = time.process_time if threads == 1 else time.perf_counter
    rng = np.random.default_rng(0)
    left, right = (rng.standard_normal((MATRIX, MATRIX), dtype=np.float32) for _ in range(2))
    product = np.empty_like(left)
    source = np.ones(COPY_BYTES // 4, dtype=np.float32)
    target = np.empty_like(source)
    parts = list(zip(np.array_split(source, threads), np.array_split(target, threads), strict=True))
    with ThreadPoolExecutor(threads) as pool:

        def copy() -> None:
            list(pool.map(lambda pair: np.copyto(pair[1], pair[0]), parts))

        multiply_s = _median_s(lambda: np.matmul(left, right, out=product), budget_s, clock)
        copy_s = _median_s(copy, budget_s, clock)
    return Rates(
        compute_flops_per_s=2 * MATRIX**3 / multiply_s,
        bandwidth_bytes_per_s=2 * COPY_BYTES / copy_s,
        software=f"numpy {np.__version__}, Python {platform.python_version()}, {platform.platform(terse=True)}",
    )


def _median_s(action: Callable[[], Any], budget_s: float, clock: Callable[[], float]) -> float:
    action()
    taken: list[float] = []
    while len(taken) < MINIMUM_REPEATS or sum(taken) < budget_s:
        began_s = clock()
        action()
        taken.append(max(clock() - began_s, 1e-9))
    return statistics.median(taken)


def _file_name(host: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in host).lstrip(".") or "host"


def _write_atomically(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def main() -> None:
    """Be the child: an order on standard input, rates on standard output."""
    with child_ends() as (given, result):
        order = msgspec.json.decode(given.read(), type=CalibrationOrder)
        result.write(msgspec.json.encode(measure_here(order.threads)))


if __name__ == "__main__":
    main()
