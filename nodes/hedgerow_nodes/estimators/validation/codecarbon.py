"""Our figures by codecarbon's method beside those that codecarbon itself gave.

`python -m hedgerow_nodes.estimators.validation.codecarbon FILE` compares a recorded run; FILE is
tests/unit/nodes/codecarbon_golden.json, made by the package that it names.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hedgerow_nodes.estimators.energy.codecarbon_method import Mode, Work, codecarbon_energy, ram_power_w
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.validation.comparison import Pair, row, table

JOULES_PER_KWH = 3.6e6
PROMISED = 1.01


def of_run(run: Mapping[str, Any]) -> list[Pair]:
    """Processor, memory and emissions of the recorded run, from the work alone."""
    options = run["options"]
    work = Work(run["wall_s"], run["cpu_s"], run["threads"], 0.0)
    energy = codecarbon_energy(work, "process", rated_w=options["force_cpu_power"], ram_w=options["force_ram_power"])
    cpu_kwh, ram_kwh = (options["pue"] * joules / JOULES_PER_KWH for joules in (energy.cpu_j, energy.ram_j))
    kg = (cpu_kwh + ram_kwh) * options["force_carbon_intensity_g_co2e_kwh"] / 1000
    named = (
        ("processor, kWh", cpu_kwh, run["cpu_energy_kwh"]),
        ("memory, kWh", ram_kwh, run["ram_energy_kwh"]),
        ("emissions, kg", kg, run["emissions_kg"]),
    )
    return [_pair(case, ours, theirs) for case, ours, theirs in named]


def of_loads(golden: Mapping[str, Any], mode: Mode) -> list[Pair]:
    """Power of a processor under loads, each rated power, threads, seconds and seconds of processor time."""
    found = []
    for (rated_w, threads, wall_s, cpu_s), watts in zip(golden["loads"], golden[f"{mode}_w"], strict=True):
        ours = codecarbon_energy(Work(wall_s, cpu_s, threads, 0.0), mode, rated_w=rated_w)
        found.append(_pair(f"{rated_w:g} W, {threads} threads", ours.cpu_j / wall_s, watts))
    return found


def of_memory(golden: Mapping[str, Any], *, arm: bool) -> list[Pair]:
    """Constant power of memory by its size."""
    sized = zip(golden["sizes_gb"], golden["arm_ram_w" if arm else "ram_w"], strict=True)
    return [_pair(f"{size:g} GB", ram_power_w(size, arm=arm), watts) for size, watts in sized]


def _pair(case: str, ours: float, theirs: float) -> Pair:
    return Pair(case, ours, theirs, Interval.within_factor(ours, PROMISED))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, in which the interval is the promised 1 %, and the figures of the run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="codecarbon's recorded figures")
    golden = json.loads(parser.parse_args(arguments).file.read_text(encoding="utf-8"))
    package, run = golden["package"], of_run(golden["run"])
    rows = [row(pair.case.partition(",")[0], package, [pair]) for pair in run]
    rows.append(row("power of a processor, mode process", package, of_loads(golden, "process")))
    rows.append(row("power of a processor, mode machine", package, of_loads(golden, "machine")))
    rows.append(row("power of memory", package, of_memory(golden, arm=False)))
    rows.append(row("power of memory, ARM", package, of_memory(golden, arm=True)))
    print(table(rows))
    for pair in run:
        difference = pair.estimate / pair.reference - 1
        print(f"{pair.case}: {package} {pair.reference:.5g}, ours {pair.estimate:.5g}, {difference:+.2%}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
