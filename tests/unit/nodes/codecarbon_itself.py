"""What the package codecarbon itself computes; `python tests/unit/nodes/codecarbon_itself.py` prints it as JSON.

The tests compare our formulas with what this printed once (codecarbon_golden.json), and where codecarbon is installed
with what it computes now.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from typing import Any
from unittest import mock

# rated power in W, threads, wall time in s, processor time in s
LOADS = [
    (8.0, 2, 10.0, 9.7),
    (65.0, 8, 1.0, 0.5),
    (120.0, 16, 3.0, 48.0),
    (360.0, 192, 0.25, 0.9),
    (15.0, 4, 100.0, 0.02),
]
SIZES_GB = [0.5, 1.9, 2.0, 3.9, 8.0, 16.0, 17.0, 32.0, 64.0, 96.0, 128.0, 129.0, 250.0, 512.0, 1024.0, 2048.0, 6000.0]
RUN_OPTIONS = {"force_cpu_power": 120, "force_ram_power": 7, "pue": 1.2, "force_carbon_intensity_g_co2e_kwh": 200}
RUN_CPU_S = 4.0


def load_watts(mode: str) -> list[float]:
    """Its power of a processor, for each of LOADS."""
    from codecarbon.external import hardware

    found = []
    for tdp, threads, wall_s, cpu_s in LOADS:
        cpu = hardware.CPU(output_dir=".", mode="cpu_load", model="some processor", tdp=tdp, tracking_mode=mode)
        cpu._cpu_count = threads
        cpu._last_measurement_time, cpu._last_cpu_times = 0.0, {1: 0.0}
        cpu._get_process_cpu_times = lambda used=cpu_s: {1: used}
        cpu._cpu_load_meter.percent = lambda load=100 * cpu_s / (wall_s * threads): load
        with mock.patch.object(hardware.time, "time", return_value=wall_s):
            found.append(cpu._get_power_from_cpu_load().W)
    return found


def ram_watts(*, arm: bool) -> list[float]:
    """Its power of memory, for each of SIZES_GB."""
    from codecarbon.external.ram import RAM

    ram = RAM()
    ram.is_arm_cpu = arm
    return [ram._calculate_ram_power(size) for size in SIZES_GB]


def run() -> dict[str, Any]:
    """A busy thread under its tracker: what it says, and wall and processor time as the process itself sees them."""
    from codecarbon import OfflineEmissionsTracker

    tracker = OfflineEmissionsTracker(
        country_iso_code="USA",
        tracking_mode="process",
        output_methods=[],
        log_level="error",
        allow_multiple_runs=True,
        force_mode_cpu_load=True,
        **RUN_OPTIONS,
    )
    tracker.start()
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    block = bytes(65536)
    while time.process_time() - began_cpu_s < RUN_CPU_S:
        hashlib.sha256(block).digest()
    wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    tracker.stop()
    data = tracker.final_emissions_data
    return {
        "options": RUN_OPTIONS,
        "threads": os.cpu_count(),
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "duration_s": data.duration,
        "cpu_energy_kwh": data.cpu_energy,
        "ram_energy_kwh": data.ram_energy,
        "gpu_energy_kwh": data.gpu_energy,
        "energy_consumed_kwh": data.energy_consumed,
        "emissions_kg": data.emissions,
    }


def everything() -> dict[str, Any]:
    """All of it."""
    from importlib.metadata import version

    return {
        "package": f"codecarbon {version('codecarbon')}",
        "loads": LOADS,
        "sizes_gb": SIZES_GB,
        "process_w": load_watts("process"),
        "machine_w": load_watts("machine"),
        "ram_w": ram_watts(arm=False),
        "arm_ram_w": ram_watts(arm=True),
        "run": run(),
    }


if __name__ == "__main__":
    print(json.dumps(everything(), indent=1))
