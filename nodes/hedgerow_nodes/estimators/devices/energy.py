"""Power and energy of one inference on a device, from its rated power, its idle power and how busy it is."""

from __future__ import annotations

from dataclasses import dataclass

from hedgerow_nodes.estimators.energy.methods import LOAD_SCALED_TDP
from hedgerow_nodes.estimators.interval import Interval

JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True)
class PowerModel:
    """A device's rated power and its idle power, in watts: power = idle + (rated - idle) x utilisation.

    The straight line between idle and rated power is the usual model where a meter is missing (Fan, Weber and Barroso,
    ISCA 2007). A device may be busy without reaching its peak, so the truth is rather above it than below; the interval
    is the factor of the table of methods both ways, and never above the rated power.
    """

    rated_w: float
    idle_w: Interval

    def power_w(self, utilisation: Interval) -> Interval:
        """Power at a utilisation of 0 to 1."""
        idle_w = self.idle_w.at_most(self.rated_w)
        value, low, high = (
            idle + (self.rated_w - idle) * share
            for idle, share in (
                (idle_w.value, utilisation.value),
                (idle_w.low, utilisation.low),
                (idle_w.high, utilisation.high),
            )
        )
        return Interval(
            value, low / LOAD_SCALED_TDP.factor, max(value, min(self.rated_w, high * LOAD_SCALED_TDP.factor))
        )

    def energy_j(self, latency_s: Interval, at_peak_s: float) -> Interval:
        """Energy of work that would take `at_peak_s` at the device's peak: idle x t + (rated - idle) x at_peak.

        That is power x time with utilisation = at_peak / t. Time and utilisation depend on each other, so the bounds
        are taken at the fastest and the slowest time, which is tighter than multiplying the two intervals.
        """
        idle_w = self.idle_w.at_most(self.rated_w)
        value, low, high = (
            idle * time_s + (self.rated_w - idle) * min(at_peak_s, time_s)
            for idle, time_s in (
                (idle_w.value, latency_s.value),
                (idle_w.low, latency_s.low),
                (idle_w.high, latency_s.high),
            )
        )
        ceiling = self.rated_w * latency_s.high
        return Interval(value, low / LOAD_SCALED_TDP.factor, max(value, min(ceiling, high * LOAD_SCALED_TDP.factor)))


def kwh(joules: Interval) -> Interval:
    """The same energy in kilowatt hours: 1 kWh = 3.6e6 J."""
    return joules / JOULES_PER_KWH
