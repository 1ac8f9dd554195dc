"""The counters of this host as sources of energy: NVIDIA's for GPUs, RAPL for the processor and its memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hedgerow_nodes.estimators.devices.nvml import Gpu, NvmlUnavailable, read_gpus
from hedgerow_nodes.estimators.devices.rapl import POWERCAP, Rapl, RaplUnavailable
from hedgerow_nodes.estimators.energy.meter import Component, SourceUnavailable, Window
from hedgerow_nodes.estimators.energy.methods import NVML_COUNTER, NVML_POWER, RAPL_COUNTER, EnergyMethod
from hedgerow_nodes.estimators.figure import Figure


class NvmlSource:
    """All NVIDIA GPUs of the host, whoever uses them: the energy counters of the driver.

    Of a GPU without such a counter (older than Volta) the power is read before and after the work, and their mean
    times the time is the energy. A GPU that tells neither makes the sum unknown, not smaller.

    Args:
        library: the module `pynvml`, or one that answers like it; imported when left out.
    """

    name = NVML_COUNTER.name

    def __init__(self, library: Any = None) -> None:
        self._library = library
        self._before: list[Gpu] = []

    def begin(self) -> None:
        """Read the counters."""
        self._before = self._read()
        if not self._before:
            raise SourceUnavailable("the driver lists no GPU")

    def end(self, window: Window) -> Mapping[Component, Figure]:
        """Read them again."""
        after = self._read()
        if [gpu.name for gpu in after] != [gpu.name for gpu in self._before]:
            raise SourceUnavailable("the list of GPUs changed during the work")
        pairs = list(zip(self._before, after, strict=True))
        joules, method = 0.0, NVML_COUNTER
        for before, now in pairs:
            used_j, used_method = _gpu_joules(before, now, window)
            joules += used_j
            method = max(method, used_method, key=lambda one: one.factor)
        source = f"NVML, {len(pairs)} GPU(s): {', '.join(gpu.name for gpu in after)}; {method.words}"
        return {"gpu": Figure(method.interval(joules), method.name, source)}

    def _read(self) -> list[Gpu]:
        try:
            return read_gpus(self._library)
        except NvmlUnavailable as unavailable:
            raise SourceUnavailable(str(unavailable)) from unavailable


def _gpu_joules(before: Gpu, after: Gpu, window: Window) -> tuple[float, EnergyMethod]:
    counted = after.energy_j - before.energy_j
    if counted < 0:
        raise SourceUnavailable(f"the counter of {after.name} began anew during the work: the driver was loaded again")
    if not math.isnan(counted):
        return counted, NVML_COUNTER
    power_w = (before.power_w + after.power_w) / 2
    if math.isnan(power_w):
        raise SourceUnavailable(f"{after.name} has neither an energy counter nor a reading of its power")
    return power_w * window.seconds, NVML_POWER


class RaplSource:
    """All processor packages of the host, whoever uses them, and their memory where it has counters of its own."""

    name = RAPL_COUNTER.name

    def __init__(self, root: Path = POWERCAP, open_tree: Callable[[Path], Rapl] = Rapl) -> None:
        self._root, self._open = root, open_tree
        self._rapl: Rapl | None = None
        self._before: dict[str, int] = {}

    def begin(self) -> None:
        """Find the counters and read them."""
        try:
            self._rapl = self._open(self._root)
            self._before = self._rapl.read_uj()
        except RaplUnavailable as unavailable:
            raise SourceUnavailable(str(unavailable)) from unavailable

    def end(self, window: Window) -> Mapping[Component, Figure]:
        """Read them again."""
        if self._rapl is None:
            raise SourceUnavailable("the counters were not read before the work; call begin first")
        try:
            after = self._rapl.read_uj()
        except RaplUnavailable as unavailable:
            raise SourceUnavailable(str(unavailable)) from unavailable
        source = f"RAPL, {len(self._rapl.domains)} package(s), all processes; {RAPL_COUNTER.words}"
        found: dict[Component, Figure] = {
            "cpu": _counted(self._rapl.joules_between(self._before, after), source),
        }
        if self._rapl.memory_domains:
            memory = f"RAPL, {len(self._rapl.memory_domains)} memory domain(s), all processes; {RAPL_COUNTER.words}"
            found["ram"] = _counted(self._rapl.memory_joules_between(self._before, after), memory)
        return found


def _counted(joules: float, source: str) -> Figure:
    return Figure(RAPL_COUNTER.interval(joules), RAPL_COUNTER.name, source)
