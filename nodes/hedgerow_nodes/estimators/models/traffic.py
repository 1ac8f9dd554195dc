"""How much memory a network moves and holds where only its FLOPs are published: ratios of the models counted here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hedgerow_nodes.estimators.interval import Interval


@dataclass(frozen=True)
class Ratios:
    """Of one kind of network at four bytes a number.

    Attributes:
        traffic_bytes_per_flop: bytes that all operators read and write besides the weights, over FLOPs.
        peak_share: peak of live activations over that traffic.
        counted: how many models of data/models.json the ratios are of.
    """

    traffic_bytes_per_flop: Interval
    peak_share: Interval
    counted: int


# Median, smallest and largest over the models of data/models.json of that kind, generating ones left out: moved bytes
# less weights over FLOPs, and live activations over the same. Eager execution, so a run time that fuses moves less.
RATIOS: Mapping[str, Ratios] = MappingProxyType(
    {
        "dense cnn": Ratios(Interval(0.0302, 0.0169, 0.0520), Interval(0.0402, 0.0230, 0.132), 10),
        "depthwise cnn": Ratios(Interval(0.224, 0.116, 0.421), Interval(0.0532, 0.0297, 0.0946), 10),
        "transformer": Ratios(Interval(0.0283, 0.00987, 0.0871), Interval(0.0240, 0.00543, 0.127), 22),
    }
)

# The name in data/models.json of the kinds above.
EFFICIENCY_KINDS: Mapping[str, str] = MappingProxyType(
    {"dense cnn": "dense cnn", "depthwise cnn": "depthwise cnn", "transformer": "vision transformer"}
)


@dataclass(frozen=True)
class Footprint:
    """Bytes of one inference: `moved` with the weights once, `live` activations at their peak, `weights` alone."""

    moved_bytes: Interval
    live_bytes: Interval
    weights_bytes: float

    @property
    def memory_bytes(self) -> Interval:
        """Weights and live activations together."""
        return Interval.exactly(self.weights_bytes) + self.live_bytes


def footprint(kind: str, parameters: float, flops: float, bytes_per_number: int = 4) -> Footprint:
    """The footprint at batch size one: weights + FLOPs x ratio, and FLOPs x ratio x share.

    Activations are taken to have the size of the weights' numbers, so int8 weights mean int8 activations.

    Raises:
        KeyError: the kind is not in the table.
    """
    if kind not in RATIOS:
        raise KeyError(f"kind of network {kind!r} unknown; known: {', '.join(RATIOS)}")
    ratios = RATIOS[kind]
    weights_bytes = parameters * bytes_per_number
    traffic = ratios.traffic_bytes_per_flop * (flops * bytes_per_number / 4)
    return Footprint(
        moved_bytes=Interval.exactly(weights_bytes) + traffic,
        live_bytes=traffic * ratios.peak_share,
        weights_bytes=weights_bytes,
    )
