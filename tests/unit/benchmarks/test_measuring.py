"""A row is calibrated before and after, repeated while noisy, written down, and ended when over its time."""

import contextlib
import json
import os
import select

import pytest

from benchmarks.catalogue import Row
from benchmarks.figures import Figure, at_least, at_most_times
from benchmarks.judge import MOST_REPEATS, Verdict
from benchmarks.measuring import RowFailed, measure_rows, run_in_a_process
from benchmarks.report import record

ROW = Row("codec", "benchmarks.rows.codec", budget_s=1)
QUIET = {"loop": 100.0}
FIGURE = Figure("codec", 10.0, "x", (at_least(8), at_most_times(2, 6, "unix")), {"bytes": 172}, (9.0, 10.0, 11.0))


class Calibrations:
    """Gives out one measurement after another, the last again and again."""

    def __init__(self, *loops: float) -> None:
        self.loops = list(loops)

    def measure(self):
        return {"loop": self.loops.pop(0) if len(self.loops) > 1 else self.loops[0]}


def measured(calibrations, *, within_s=1000.0, run=lambda row: (FIGURE,)):
    return list(measure_rows([ROW], calibrations, QUIET, within_s, run))


def test_a_quiet_row_is_measured_once():
    (row,) = measured(Calibrations(100.0))
    assert (row.repeats, row.is_ok, row.verdicts) == (0, True, (Verdict.OK,))


def test_a_noisy_row_is_repeated_until_it_is_quiet():
    (row,) = measured(Calibrations(100.0, 130.0, 130.0, 100.0, 100.0))
    assert (row.repeats, row.is_ok) == (2, True)


def test_a_row_that_stays_noisy_is_not_ok():
    runs = []
    (row,) = measured(Calibrations(*[100.0, 130.0] * (MOST_REPEATS + 1)), run=lambda row: runs.append(row) or (FIGURE,))
    assert (row.repeats, len(runs), row.is_ok) == (MOST_REPEATS, MOST_REPEATS + 1, False)
    assert row.verdicts == (Verdict.NOISY,)
    assert row.lines()[0].endswith(", noisy")


def test_there_is_no_repeat_without_time():
    (row,) = measured(Calibrations(100.0, 130.0), within_s=0.5)
    assert (row.repeats, row.verdicts) == (0, (Verdict.NOISY,))


def test_bounds_are_scaled_by_the_mean_of_before_and_after():
    (row,) = measured(Calibrations(150.0, 130.0))
    assert row.slowness == pytest.approx(1.4)


def test_a_row_without_figures_is_short():
    def fails(row):
        raise RowFailed("over its 1 s")

    (row,) = measured(Calibrations(100.0), run=fails)
    assert not row.is_ok
    assert row.lines() == ["codec: no figure, over its 1 s, short"]


def test_the_file_keeps_the_rows_of_earlier_runs(tmp_path):
    path = tmp_path / "results" / "latest.json"
    other = Row("growth", "benchmarks.rows.codec", budget_s=1)
    for row in (ROW, other, ROW):
        (one,) = measure_rows([row], Calibrations(150.0), QUIET, 1000.0, lambda row: (FIGURE,))
        record(path, one, QUIET)
    content = json.loads(path.read_text())
    assert list(content["rows"]) == ["codec", "growth"]
    figure = content["rows"]["codec"]["figures"][0]
    assert figure["verdict"] == "ok"
    assert [(b["limit"], b["scaled"], b["meaning"]) for b in figure["bounds"]] == [
        (8, pytest.approx(8 / 1.5), ""),
        (12, 12, "2 x unix"),
    ]
    assert (figure["trials"], figure["details"]) == ([9.0, 10.0, 11.0], {"bytes": 172})


@pytest.fixture
def written_row(tmp_path, monkeypatch):
    """A row whose module is written by the test."""

    def write(text: str, budget_s: float) -> Row:
        (tmp_path / "row_of_a_test.py").write_text(text)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
        return Row("test", "row_of_a_test", budget_s)

    return write


def test_figures_come_back_from_the_process_of_the_row_as_they_were(written_row):
    expected = Figure("a", 1.5, "s", (at_least(2), at_most_times(3, 4, "b")), {"n": 1}, (1.0, 2.0))
    text = f"""from benchmarks.figures import Bound, Figure, Scaling
def measure():
    return [{expected!r}]
"""
    text = text.replace("<Scaling.NONE: 'none'>", "Scaling.NONE").replace(
        "<Scaling.CALIBRATED: 'calibrated'>", "Scaling.CALIBRATED"
    )
    assert run_in_a_process(written_row(text, 30)) == (expected,)


def test_a_row_that_raises_says_what(written_row, capfd):
    with pytest.raises(RowFailed, match="ValueError: no such luck"):
        run_in_a_process(written_row("def measure():\n    raise ValueError('no such luck')\n", 30))


def test_a_row_over_its_time_ends_with_all_that_it_started(written_row, tmp_path):
    text = f"""import pathlib, subprocess, sys, time
def measure():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(child.pid))
    time.sleep(600)
"""
    with pytest.raises(RowFailed, match=r"over its 3 s"):
        run_in_a_process(written_row(text, 3))
    pid = int((tmp_path / "pid").read_text())
    with contextlib.suppress(ProcessLookupError):
        # Readable once the process has ended, waited for or not.
        assert select.select([os.pidfd_open(pid)], [], [], 10.0)[0], f"process {pid} still runs"
