"""The energy of processor, GPU and memory apart, as far as the figure for the device tells them apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hedgerow_idl import HWResources
from hedgerow_nodes.estimators.devices.catalogue import Device, load_devices
from hedgerow_nodes.estimators.devices.host_device import HOST_ID
from hedgerow_nodes.estimators.energy.methods import DEFAULT
from hedgerow_nodes.estimators.figure import Figure
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.quantity_text import quantity

# 3 W for 8 GB of DDR3 or DDR4 (Crucial, "How much power does memory use?").
W_PER_GB = 0.375
BYTES_PER_GB = 1e9


@dataclass(frozen=True)
class Components:
    """Joules of one inference by component, None where nobody can tell, and what to say about it.

    `ram_counted` says that the memory's is part of the whole; else it is an estimate beside it.
    """

    cpu_j: Figure | None
    gpu_j: Figure | None
    ram_j: Figure | None
    remark: str
    ram_counted: bool = False


def components_of(hardware: HWResources, energy_j: Figure, latency_s: Figure, *, count_memory: bool) -> Components:
    """Tell the components apart by what the device's power covers: its processor, its card, or all of a board.

    Args:
        hardware: the device chosen.
        energy_j, latency_s: of one inference on it.
        count_memory: whether the estimate for the memory shall be part of the whole.
    """
    scope = _scope(hardware.chosen)
    if scope == "processor":
        ram_j, formula = ram_energy_j(hardware.memory_required_bytes.value, latency_s)
        counted = count_memory and ram_j is not None
        return Components(energy_j, None, ram_j, _memory_remark(formula, counted), counted)
    if scope == "card":
        remark = "All of it is the card's, its memory included; the computer around it is not known."
        return Components(None, energy_j, None, remark)
    what = f"the whole {scope}" if scope else "the device"
    return Components(None, None, None, f"Processor, GPU and memory are not told apart: the power is that of {what}.")


def ram_energy_j(memory_bytes: float, latency_s: Figure) -> tuple[Figure | None, str]:
    """Energy of the memory that a model holds, and its formula: 0.375 W a GB x memory x time; None where unknown."""
    if not 0 <= memory_bytes < math.inf:
        return None, ""
    watts = DEFAULT.interval(W_PER_GB * memory_bytes / BYTES_PER_GB)
    joules = watts * latency_s.interval
    product = f"{W_PER_GB:g} W/GB x {memory_bytes / BYTES_PER_GB:.3g} GB x {latency_s.interval.value:.3g} s"
    formula = f"{product} = {quantity(joules.value, 'J')}"
    return Figure(joules, DEFAULT.name, f"assumed {formula} (3 W for 8 GB, Crucial); {DEFAULT.words}"), formula


def with_memory(components: Components, energy_j: Figure) -> Figure:
    """The energy of the whole: the device's, and the memory's where it is counted."""
    ram_j = components.ram_j
    if ram_j is None or not components.ram_counted:
        return energy_j
    both: Interval = energy_j.interval + ram_j.interval
    return Figure(both, f"{energy_j.method} + {ram_j.method} for memory", f"{energy_j.source}; {ram_j.source}")


def _memory_remark(formula: str, counted: bool) -> str:
    if not formula:
        return "The energy of the memory is unknown and not counted."
    place = "is part of the energy above" if counted else "is a guess beside the energy above and not part of it"
    return f"Memory: {formula}; it {place}."


def _scope(device_id: str) -> str:
    if device_id == HOST_ID:
        return "processor"
    device: Device | None = next((device for device in load_devices() if device.id == device_id), None)
    return "" if device is None else device.power_scope
