"""The energy of one inference on this host as codecarbon would count it, instead of by our own method."""

from __future__ import annotations

import math
import platform
from dataclasses import dataclass

import psutil

from hedgerow_idl import HWResources, MLModel
from hedgerow_nodes.estimators.carbon.components import Components
from hedgerow_nodes.estimators.devices.catalogue import device_within, load_devices
from hedgerow_nodes.estimators.devices.host_device import HOST_ID, Host, this_host
from hedgerow_nodes.estimators.energy.codecarbon_method import Mode, Work, codecarbon_energy
from hedgerow_nodes.estimators.energy.methods import CODECARBON
from hedgerow_nodes.estimators.figure import Figure

ARM = ("arm", "aarch")


@dataclass(frozen=True)
class CodecarbonSettings:
    """What codecarbon is told: mode, rated power, threads and power of memory; None is found out or guessed."""

    mode: Mode = "process"
    rated_w: float | None = None
    threads: int | None = None
    ram_w: float | None = None


def codecarbon_account(
    hardware: HWResources, model: MLModel, settings: CodecarbonSettings, host: Host | None = None
) -> tuple[Components | None, Figure | None, str]:
    """Components, their sum in joules, and a remark; without figures where codecarbon could not count, with the reason.

    codecarbon measures the computer on which a model runs, so it has nothing to say of another device.
    """
    here = this_host() if host is None else host
    if hardware.chosen != HOST_ID or model.calibration.host not in ("", here.name):
        reason = "it counts only the computer that a model runs on, and that is not the device chosen here"
        return None, None, f"codecarbon's method was asked for and not used: {reason}."
    if not (model.latency_s.value > 0 and model.cpu_time_s.value >= 0):
        return None, None, "codecarbon's method was asked for and not used: the model was not run here."
    rated_w, origin = _rated(here, settings)
    process = settings.mode == "process"
    memory_bytes = model.peak_memory_bytes.value if process else float(psutil.virtual_memory().total)
    work = Work(
        wall_s=model.latency_s.value,
        cpu_s=model.cpu_time_s.value,
        threads=settings.threads or psutil.cpu_count() or 1,
        memory_bytes=0.0 if math.isnan(memory_bytes) else memory_bytes,
    )
    arm = platform.machine().lower().startswith(ARM)
    energy = codecarbon_energy(work, settings.mode, rated_w=rated_w, ram_w=settings.ram_w, arm=arm)
    parts = (
        _figure(joules, f"{formula}; {origin}")
        for joules, formula in ((energy.cpu_j, energy.cpu_formula), (energy.ram_j, energy.ram_formula))
    )
    cpu_j, ram_j = parts
    whole = _figure(energy.cpu_j + energy.ram_j, f"processor {energy.cpu_formula} + memory {energy.ram_formula}")
    remark = (
        f"By codecarbon's method, mode {settings.mode}: processor {energy.cpu_formula} ({origin}), "
        f"memory {energy.ram_formula}; an idle GPU is not counted."
    )
    return Components(cpu_j, None, ram_j, remark, ram_counted=True), whole, remark


def _rated(host: Host, settings: CodecarbonSettings) -> tuple[float | None, str]:
    if settings.rated_w is not None:
        return settings.rated_w, "rated power from the node's configuration"
    device = device_within(host.cpu, load_devices())
    if device is not None and not math.isnan(device.power_w):
        return device.power_w, f"rated power: {device.sources.get('power_w', device.name)}"
    return None, "the processor is unknown, so 4 W a thread"


def _figure(joules: float, source: str) -> Figure:
    return Figure(CODECARBON.interval(joules), CODECARBON.name, f"{source}; {CODECARBON.words}")
