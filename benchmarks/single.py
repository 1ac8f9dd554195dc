"""Measure one row in a process of its own: `python -m benchmarks.single MODULE FILE`, figures as JSON in the file."""

from __future__ import annotations

import gc
import importlib
import json
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
    main(*sys.argv[1:])
