"""This host as a device: what it has, of which class it is, and what the model that was run here cost."""

from __future__ import annotations

import functools
import math
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import psutil

from hedgerow_nodes.estimators.devices.catalogue import Device, UnknownDevice, find_device
from hedgerow_nodes.estimators.devices.nvml import Gpu, NvmlUnavailable, read_gpus

HOST_ID = "this-host"
HOST_NAMES = frozenset({HOST_ID, "this host", "this computer", "this machine", "localhost", "host"})

# System Management BIOS reference specification 3.7, table 17: chassis types.
_CHASSIS: Mapping[int, str] = MappingProxyType(
    dict.fromkeys((3, 4, 5, 6, 7, 13, 15, 16, 24, 35), "desktop")
    | dict.fromkeys((8, 9, 10, 14, 31, 32), "laptop")
    | dict.fromkeys((17, 23, 25, 28, 29), "server")
    | dict.fromkeys((33, 34, 36), "edge")
    | {11: "mobile", 30: "mobile"}
)


@dataclass(frozen=True)
class HostFiles:
    """Where the kernel tells about the machine."""

    chassis: Path = Path("/sys/class/dmi/id/chassis_type")
    board: Path = Path("/proc/device-tree/model")
    cpuinfo: Path = Path("/proc/cpuinfo")
    memory_limit: Path = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class Host:
    """The machine that this process runs on; `device_class` is empty where nothing tells it."""

    name: str
    cpu: str
    cores: int
    memory_bytes: float
    device_class: str
    gpus: tuple[Gpu, ...]

    def device(self) -> Device:
        """The same as an entry of the catalogue, without peaks: what runs here is measured."""
        classes = (*((self.device_class,) if self.device_class else ()), "cpu")
        return Device(
            id=HOST_ID,
            name=f"this host ({self.cpu or self.name}, {self.cores} cores)",
            device_class=self.device_class,
            classes=classes,
            power_scope="processor",
            memory_bytes=self.memory_bytes,
            sources={"memory_bytes": "the operating system of this host"},
        )


def describe_host(paths: HostFiles | None = None, library: Any = None) -> Host:
    """Look at this machine.

    Args:
        paths: the kernel's files.
        library: the module `pynvml`, or one that answers like it.
    """
    where = paths or HostFiles()
    limit = _number(where.memory_limit)
    total = float(psutil.virtual_memory().total)
    try:
        gpus = tuple(read_gpus(library))
    except NvmlUnavailable:
        gpus = ()
    return Host(
        name=platform.node() or "localhost",
        cpu=_cpu_name(where.cpuinfo),
        cores=psutil.cpu_count(logical=False) or psutil.cpu_count() or 1,
        memory_bytes=total if math.isnan(limit) else min(total, limit),
        device_class=_device_class(where),
        gpus=gpus,
    )


@functools.cache
def this_host() -> Host:
    """This machine, looked at once: what it has does not change while the process lives."""
    return describe_host()


def gpu_devices(host: Host, devices: Iterable[Device]) -> list[Device]:
    """The host's GPUs that the catalogue knows, each with its own power limit and memory in place of the document's."""
    known = tuple(devices)
    found: dict[str, Device] = {}
    for gpu in host.gpus:
        try:
            entry = find_device(gpu.name, known)
        except UnknownDevice:
            continue
        changes: dict[str, Any] = {"name": f"{entry.name} (in this host)"}
        sources = dict(entry.sources)
        for field, value in (("power_w", gpu.power_limit_w), ("memory_bytes", gpu.memory_bytes)):
            if not math.isnan(value):
                changes[field] = value
                sources[field] = "NVML of this host"
        found[entry.id] = msgspec.structs.replace(entry, **changes, sources=sources)
    return list(found.values())


def _device_class(paths: HostFiles) -> str:
    # Boards with a device tree are single-board and embedded computers; servers and desktops have a BIOS.
    if paths.board.exists():
        return "edge"
    chassis = _number(paths.chassis)
    return "" if math.isnan(chassis) else _CHASSIS.get(int(chassis), "")


def _cpu_name(cpuinfo: Path) -> str:
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    match = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", text, re.MULTILINE)
    return match.group(1).strip() if match else platform.processor()


def _number(file: Path) -> float:
    """The number in a file; NaN where there is no such file, or a word such as `max` in it."""
    try:
        return float(int(file.read_text(encoding="ascii").strip()))
    except (OSError, ValueError):
        return math.nan
