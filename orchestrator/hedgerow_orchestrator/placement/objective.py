"""What a placement is to be good at: items a second, the time of one item, energy, or a weighted sum of them."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Objective:
    """A value to make small: `bottleneck x bottleneck_s + latency x latency_s + energy x energy_j`.

    Attributes:
        bottleneck: weight of the seconds between two items, the slowest of nodes, links and shared cores.
        latency: weight of the seconds that one item is under way.
        energy: weight of the joules of one item.
    """

    bottleneck: float = 0.0
    latency: float = 0.0
    energy: float = 0.0

    def __post_init__(self) -> None:
        for name, weight in (("bottleneck", self.bottleneck), ("latency", self.latency), ("energy", self.energy)):
            if not (math.isfinite(weight) and weight >= 0):
                raise ValueError(f"weight of {name} is {weight!r}; a weight is 0 or more")
        if self.bottleneck == self.latency == self.energy == 0:
            raise ValueError("all weights of the objective are 0; give one at least")

    @property
    def name(self) -> str:
        """`throughput`, `latency`, `energy`, or `weighted` where several weights count."""
        weights = {"throughput": self.bottleneck, "latency": self.latency, "energy": self.energy}
        counted = [name for name, weight in weights.items() if weight]
        return counted[0] if len(counted) == 1 else "weighted"

    @property
    def unit(self) -> str:
        """The unit of the value; empty for a weighted sum and for a weight other than 1."""
        units = {(1.0, 0.0, 0.0): "s", (0.0, 1.0, 0.0): "s", (0.0, 0.0, 1.0): "J"}
        return units.get((self.bottleneck, self.latency, self.energy), "")

    def value(self, bottleneck_s: float, latency_s: float, energy_j: float) -> float:
        """The value of a placement with these three; one that has no weight may be unknown."""
        parts = ((self.bottleneck, bottleneck_s), (self.latency, latency_s), (self.energy, energy_j))
        return sum(weight * part for weight, part in parts if weight)


THROUGHPUT = Objective(bottleneck=1)
LATENCY = Objective(latency=1)
ENERGY = Objective(energy=1)
