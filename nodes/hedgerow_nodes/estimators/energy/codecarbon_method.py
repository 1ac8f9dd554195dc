"""The figures that codecarbon 3.3 would give where it has no counter: its formulas, written anew from its documents.

codecarbon counts rated power times load for the processor, and a constant power of memory by the number of modules. We
think its memory too heavy and its lowest load arbitrary; this is for those who have to compare with its figures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Mode = Literal["process", "machine"]

UNKNOWN_PROCESSOR_W_PER_THREAD = 4.0
BYTES_PER_GB = 1024.0**3
MODULE_SIZES_GB = (128, 64, 32, 16, 8, 4)
MODULE_W = 5.0
ARM_MODULE_W = 1.5
ARM_LEAST_W = 3.0
MACHINE_IDLE_SHARE = 0.1
# Power of each further module over that of the first four, by the number of the module.
MODULE_STEPS = ((4, 1.0), (4, 0.9), (8, 0.8), (16, 0.7))


@dataclass(frozen=True)
class Work:
    """What codecarbon sees of some work.

    Attributes:
        wall_s: how long it took, above 0.
        cpu_s: processor time of the process (mode `process`) or of all processes (mode `machine`).
        threads: logical cores of the machine, at least 1.
        memory_bytes: of the process (mode `process`) or the machine's (mode `machine`).
    """

    wall_s: float
    cpu_s: float
    threads: int
    memory_bytes: float


@dataclass(frozen=True)
class CodecarbonEnergy:
    """Joules of processor and memory, each with its formula in numbers."""

    cpu_j: float
    ram_j: float
    cpu_formula: str
    ram_formula: str


def codecarbon_energy(
    work: Work, mode: Mode, *, rated_w: float | None = None, ram_w: float | None = None, arm: bool = False
) -> CodecarbonEnergy:
    """Energy by codecarbon's formulas.

    Args:
        work: what was done.
        mode: codecarbon's `tracking_mode`.
        rated_w: rated power of the processor; where it is unknown, 4 W a thread.
        ram_w: its `force_ram_power`; None takes its estimate from the size.
        arm: whether the processor is an ARM, whose memory counts less.

    Raises:
        ValueError: the time or the number of threads is not above 0.
    """
    if not (work.wall_s > 0 and work.threads > 0):
        raise ValueError(f"wall_s {work.wall_s!r} and threads {work.threads!r} must be above 0")
    watts = UNKNOWN_PROCESSOR_W_PER_THREAD * work.threads if rated_w is None else rated_w
    load = work.cpu_s / (work.wall_s * work.threads)
    share = load if mode == "process" else MACHINE_IDLE_SHARE + (1 - MACHINE_IDLE_SHARE) * min(load, 1.0) ** 3
    law = f"load {load:.3g}" if mode == "process" else f"(0.1 + 0.9 x {load:.3g}^3)"
    memory_w = ram_power_w(work.memory_bytes / BYTES_PER_GB, arm=arm) if ram_w is None else ram_w
    return CodecarbonEnergy(
        cpu_j=watts * share * work.wall_s,
        ram_j=memory_w * work.wall_s,
        cpu_formula=f"{watts:g} W x {law} x {work.wall_s:.3g} s",
        ram_formula=f"{memory_w:g} W x {work.wall_s:.3g} s",
    )


def ram_power_w(memory_gb: float, *, arm: bool = False) -> float:
    """Constant power of so much memory: 5 W a module (ARM: 1.5 W), less for each beyond the fourth, at least two.

    The number of modules is guessed from the size.
    """
    each_w = ARM_MODULE_W if arm else MODULE_W
    left, total_w = module_count(memory_gb), 0.0
    for count, share in MODULE_STEPS:
        total_w += min(left, count) * each_w * share
        left -= min(left, count)
    return max(ARM_LEAST_W if arm else 2 * MODULE_W, total_w)


def module_count(memory_gb: float) -> int:
    """How many modules codecarbon takes so much memory for."""
    for largest_gb, count in ((2, 1), (16, 2), (64, 4), (128, 8)):
        if memory_gb <= largest_gb:
            return count
    size_gb = next(size for size in MODULE_SIZES_GB if size <= memory_gb / 8)
    return min(32, math.ceil(memory_gb / size_gb))
