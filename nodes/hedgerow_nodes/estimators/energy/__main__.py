"""Measure a command: `python -m hedgerow_nodes.estimators.energy [--backend NAME] -- COMMAND …` prints JSON."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import psutil

from hedgerow_nodes.estimators.energy.backends import BACKENDS, backend
from hedgerow_nodes.estimators.energy.counters import NvmlSource, RaplSource
from hedgerow_nodes.estimators.energy.formulas import DeclaredSource, LoadScaledSource
from hedgerow_nodes.estimators.energy.meter import EnergySource, Reading, measure


def own_sources(rated_w: float | None, w_per_core: float | None) -> list[EnergySource]:
    """Our own sources, best first: the counters, rated power by load, what is declared, what is assumed."""
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    declared = [DeclaredSource(w_per_core)] if w_per_core is not None else []
    return [
        NvmlSource(),
        RaplSource(),
        LoadScaledSource(rated_w, cores, "option --rated-w"),
        *declared,
        DeclaredSource(),
    ]


def as_json(reading: Reading, exit_status: int) -> dict[str, Any]:
    """A reading as plain data."""
    parts = {
        name: asdict(figure.interval) | {"method": figure.method, "source": figure.source}
        for name, figure in reading.joules.items()
    }
    window = {"seconds": reading.window.seconds, "processor_s": reading.window.cpu_s, "exit_status": exit_status}
    return window | {"joules": parts, "passed_over": list(reading.passed_over)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, print what it drew, and leave with its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", choices=BACKENDS, help="asked before our own sources")
    parser.add_argument("--rated-w", type=float, help="rated power of the whole processor, in watts")
    parser.add_argument("--w-per-core", type=float, help="what a busy core draws, in watts")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="after --")
    given = parser.parse_args(arguments)
    command = given.command[1:] if given.command[:1] == ["--"] else given.command
    if not command:
        parser.error("no command; write it after --")
    status = [0]

    def work() -> None:
        status[0] = subprocess.run(command, check=False, stdout=sys.stderr).returncode

    asked = [backend(given.backend)] if given.backend else []
    reading = measure(work, [*asked, *own_sources(given.rated_w, given.w_per_core)])
    print(json.dumps(as_json(reading, status[0]), indent=2))
    return status[0]


if __name__ == "__main__":
    sys.exit(main())
