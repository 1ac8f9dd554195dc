"""Greenhouse gases of making a device: its maker's figure where there is one, else what is assumed for its class."""

from __future__ import annotations

import math

from hedgerow_idl import Estimate
from hedgerow_nodes.estimators.devices.assumptions import assumptions_for
from hedgerow_nodes.estimators.devices.catalogue import Device
from hedgerow_nodes.estimators.interval import Interval

# Product carbon footprints name their own uncertainty at about this size.
DECLARED_FOOTPRINT_FACTOR = 1.5


def embodied_estimate(device: Device) -> Estimate:
    """Embodied carbon of a whole device, in kgCO2e."""
    if not math.isnan(device.embodied_kgco2e):
        interval = Interval.within_factor(device.embodied_kgco2e, DECLARED_FOOTPRINT_FACTOR)
        return interval.estimate("catalogue", device.sources.get("embodied_kgco2e", ""))
    assumed = assumptions_for(device.device_class, device.classes)
    return assumed.embodied_kgco2e.estimate("assumed", assumed.embodied_source)


LIFETIME_SOURCE = "assumed by device class, estimators/devices/assumptions.py"


def lifetime_years(device: Device) -> float:
    """Years in use, assumed by class."""
    return assumptions_for(device.device_class, device.classes).lifetime_years
