"""What NVIDIA's management library says about the GPUs of this host: name, memory, power, limit, energy counter."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# NVML_VALUE_NOT_AVAILABLE, -1 in an unsigned field of 32 or 64 bits: no error, and no figure either.
_NOT_AVAILABLE = (2**32 - 1, 2**64 - 1)


class NvmlUnavailable(Exception):
    """The library or the driver is not there; the message says which."""


@dataclass(frozen=True)
class Gpu:
    """One GPU, now. What the driver does not tell is NaN; the energy counter runs since the driver was loaded."""

    name: str
    memory_bytes: float
    power_w: float
    power_limit_w: float
    energy_j: float


def read_gpus(library: Any = None) -> list[Gpu]:
    """Ask every GPU once.

    Args:
        library: the module `pynvml`, or one that answers like it; imported when left out.

    Raises:
        NvmlUnavailable: there is no such module, or no driver.
    """
    nvml = _import_library() if library is None else library
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        raise NvmlUnavailable(f"no NVIDIA driver answers: {error}") from error
    try:
        return [_read_gpu(nvml, nvml.nvmlDeviceGetHandleByIndex(i)) for i in range(nvml.nvmlDeviceGetCount())]
    except nvml.NVMLError as error:
        raise NvmlUnavailable(f"the GPUs cannot be listed: {error}") from error
    finally:
        nvml.nvmlShutdown()


def told(nvml: Any, question: Callable[[Any], Any], handle: Any) -> float:
    """The answer of a driver to one question; NaN where it has none, whichever way it says so."""
    try:
        answer = question(handle)
    except nvml.NVMLError:
        return math.nan
    return math.nan if answer is None or answer in _NOT_AVAILABLE else float(answer)


def name_of(nvml: Any, handle: Any) -> str:
    """What a GPU is called: older bindings answer in bytes; empty where the driver does not tell."""
    try:
        name = nvml.nvmlDeviceGetName(handle)
    except nvml.NVMLError:
        return ""
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)


def _import_library() -> Any:
    # An optional part: the package nvidia-ml-py is installed only where the extra `advice` is.
    try:
        import pynvml
    except ImportError as error:
        raise NvmlUnavailable("the module pynvml is missing; install nvidia-ml-py") from error
    return pynvml


def _read_gpu(nvml: Any, handle: Any) -> Gpu:
    def ask(question: Callable[[Any], Any], scale: float) -> float:
        return told(nvml, question, handle) * scale

    return Gpu(
        name=name_of(nvml, handle),
        memory_bytes=ask(lambda h: nvml.nvmlDeviceGetMemoryInfo(h).total, 1),
        power_w=ask(nvml.nvmlDeviceGetPowerUsage, 1e-3),
        power_limit_w=ask(nvml.nvmlDeviceGetEnforcedPowerLimit, 1e-3),
        energy_j=ask(nvml.nvmlDeviceGetTotalEnergyConsumption, 1e-3),
    )
