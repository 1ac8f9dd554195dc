"""The GPUs of this machine, by NVIDIA's management library where it is there: what they are and what they do now."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from hedgerow_nodes.estimators.devices.nvml import name_of, told

_NOT_FOUND = 6
"""`NVML_ERROR_NOT_FOUND`, as its header has it."""

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
    """One process on one GPU; `percent` of the GPU's time since the last look, NaN where the driver does not tell."""

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
        self._names: list[str] = []
        self._seen_until: dict[int, int] = {}
        if library is None and find_spec("pynvml") is None:
            log.info("worker: no GPU is looked at: the module pynvml is missing; install nvidia-ml-py")
            return
        library = import_module("pynvml") if library is None else library
        try:
            library.nvmlInit()
            self._handles = [library.nvmlDeviceGetHandleByIndex(i) for i in range(library.nvmlDeviceGetCount())]
            # Asked once: of a GPU that is lost later, what it is called is known still.
            self._names = [name_of(library, handle) for handle in self._handles]
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
            try:
                running = self._nvml.nvmlDeviceGetComputeRunningProcesses(handle)
            except self._nvml.NVMLError:
                continue
            busy = self._busy(index, handle, {process.pid for process in running})
            for process in running:
                used = self._ask(lambda one: one.usedGpuMemory, process)
                found[process.pid] = ProcessOnGpu(index, busy.get(process.pid, math.nan), _percent(used, total))
        return found

    def close(self) -> None:
        """Give the library back."""
        if self._nvml is not None:
            self._nvml.nvmlShutdown()
            self._nvml, self._handles = None, []

    def _busy(self, index: int, handle: Any, running: Collection[int]) -> dict[int, float]:
        """The share of each process; the driver tells of those alone that did something, so the others did nothing."""
        try:
            samples = self._nvml.nvmlDeviceGetProcessUtilization(handle, self._seen_until.get(index, 0))
        except self._nvml.NVMLError as error:
            # "Not found": it keeps samples, and there is none since the last look.
            is_idle = getattr(error, "value", None) == _NOT_FOUND
            return dict.fromkeys(running, 0.0) if is_idle else {}
        self._seen_until[index] = max((s.timeStamp for s in samples), default=self._seen_until.get(index, 0))
        newest = sorted(samples, key=lambda s: s.timeStamp)
        # Some drivers tell more than all of it at times, which says nothing.
        shares = {one.pid: float(one.smUtil) if 0 <= one.smUtil <= 100 else math.nan for one in newest}
        # In a container samples may have the numbers that processes have outside; then who did nothing is not known.
        are_ours = not shares or any(pid in shares for pid in running)
        return {pid: shares.get(pid, 0.0 if are_ours else math.nan) for pid in running}

    def _look_at(self, index: int, handle: Any) -> GpuNow:
        nvml = self._nvml
        total = self._ask(lambda h: nvml.nvmlDeviceGetMemoryInfo(h).total, handle)
        used = self._ask(lambda h: nvml.nvmlDeviceGetMemoryInfo(h).used, handle)
        return GpuNow(
            index=index,
            name=self._names[index],
            memory_bytes=total,
            percent=self._ask(lambda h: nvml.nvmlDeviceGetUtilizationRates(h).gpu, handle),
            memory_percent=_percent(used, total),
            clock_hz=1e6 * self._ask(lambda h: nvml.nvmlDeviceGetClockInfo(h, nvml.NVML_CLOCK_SM), handle),
            power_w=1e-3 * self._ask(nvml.nvmlDeviceGetPowerUsage, handle),
            temperature_c=self._ask(lambda h: nvml.nvmlDeviceGetTemperature(h, nvml.NVML_TEMPERATURE_GPU), handle),
        )

    def _ask(self, question: Callable[[Any], Any], handle: Any) -> float:
        return told(self._nvml, question, handle)


def _percent(used: float, total: float) -> float:
    """NaN of a GPU without memory of its own, which some drivers tell as 0."""
    return 100.0 * used / total if total else math.nan
