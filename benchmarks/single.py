"""Measure one row in a process of its own: `python -m benchmarks.single MODULE FILE`, figures as JSON in the file."""

from __future__ import annotations

import gc
import importlib
import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path


def main(module: str, path: str) -> None:
    """Import the row, measure it, leave its figures."""
    row = importlib.import_module(module)
    gc.collect()
    gc.freeze()
    figures = row.measure()
    Path(path).write_text(json.dumps([asdict(figure) for figure in figures]), encoding="utf-8")


if __name__ == "__main__":
    # A row that is ended takes what it has started with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    main(*sys.argv[1:])
