"""What NVIDIA's library tells of real GPUs: the same as nvidia-smi, of the machine, of processes and of energy."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from statistics import fmean

import pytest
from graphics import BUSY, MIB, Busy, Row, computing, rows
from running import LOOK_AGAIN, wait_for

from hedgerow_nodes.estimators.devices.host_power import survey
from hedgerow_nodes.estimators.devices.nvml import read_gpus
from hedgerow_nodes.estimators.energy.counters import NvmlSource
from hedgerow_nodes.estimators.energy.meter import Reading, measure
from hedgerow_nodes.worker_side.gpus import GpuMeter, ProcessOnGpu

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(180)]

WATCH_S = 3.0
EACH_S = 0.1


@pytest.fixture
def meter(gpus: list[Row]) -> GpuMeter:
    """The worker's meter."""
    return GpuMeter()


def test_every_gpu_is_told_with_its_name_and_memory(meter: GpuMeter, gpus: list[Row]) -> None:
    seen = meter.look()
    assert [(gpu.index, gpu.name) for gpu in seen] == [(index, row["name"]) for index, row in enumerate(gpus)]
    for gpu, row in zip(seen, gpus, strict=True):
        assert gpu.memory_bytes == pytest.approx(float(row["memory.total"]) * MIB, rel=0.02)
        assert 0 <= gpu.memory_percent <= 100
        assert 0 <= gpu.percent <= 100
        assert 0 < gpu.temperature_c < 110
        print(gpu)


def test_a_busy_gpu_is_as_nvidia_smi_tells_it(meter: GpuMeter, busy: Busy) -> None:
    wait_for(lambda: meter.look()[0].percent > 50, 30, lambda: str(meter.look()[0]))
    # Both figures of power are means of some time, and the clock follows the load: look until they have settled.
    seen: list[str] = []

    def agrees() -> bool:
        ours, theirs = meter.look()[0], rows()[0]
        seen.append(f"{ours} {theirs}")
        used = 100 * float(theirs["memory.used"]) / float(theirs["memory.total"])
        return (
            ours.percent == pytest.approx(float(theirs["utilization.gpu"]), abs=15)
            and ours.memory_percent == pytest.approx(used, abs=3)  # the driver's own share is in one of them alone
            and ours.clock_hz == pytest.approx(1e6 * float(theirs["clocks.sm"]), rel=0.15)
            and ours.power_w == pytest.approx(float(theirs["power.draw"]), rel=0.2)
            and ours.temperature_c == pytest.approx(float(theirs["temperature.gpu"]), abs=5)
        )

    wait_for(agrees, 30, lambda: seen[-1])
    print(seen[-1])


def test_a_process_that_computes_is_told_with_its_share_and_its_memory(meter: GpuMeter, busy: Busy) -> None:
    def seen(least: float, most: float) -> ProcessOnGpu | None:
        found = meter.processes().get(busy.pid)
        return found if found is not None and least <= found.percent <= most else None

    def told() -> str:
        return f"pid {busy.pid}: {meter.processes()}, nvidia-smi: {computing()}"

    working = wait_for(lambda: seen(20, 100), 30, told)
    assert working.index == 0
    # Three matrices at least; nvidia-smi has the same figure where it may name the process.
    least_bytes, total_bytes = 3 * 4 * 4096**2, meter.look()[0].memory_bytes
    assert working.memory_percent > 100 * least_bytes / total_bytes
    if busy.pid in computing():
        theirs = 100 * computing()[busy.pid] / total_bytes
        assert working.memory_percent == pytest.approx(theirs, rel=0.1, abs=0.1)
    busy.rest()
    resting = wait_for(lambda: seen(0, 0), 30, told)
    assert resting.memory_percent == pytest.approx(working.memory_percent, rel=0.1)
    busy.work()
    wait_for(lambda: seen(20, 100), 30, told)


def test_a_process_that_has_ended_is_told_no_more(meter: GpuMeter, cuda: str) -> None:
    with Busy() as process:
        wait_for(lambda: process.pid in meter.processes(), 30, lambda: str(meter.processes()))
    wait_for(lambda: process.pid not in meter.processes(), 30, lambda: str(meter.processes()))


def test_the_host_is_told_with_limit_and_counter(gpus: list[Row]) -> None:
    for gpu, row in zip(read_gpus(), gpus, strict=True):
        assert gpu.name == row["name"]
        assert gpu.memory_bytes == pytest.approx(float(row["memory.total"]) * MIB, rel=0.02)
        assert gpu.power_limit_w == pytest.approx(float(row["power.limit"]), rel=0.02)
        assert 0 < gpu.power_w < 1.5 * gpu.power_limit_w
        assert gpu.energy_j > 0 or math.isnan(gpu.energy_j)


def watched(meter: GpuMeter) -> tuple[Reading, float]:
    """What the counters say of some seconds, and the mean power of all GPUs times the seconds."""
    powers: list[float] = []

    def look() -> None:
        for _ in range(round(WATCH_S / EACH_S)):
            powers.append(sum(gpu.power_w for gpu in meter.look()))
            LOOK_AGAIN.wait(EACH_S)

    reading = measure(look, [NvmlSource()])
    return reading, fmean(powers) * reading.window.seconds


def test_joules_are_power_times_time(meter: GpuMeter, busy: Busy) -> None:
    wait_for(lambda: meter.look()[0].percent > 50, 30, lambda: str(meter.look()[0]))
    LOOK_AGAIN.wait(1.5)  # the driver tells the mean power of a second
    joules = {}
    for state in ("busy", "at rest"):
        reading, expected_j = watched(meter)
        figure = reading.joules["gpu"]
        joules[state] = figure.interval.value / reading.window.seconds
        print(f"{state}: counted {figure.interval.value:.0f} J, power times time {expected_j:.0f} J; {figure.source}")
        assert figure.method in ("nvml_counter", "nvml_power")
        assert expected_j / 1.5 < figure.interval.value < expected_j * 1.5
        busy.rest()
        LOOK_AGAIN.wait(1.5)
    assert joules["busy"] > 1.2 * joules["at rest"]


def test_a_command_is_measured(cuda: str) -> None:
    command = [sys.executable, "-m", "hedgerow_nodes.estimators.energy", "--", sys.executable, BUSY, "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["joules"]["gpu"]["method"] in ("nvml_counter", "nvml_power"), told
    assert told["joules"]["gpu"]["value"] > 10 * told["seconds"]  # no GPU of these draws less than 10 W at work


def test_a_survey_counts_the_gpus(gpus: list[Row]) -> None:
    told = survey(seconds=1.0)["nvml"]
    assert told["readable"]
    assert [gpu["name"] for gpu in told["gpus"]] == [row["name"] for row in gpus]
    assert all(gpu["counted_j"] > 0 for gpu in told["gpus"] if "counted_j" in gpu)
