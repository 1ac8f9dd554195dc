"""Moves to another device: those that keep the limits, by their figures for the model at hand."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hedgerow_idl import NAN, DeviceCandidate, Trial
from hedgerow_nodes.estimators.optimization.answers import Answers
from hedgerow_nodes.estimators.optimization.option import Move, share


def device_moves(answers: Answers, best: Trial) -> Iterator[Move]:
    """A move to each device that is listed and feasible; none for memory, which the device does not change."""
    target = answers.user_input.optimization.target
    listed = answers.hardware.candidates
    present = next((one for one in listed if one.id == best.chosen_device), None)
    if present is None or target == "memory_mb":
        return
    for one in listed:
        if one.id == present.id or one.rejected:
            continue
        ratio = _ratio(one, present, answers, target)
        if not math.isnan(ratio):
            reason = f"{_BY[target]}, {one.name or one.id} beside {present.name or present.id}"
            yield Move("device", present.id, one.id, ratio, 0.0, 0, reason)


_BY = {
    "latency_ms": "latency",
    "energy_j": "energy",
    "gco2e": "operational part by energy, embodied part by latency as if its making were the same",
}


def _ratio(one: DeviceCandidate, present: DeviceCandidate, answers: Answers, target: str) -> float:
    time = share(one.latency_s.value, present.latency_s.value)
    energy = share(one.energy_j.value, present.energy_j.value)
    if target == "latency_ms":
        return time
    if target == "energy_j":
        return energy
    operational, embodied = answers.carbon.operational_gco2e.value, answers.carbon.embodied_gco2e.value
    if math.isnan(embodied) or math.isnan(operational):
        return energy
    whole = operational + embodied
    return (operational * energy + embodied * time) / whole if whole > 0 else NAN
