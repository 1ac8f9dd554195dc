"""The ways in which energy is found: one table with each method's factor, its mark, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from hedgerow_nodes.estimators.interval import Interval

Mark = Literal["validated", "assumed"]
PRODUCT = " x "


@dataclass(frozen=True)
class EnergyMethod:
    """One way to find an energy or a power.

    Attributes:
        name: the label that a figure carries.
        factor: how far the truth may be from the figure, both ways, at least 1.
        mark: `validated` where the factor was compared with a meter, else `assumed`.
        basis: what the figure rests on.
    """

    name: str
    factor: float
    mark: Mark
    basis: str

    @property
    def words(self) -> str:
        """The interval in words, for a figure's source."""
        return f"interval x/÷ {self.factor:g}, {self.mark}"

    def interval(self, value: float) -> Interval:
        """A figure found this way, with its interval."""
        return Interval.within_factor(value, self.factor)


# Best first, and asked in this order. None is marked `validated`: that takes a meter at the plug beside the counter,
# which nobody has read for this table. Who has one changes the factor and the mark here, and nowhere else.
_TABLE = (
    EnergyMethod("nvml_counter", 1.1, "assumed", "the energy counter of an NVIDIA GPU, over the work itself"),
    EnergyMethod("rapl_counter", 1.1, "assumed", "the energy counters of the processor, over the work itself"),
    EnergyMethod("rapl_probe", 1.5, "assumed", "the same counters over another load, times processor time"),
    EnergyMethod("nvml_power", 2.0, "assumed", "readings of a GPU's power before and after the work, times time"),
    EnergyMethod("load_scaled_tdp", 2.0, "assumed", "rated power between idle and full load, times time"),
    EnergyMethod("declared", 4.0, "assumed", "what an operator states"),
    EnergyMethod("default", 4.0, "assumed", "a usual figure, where nothing is known"),
    EnergyMethod("codecarbon", 4.0, "assumed", "codecarbon's formulas: rated power x load, constant power of memory"),
    EnergyMethod("codecarbon_backend", 4.0, "assumed", "the package codecarbon, whatever it found to read"),
    EnergyMethod("carbontracker_backend", 4.0, "assumed", "the package carbontracker, whatever it found to read"),
)
METHODS: Mapping[str, EnergyMethod] = MappingProxyType({method.name: method for method in _TABLE})

NVML_COUNTER = METHODS["nvml_counter"]
NVML_POWER = METHODS["nvml_power"]
RAPL_COUNTER = METHODS["rapl_counter"]
RAPL_PROBE = METHODS["rapl_probe"]
LOAD_SCALED_TDP = METHODS["load_scaled_tdp"]
DECLARED = METHODS["declared"]
DEFAULT = METHODS["default"]
CODECARBON = METHODS["codecarbon"]
CODECARBON_BACKEND = METHODS["codecarbon_backend"]
CARBONTRACKER_BACKEND = METHODS["carbontracker_backend"]


def methods_in(label: str) -> list[EnergyMethod]:
    """The methods that a figure's label names: `measured x rapl_probe` names one."""
    parts = (word for part in label.split(PRODUCT) for word in part.split(" + "))
    return [METHODS[part] for part in parts if part in METHODS]
