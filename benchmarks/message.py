"""The 11-field message: three texts, three integers, three floats, a truth value and an array of floats."""

from dataclasses import field

import numpy as np
from cyclonedds.idl import IdlStruct

from hedgerow_idl import NAN, Float64s, float64, int32, int64, no_floats, uint64, wire_type
from hedgerow_idl.topics import Profile, Topic


@wire_type
class Reading(IdlStruct, typename="benchmarks.Reading"):
    """What a robot's arm might say a thousand times a second."""

    number: uint64 = 0
    stamped_at_s: float64 = NAN
    temperature_c: float64 = NAN
    voltage_v: float64 = NAN
    count: int64 = 0
    mode: int32 = 0
    is_valid: bool = False
    node_id: str = ""
    name: str = ""
    status: str = ""
    values: Float64s = field(default_factory=no_floats)


def reading(number: int) -> Reading:
    """A message like any other."""
    return Reading(
        number=number,
        stamped_at_s=1_700_000_000.25 + number,
        temperature_c=21.5,
        voltage_v=3.3,
        count=number * 3,
        mode=2,
        is_valid=True,
        node_id="robot-17/arm",
        name="joint_states",
        status="nominal",
        values=np.linspace(0, 0.7, 8),
    )


READINGS = Topic("benchmarks/reading", Reading, Profile.RING, "the benchmark", ("its peer",))
ECHOES = Topic("benchmarks/echo", Reading, Profile.RING, "the peer", ("the benchmark",))
"""A ring, as every output of a node: reliable, keep-last 4096."""
