"""`python -m benchmarks [ROW ...]`: one line for each figure, all in one JSON file; 1 where a line is not ok."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from benchmarks.calibration import calibration, machine, read_reference, write_reference
from benchmarks.catalogue import BENCH_S, LONG_S, ROWS, SERVE_S, chosen
from benchmarks.measuring import measure_rows, run_in_a_process
from benchmarks.report import LATEST, record


def main(arguments: list[str] | None = None) -> int:
    """Measure the rows asked for; return 1 where a line is not ok, 2 where there is no such row."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = ", ".join(f"{row.name}{' (long)' if row.is_long else ' (serve)' if row.is_serve else ''}" for row in ROWS)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"by default all short ones; known: {known}")
    parser.add_argument("--long", action="store_true", help="without rows: the long ones")
    parser.add_argument("--serve", action="store_true", help="without rows: those of serving")
    parser.add_argument("--json", type=Path, default=LATEST, metavar="FILE", help="default: %(default)s")
    parser.add_argument("--calibrate", action="store_true", help="make this machine, quiet now, the reference")
    options = parser.parse_args(arguments)
    with calibration() as work:
        work.measure()  # caches and clocks warm
        if options.calibrate:
            write_reference(work.measure())
            return 0
        try:
            rows = chosen(options.rows, is_long=options.long, is_serve=options.serve)
        except KeyError as error:
            print(error.args[0], file=sys.stderr)
            return 2
        print(f"# {machine()['description']}; {machine()['python']}", flush=True)
        reference = read_reference()
        is_ok = True
        within_s = LONG_S if options.long else SERVE_S if options.serve else BENCH_S
        for measured in measure_rows(rows, work, reference, within_s, run_in_a_process):
            record(options.json, measured, reference)
            print(*measured.lines(), sep="\n", flush=True)
            is_ok &= measured.is_ok
    return 0 if is_ok else 1


if __name__ == "__main__":
    # As with Ctrl-C a row in work ends with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main())
