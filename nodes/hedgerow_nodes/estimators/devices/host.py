"""What the host of a node has: processor, cores, memory and GPUs, as `HostFacts`."""

from __future__ import annotations

import functools
import logging
import platform

import psutil

from hedgerow_idl import HostFacts
from hedgerow_nodes.estimators.devices.host_device import Host, this_host
from hedgerow_nodes.estimators.devices.nvml import NvmlUnavailable, read_gpus

logger = logging.getLogger(__name__)


def host_facts(host: Host | None = None) -> HostFacts:
    """Look at this host; only the memory that is free changes from call to call."""
    known = host or this_host()
    names = gpu_names() if host is None else tuple(gpu.name for gpu in host.gpus)
    return HostFacts(
        host=known.name,
        cpu=known.cpu or platform.machine(),
        physical_cores=known.cores,
        logical_cores=psutil.cpu_count() or known.cores,
        memory_bytes=known.memory_bytes,
        available_memory_bytes=float(psutil.virtual_memory().available),
        gpus=list(names),
    )


@functools.cache
def gpu_names() -> tuple[str, ...]:
    """The GPUs that NVML lists, none where it is missing; the reason is logged, once."""
    try:
        return tuple(gpu.name for gpu in read_gpus())
    except NvmlUnavailable as missing:
        logger.info("no GPU is listed: %s", missing)
        return ()
