"""What this machine can do, as a worker announces it: cores, clock, memory, disk, GPUs, enclaves, run-times."""

from __future__ import annotations

import importlib.util
import math
import platform
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from hedgerow_idl.plan import HandlerDescription
from hedgerow_idl.serve import Gpu, Resource, WorkerInfo
from hedgerow_nodes.core.identity import Identity
from hedgerow_nodes.worker_side.configuration import HOST_LABEL, WorkerConfiguration
from hedgerow_nodes.worker_side.cpu_limit import usable_cores
from hedgerow_nodes.worker_side.gpus import GpuNow

TEE_DEVICES = ("dev/sgx_enclave", "dev/isgx", "dev/sev-guest", "dev/tdx_guest", "dev/tdx-guest", "dev/nitro_enclaves")
"""Devices by which a process enters, or attests that it is in, a trusted execution environment (Linux names)."""

TPM_PLACES = ("dev/tpm0", "dev/tpmrm0", "sys/class/tpm/tpm0")


@dataclass(frozen=True)
class Machine:
    """What does not change while a worker runs; NaN is unknown."""

    cores: int
    usable_cores: float
    clock_hz: float
    memory_bytes: int
    disk_bytes: int
    cpu_name: str
    host_id: str
    has_tee: bool
    has_tpm: bool
    execution_providers: tuple[str, ...]


def look_at_machine(folder: Path, root: Path = Path("/")) -> Machine:
    """Look once.

    Args:
        folder: where the worker keeps its files; its disk is the one that counts.
        root: of the file system in which `/dev`, `/sys` and `/proc` are looked up.
    """
    # Those that the process may run on: a launch file may have given it a part of the machine.
    cores = len(psutil.Process().cpu_affinity())
    return Machine(
        cores=cores,
        usable_cores=usable_cores(cores, root),
        clock_hz=_clock_hz(root),
        memory_bytes=psutil.virtual_memory().total,
        disk_bytes=psutil.disk_usage(str(folder)).total,
        cpu_name=_of_cpuinfo(root, "model name") or platform.processor() or platform.machine(),
        host_id=_host_id(root),
        has_tee=any((root / place).exists() for place in TEE_DEVICES),
        has_tpm=any((root / place).exists() for place in TPM_PLACES),
        execution_providers=_execution_providers(),
    )


def worker_info(
    identity: Identity,
    machine: Machine,
    gpus: Iterable[GpuNow],
    configuration: WorkerConfiguration,
    catalogue: Sequence[HandlerDescription],
) -> WorkerInfo:
    """The announcement."""
    wanted = configuration.execution_providers
    has = machine.execution_providers
    limit_bytes = configuration.memory_limit_bytes or machine.memory_bytes
    return WorkerInfo(
        node_id=identity.node_id,
        incarnation=identity.incarnation,
        cores=machine.cores,
        usable_cores=machine.usable_cores,
        clock_hz=machine.clock_hz,
        memory_bytes=min(machine.memory_bytes, limit_bytes),
        disk_bytes=machine.disk_bytes,
        has_tee=machine.has_tee,
        has_tpm=machine.has_tpm,
        refresh_deadline_s=configuration.refresh_deadline_s,
        host_id=machine.host_id,
        cpu_name=machine.cpu_name,
        catalogue=msgspec.json.encode(list(catalogue)).decode(),
        gpus=[
            Gpu(name=gpu.name, memory_bytes=0 if math.isnan(gpu.memory_bytes) else int(gpu.memory_bytes))
            for gpu in gpus
        ],
        labels=[HOST_LABEL + socket.gethostname(), *configuration.labels],
        run_times=list(configuration.run_times),
        execution_providers=[name for name in wanted if name in has] if wanted else list(has),
        resources=[
            Resource(
                provider_id=table.provider_id,
                class_type=table.class_type,
                outputs=list(table.outputs),
                configuration=msgspec.json.encode(table.configuration).decode(),
            )
            for table in configuration.resources
        ],
    )


def trouble_with(configuration: WorkerConfiguration, machine: Machine) -> str:
    """Why a worker on this machine cannot be what it is told to be; empty if it can."""
    absent = [name for name in configuration.execution_providers if name not in machine.execution_providers]
    if absent:
        known = ", ".join(machine.execution_providers) or "none: onnxruntime is not installed"
        return f"execution_providers hold {absent[0]!r}; known here: {known}"
    for module in configuration.handler_modules:
        try:
            found = importlib.util.find_spec(module)
        except (ImportError, ValueError):
            found = None
        if found is None:
            return f"handler_modules hold {module!r}, which cannot be found; put its folder on PYTHONPATH"
    return ""


def _execution_providers() -> tuple[str, ...]:
    try:
        from hedgerow_nodes.estimators.onnx_runtime import runtime

        return tuple(runtime().get_available_providers())
    except ImportError:
        return ()


def _clock_hz(root: Path) -> float:
    try:
        frequency = psutil.cpu_freq()
    except (OSError, NotImplementedError):
        frequency = None
    mhz = max(frequency.max, frequency.current) if frequency else 0.0
    text = _of_cpuinfo(root, "cpu MHz")
    if not mhz and text:
        mhz = float(text)
    return mhz * 1e6 if mhz else math.nan


def _of_cpuinfo(root: Path, name: str) -> str:
    try:
        lines = (root / "proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    found = (line.partition(":")[2].strip() for line in lines if line.startswith(name))
    return next(found, "")


def _host_id(root: Path) -> str:
    """One for each running kernel: containers that share its cores share it, and two machines never do."""
    try:
        return (root / "proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()
