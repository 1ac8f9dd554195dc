"""Looks at the machine and at the instances' processes for telemetry: one row a GPU, one row a process."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable

import psutil

from hedgerow_idl.telemetry import ProcessRow, SystemRow
from hedgerow_nodes.worker_side.cpu_meter import CpuMeter
from hedgerow_nodes.worker_side.gpus import GpuMeter, ProcessOnGpu

InstanceProcess = tuple[str, str, str, int]
"""service_id, logical_id, physical_id, pid."""

_NOT_THERE = ProcessOnGpu(-1, math.nan, math.nan)


class Sampler:
    """Makes rows; 100 % of a process is one core.

    Args:
        gpus: the machine's GPUs.
    """

    def __init__(self, gpus: GpuMeter) -> None:
        self._gpus = gpus
        # Kept from look to look: the first percentage of a fresh object is always 0, and says nothing.
        self._processes: dict[int, psutil.Process] = {}
        self._cpu = CpuMeter()

    def systems(self, at_s: float) -> list[SystemRow]:
        """The machine now: a row for each GPU, or one without."""
        memory = psutil.virtual_memory()
        cpu_percent = self._cpu.percent()
        rows = [
            SystemRow(
                at_s=at_s,
                gpu_index=gpu.index,
                gpu_percent=gpu.percent,
                gpu_memory_percent=gpu.memory_percent,
                gpu_clock_hz=gpu.clock_hz,
                gpu_power_w=gpu.power_w,
            )
            for gpu in self._gpus.look()
        ] or [SystemRow(at_s=at_s)]
        for row in rows:
            row.cpu_percent, row.memory_bytes, row.memory_percent = cpu_percent, memory.total, memory.percent
        return rows

    def processes(self, running: Iterable[InstanceProcess], at_s: float) -> list[ProcessRow]:
        """The instances' processes since the last look; one that is new gets its first row at the next one."""
        running = list(running)
        on_gpus = self._gpus.processes() if running else {}
        rows, seen = [], set()
        for service_id, logical_id, physical_id, pid in running:
            with contextlib.suppress(psutil.Error):
                known = self._processes.get(pid)
                if known is None or not known.is_running():  # another process may have got the number
                    self._processes[pid] = psutil.Process(pid)
                    self._processes[pid].cpu_percent()
                    seen.add(pid)
                    continue
                seen.add(pid)
                on_gpu = on_gpus.get(pid, _NOT_THERE)
                rows.append(
                    ProcessRow(
                        at_s=at_s,
                        service_id=service_id,
                        logical_id=logical_id,
                        physical_id=physical_id,
                        cpu_percent=known.cpu_percent(),
                        memory_percent=known.memory_percent(),
                        gpu_index=on_gpu.index,
                        gpu_percent=on_gpu.percent,
                        gpu_memory_percent=on_gpu.memory_percent,
                    )
                )
        self._processes = {pid: process for pid, process in self._processes.items() if pid in seen}
        return rows
