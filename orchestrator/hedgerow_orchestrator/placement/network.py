"""Links between nodes, each direction for itself: what was measured, how long ago, and what holds where nothing was."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Assumption:
    """What is taken for a link that was never measured; it should be worse than any that was."""

    bandwidth_bytes_per_s: float
    latency_s: float

    def __post_init__(self) -> None:
        if not (0 < self.bandwidth_bytes_per_s < np.inf and 0 <= self.latency_s < np.inf):
            raise ValueError(f"{self} is no link: the bandwidth is above 0, the latency 0 or more")


SLOW = Assumption(bandwidth_bytes_per_s=1e6, latency_s=0.05)
"""Of a link where none was ever measured: a slow one, so that it is never the cheap way out."""


def as_bad_as_the_worst(bandwidth_bytes_per_s: Numbers, latency_s: Numbers) -> Assumption:
    """What a link that was never measured is taken for: the worst of what was, NaN where nothing was; else `SLOW`."""
    if not np.isfinite(bandwidth_bytes_per_s).any():
        return SLOW
    return Assumption(float(np.nanmin(bandwidth_bytes_per_s)), float(np.nanmax(latency_s)))


@dataclass(frozen=True)
class Links:
    """All links, `[sender, receiver]`; the diagonal is never read, for within a node nothing is sent.

    Attributes:
        bandwidth_bytes_per_s: NaN where it was never measured.
        latency_s: until the first byte arrives; NaN where it was never measured.
        age_s: since the measurement; NaN where it was never measured.
        energy_j_per_byte: of sending; None where it is unknown, and then energy cannot be an objective.
        assumption: for links never measured; None makes them unusable. They are never free.
    """

    bandwidth_bytes_per_s: Numbers
    latency_s: Numbers
    age_s: Numbers | None = None
    energy_j_per_byte: Numbers | None = None
    assumption: Assumption | None = None
    measured: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        for name in ("bandwidth_bytes_per_s", "latency_s", "age_s", "energy_j_per_byte"):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, np.array(given, dtype=np.float64))
        known = np.isfinite(self.bandwidth_bytes_per_s) & np.isfinite(self.latency_s)
        object.__setattr__(self, "measured", known | np.eye(len(known), dtype=np.bool_))

    def check(self, nodes: tuple[str, ...]) -> None:
        """Refuse what is no link.

        Raises:
            ValueError: a table of another size, or an entry that is negative, zero or infinite, named.
        """
        size = (len(nodes), len(nodes))
        bounds = {
            "bandwidth_bytes_per_s": (0.0, False),
            "latency_s": (0.0, True),
            "age_s": (0.0, True),
            "energy_j_per_byte": (0.0, True),
        }
        for name, (least, is_included) in bounds.items():
            table = getattr(self, name)
            if table is None:
                continue
            if table.shape != size:
                raise ValueError(f"links.{name} is {table.shape}, and there are {len(nodes)} nodes: give {size}")
            bad = (table < least) | np.isinf(table) | ((table == least) & (not is_included))
            if name == "energy_j_per_byte":
                bad |= np.isnan(table)
            np.fill_diagonal(bad, False)
            for sender, receiver in np.argwhere(bad)[:1]:
                raise ValueError(
                    f"links.{name} from {nodes[sender]!r} to {nodes[receiver]!r} is {table[sender, receiver]}; give a "
                    f"number {'of at least' if is_included else 'above'} {least:g}, NaN where nothing was measured"
                )

    def seconds_per_byte(self) -> Numbers:
        """Per direction; 0 within a node, infinite where a link is unusable."""
        table = np.full(self.measured.shape, np.inf)
        np.divide(1.0, self.bandwidth_bytes_per_s, out=table, where=self.measured)
        if self.assumption is not None:
            table[~self.measured] = 1 / self.assumption.bandwidth_bytes_per_s
        np.fill_diagonal(table, 0.0)
        return table

    def first_byte_s(self) -> Numbers:
        """The latency per direction; 0 within a node, infinite where a link is unusable."""
        table = np.where(self.measured, self.latency_s, np.inf)
        if self.assumption is not None:
            table[~self.measured] = self.assumption.latency_s
        np.fill_diagonal(table, 0.0)
        return table
