"""The course of one measurement of a link: small probes for its latency, then bursts until one takes long enough."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field

SMALL_PROBES = 7
FIRST_BURST_BYTES = 256 << 10
LARGEST_BURST_BYTES = 16 << 20
LONG_ENOUGH_S = 0.2
"""A burst of this length tells the bandwidth: what a shaper lets through at once counts little then."""

PATIENCE_S = 5.0


@dataclass
class LinkProbe:
    """Says which probe to send next, and takes the time of each to its answer.

    `latency_s` is half the median round trip of the small probes: one way, if both ways are alike. `bandwidth` is that
    of the last burst, its bytes over its time less the round trip.

    Attributes:
        to_node_id: the receiver.
        sent_at_s: when the probe was sent that is not answered; NaN if there is none.
        complete: it ended with all that it wanted to know.
    """

    to_node_id: str
    sent_at_s: float = math.nan
    _rounds_s: list[float] = field(default_factory=list)
    _burst_bytes: int = FIRST_BURST_BYTES
    _bandwidth_bytes_per_s: float = math.nan
    _done: bool = False
    complete: bool = False
    _number: int = 0

    def next_probe(self, clock_s: float) -> tuple[int, int] | None:
        """Number and size in bytes of the probe to send now; None while one is on its way, or at the end."""
        if self._done or not math.isnan(self.sent_at_s):
            return None
        self._number += 1
        self.sent_at_s = clock_s
        return self._number, (0 if len(self._rounds_s) < SMALL_PROBES else self._burst_bytes)

    def answered(self, number: int, clock_s: float) -> None:
        """The receiver has the probe with this number whole."""
        if number != self._number or math.isnan(self.sent_at_s):
            return  # an answer to a probe that was given up
        took_s, self.sent_at_s = clock_s - self.sent_at_s, math.nan
        if len(self._rounds_s) < SMALL_PROBES:
            self._rounds_s.append(took_s)
            return
        moving_s = max(took_s - 2 * self.latency_s, 1e-6)
        self._bandwidth_bytes_per_s = self._burst_bytes / moving_s
        if moving_s >= LONG_ENOUGH_S or self._burst_bytes >= LARGEST_BURST_BYTES:
            self._done = self.complete = True
        else:
            growth = min(8, max(2, math.ceil(1.25 * LONG_ENOUGH_S / moving_s)))
            self._burst_bytes = min(self._burst_bytes * growth, LARGEST_BURST_BYTES)

    def overdue(self, clock_s: float) -> bool:
        """The receiver has been silent for too long; the measurement ends with what is known."""
        if not math.isnan(self.sent_at_s) and clock_s - self.sent_at_s > PATIENCE_S:
            self._done, self.sent_at_s = True, math.nan
        return self._done

    @property
    def done(self) -> bool:
        """Nothing more is to be sent or waited for."""
        return self._done

    @property
    def latency_s(self) -> float:
        """One way; NaN if no probe was answered."""
        return statistics.median(self._rounds_s) / 2 if self._rounds_s else math.nan

    @property
    def bandwidth_bytes_per_s(self) -> float:
        """NaN if no burst was answered."""
        return self._bandwidth_bytes_per_s
