"""Run rows one after another: calibrate, measure in a process of its own, calibrate, judge, repeat what was noisy."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import judge
from benchmarks.calibration import Calibration
from benchmarks.catalogue import Row
from benchmarks.figures import Bound, Figure, Scaling

END_S = 20.0
"""How long a row that is ended has to end what it started."""

ROOT = Path(__file__).resolve().parent.parent


class RowFailed(Exception):
    """A row ended without figures."""


@dataclass(frozen=True)
class Measured:
    """A row after its last repeat."""

    row: Row
    figures: tuple[Figure, ...]
    verdicts: tuple[judge.Verdict, ...]
    before: dict[str, float]
    after: dict[str, float]
    slowness: float
    movement: float
    repeats: int
    took_s: float
    failure: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether every line reads ok."""
        return not self.failure and all(verdict is judge.Verdict.OK for verdict in self.verdicts)

    def lines(self) -> list[str]:
        """The row's lines of the report."""
        if self.failure:
            return [f"{self.row.name}: no figure, {self.failure}, {judge.Verdict.SHORT}"]
        return [judge.line(f, self.slowness, v) for f, v in zip(self.figures, self.verdicts, strict=True)]


def measure_rows(
    rows: Sequence[Row],
    calibration: Calibration,
    reference: dict[str, float],
    within_s: float,
    run: Callable[[Row], tuple[Figure, ...]],
) -> Iterator[Measured]:
    """Measure rows in order; a noisy one is repeated while the time left allows it."""
    began_s = time.monotonic()
    for at, row in enumerate(rows):
        reserved_s = sum(later.budget_s for later in rows[at + 1 :])
        repeats = 0
        while True:
            measured = _measure(row, calibration, reference, run, repeats)
            remaining_s = within_s - (time.monotonic() - began_s)
            if not judge.may_repeat(measured.verdicts, repeats, remaining_s, row.budget_s, reserved_s):
                break
            repeats += 1
        yield measured


def run_in_a_process(row: Row) -> tuple[Figure, ...]:
    """Measure a row in a fresh interpreter; whatever it started ends with it.

    Raises:
        RowFailed: it ended with an error or was over its time.
    """
    with tempfile.TemporaryDirectory(prefix="hedgerow-bench-") as folder:
        path, log = Path(folder) / "figures.json", Path(folder) / "log"
        command = [sys.executable, "-m", "benchmarks.single", row.module, str(path)]
        with log.open("wb") as complaints:
            process = subprocess.Popen(command, cwd=ROOT, stderr=complaints, start_new_session=True)
        try:
            code = process.wait(row.budget_s)
        except subprocess.TimeoutExpired:
            raise RowFailed(f"over its {row.budget_s:g} s") from None
        finally:
            _end_group(process)
        complaint = log.read_text(encoding="utf-8", errors="replace")
        sys.stderr.write(complaint)
        if code != 0:
            raise RowFailed((complaint.strip().splitlines() or [f"exit code {code}"])[-1])
        return tuple(_figure(fields) for fields in json.loads(path.read_text(encoding="utf-8")))


def _measure(
    row: Row,
    calibration: Calibration,
    reference: dict[str, float],
    run: Callable[[Row], tuple[Figure, ...]],
    repeats: int,
) -> Measured:
    began_s = time.monotonic()
    before = calibration.measure()
    failure = ""
    figures: tuple[Figure, ...] = ()
    try:
        figures = run(row)
    except RowFailed as error:
        failure = str(error)
    after = calibration.measure()
    mean = {part: (before[part] + after[part]) / 2 for part in before}
    slowness, movement = judge.slowness(mean, reference), judge.movement(before, after)
    verdicts = tuple(judge.judge(figure, slowness, movement) for figure in figures)
    took_s = time.monotonic() - began_s
    return Measured(row, figures, verdicts, before, after, slowness, movement, repeats, took_s, failure)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    # What a row starts may have groups of its own, which only the row itself can end.
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(END_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _figure(fields: dict[str, Any]) -> Figure:
    bounds = tuple(Bound(**{**bound, "scaling": Scaling(bound["scaling"])}) for bound in fields.pop("bounds"))
    return Figure(**{**fields, "bounds": bounds, "trials": tuple(fields["trials"])})
