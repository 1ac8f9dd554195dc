"""How the machine and the worker's own process are, as the status tells it; what cannot be known is NaN."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psutil

from hedgerow_idl.serve import WorkerStatus
from hedgerow_nodes.estimators.devices.rapl import Rapl, RaplUnavailable
from hedgerow_nodes.worker_side.cpu_meter import CpuMeter
from hedgerow_nodes.worker_side.gpus import GpuMeter
from hedgerow_nodes.worker_side.own_load import OwnLoad


class HealthMeter:
    """Looks at the machine.

    Args:
        folder: its disk is the one whose free space is told.
        gpus: the machine's GPUs.
        clock: the monotonic clock.
    """

    def __init__(self, folder: Path, gpus: GpuMeter, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = str(folder)
        self._gpus = gpus
        self._clock = clock
        # Kept, not made anew: processor percentages are differences between two looks of one object.
        self._process = psutil.Process()
        self._process.cpu_percent()
        self._cpu = CpuMeter()
        self._load = OwnLoad(clock)
        try:
            self._rapl: Rapl | None = Rapl()
        except RaplUnavailable:
            self._rapl = None
        self._energy = self._read_energy()

    def fill(self, status: WorkerStatus) -> None:
        """Write what is seen now into a status."""
        status.load_1, status.load_5, status.load_15 = os.getloadavg()
        status.cpu_percent = self._cpu.percent()
        self._load.look()
        status.busy_cores, status.used_cores = self._load.busy_cores, self._load.used_cores
        memory = psutil.virtual_memory()
        status.memory_free_bytes = memory.free
        status.memory_used_bytes = memory.used
        status.memory_available_bytes = memory.available
        with self._process.oneshot():
            status.process_cpu_percent = self._process.cpu_percent()
            own = self._process.memory_info()
        status.process_memory_bytes, status.process_virtual_bytes = own.rss, own.vms
        status.disk_free_bytes = _or_nan(lambda: psutil.disk_usage(self._folder).free)
        disks = _or_none(psutil.disk_io_counters)
        if disks is not None:
            status.disk_reads, status.disk_writes = disks.read_count, disks.write_count
        network = _or_none(psutil.net_io_counters)
        if network is not None:
            status.received_bytes, status.sent_bytes = network.bytes_recv, network.bytes_sent
            status.received_packets, status.sent_packets = network.packets_recv, network.packets_sent
            status.received_errors, status.sent_errors = network.errin, network.errout
        gpus = self._gpus.look()
        if gpus:
            status.gpu_load_percent = _most(gpu.percent for gpu in gpus)
            status.gpu_temperature_c = _most(gpu.temperature_c for gpu in gpus)
        status.power_w = self._power_w() + sum(gpu.power_w for gpu in gpus)

    def _power_w(self) -> float:
        """Of the processors since the last look; NaN where they have no counters that may be read."""
        before, self._energy = self._energy, self._read_energy()
        if self._rapl is None or before is None or self._energy is None or self._energy[0] <= before[0]:
            return math.nan
        return self._rapl.joules_between(before[1], self._energy[1]) / (self._energy[0] - before[0])

    def _read_energy(self) -> tuple[float, dict[str, int]] | None:
        if self._rapl is None:
            return None
        try:
            return self._clock(), self._rapl.read_uj()
        except RaplUnavailable:
            return None


def _most(figures: Iterable[float]) -> float:
    """The largest that is known."""
    return max((one for one in figures if not math.isnan(one)), default=math.nan)


def _or_none(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except (OSError, RuntimeError):
        return None


def _or_nan(ask: Callable[[], float]) -> float:
    try:
        return float(ask())
    except OSError:
        return math.nan
