"""The GPUs of this machine, by NVIDIA's management library where it is there: what they are and what they do now."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

log = logging.getLogger("hedgerow.worker")


@dataclass(frozen=True)
class GpuNow:
    """One GPU at one moment; what the driver does not tell is NaN."""

    index: int
    name: str
    memory_bytes: float
    percent: float
    memory_percent: float
    clock_hz: float
    power_w: float
    temperature_c: float


@dataclass(frozen=True)
class ProcessOnGpu:
    """One process on one GPU; `percent` of the GPU's time since the last look, NaN where the driver keeps none."""

    index: int
    percent: float
    memory_percent: float


class GpuMeter:
    """Asks the driver; with no library or no driver there are no GPUs, and the reason is logged once.

    Args:
        library: the module `pynvml`, or one that answers like it; imported when left out.
    """

    def __init__(self, library: Any = None) -> None:
        self._nvml: Any = None
        self._handles: list[Any] = []
        self._seen_until: dict[int, int] = {}
        if library is None and find_spec("pynvml") is None:
            log.info("worker: no GPU is looked at: the module pynvml is missing; install nvidia-ml-py")
            return
        library = import_module("pynvml") if library is None else library
        try:
            library.nvmlInit()
            self._handles = [library.nvmlDeviceGetHandleByIndex(i) for i in range(library.nvmlDeviceGetCount())]
            self._nvml = library
        except library.NVMLError as error:
            log.info("worker: no GPU is looked at: no NVIDIA driver answers: %s", error)

    def look(self) -> list[GpuNow]:
        """Every GPU now."""
        return [self._look_at(index, handle) for index, handle in enumerate(self._handles)]

    def processes(self) -> dict[int, ProcessOnGpu]:
        """Which processes compute on GPUs, by pid; of one on several the last is told."""
        found: dict[int, ProcessOnGpu] = {}
        for index, handle in enumerate(self._handles):
            total = self._ask(lambda h: self._nvml.nvmlDeviceGetMemoryInfo(h).total, handle)
            busy = self._busy(index, handle)
            with contextlib.suppress(self._nvml.NVMLError):
                for process in self._nvml.nvmlDeviceGetComputeRunningProcesses(handle):
                    used = process.usedGpuMemory
                    percent = math.nan if used is None else 100.0 * used / total
                    found[process.pid] = ProcessOnGpu(index, busy.get(process.pid, math.nan), percent)
        return found

    def close(self) -> None:
        """Give the library back."""
        if self._nvml is not None:
            self._nvml.nvmlShutdown()
            self._nvml, self._handles = None, []

    def _busy(self, index: int, handle: Any) -> dict[int, float]:
        try:
            samples = self._nvml.nvmlDeviceGetProcessUtilization(handle, self._seen_until.get(index, 0))
        except self._nvml.NVMLError:
            return {}
        self._seen_until[index] = max((s.timeStamp for s in samples), default=self._seen_until.get(index, 0))
        newest = sorted(samples, key=lambda s: s.timeStamp)
        return {sample.pid: float(sample.smUtil) for sample in newest}

    def _look_at(self, index: int, handle: Any) -> GpuNow:
        nvml = self._nvml
        name = nvml.nvmlDeviceGetName(handle)
        total = self._ask(lambda h: nvml.nvmlDeviceGetMemoryInfo(h).total, handle)
        used = self._ask(lambda h: nvml.nvmlDeviceGetMemoryInfo(h).used, handle)
        return GpuNow(
            index=index,
            name=name.decode() if isinstance(name, bytes) else str(name),
            memory_bytes=total,
            percent=self._ask(lambda h: nvml.nvmlDeviceGetUtilizationRates(h).gpu, handle),
            memory_percent=100.0 * used / total,
            clock_hz=1e6 * self._ask(lambda h: nvml.nvmlDeviceGetClockInfo(h, nvml.NVML_CLOCK_SM), handle),
            power_w=1e-3 * self._ask(nvml.nvmlDeviceGetPowerUsage, handle),
            temperature_c=self._ask(lambda h: nvml.nvmlDeviceGetTemperature(h, nvml.NVML_TEMPERATURE_GPU), handle),
        )

    def _ask(self, question: Callable[[Any], Any], handle: Any) -> float:
        try:
            return float(question(handle))
        except self._nvml.NVMLError:
            return math.nan
