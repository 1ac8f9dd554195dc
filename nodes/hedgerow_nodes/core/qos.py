"""The QoS profiles of the topic table as DDS policies."""

from __future__ import annotations

from functools import cache

from cyclonedds.qos import BasePolicy, Policy, Qos
from cyclonedds.util import duration

from hedgerow_idl.topics import BULK_DEPTH, COMMAND_DEPTH, RING_DEPTH, Profile

LEASE_S = 1.0
"""A node that is silent for this long is dead, unless it announces another lease."""

DEADLINE_S = 5
"""A node's status is offered, and expected, at least this often."""

# Debian's Fast DDS compiler knows neither XCDR2 nor @optional, so the wire speaks XCDR1 only.
_XCDR1 = Policy.DataRepresentation(use_cdrv0_representation=True, use_xcdrv2_representation=False)
# Writers are keep-last, so a write never blocks; the time only bounds what the library might wait for.
_RELIABLE = Policy.Reliability.Reliable(duration(milliseconds=100))

# The writer says how long it may be silent, the reader waits for that long by its own clock: none asks for less.
_ANY_LEASE = Policy.Liveliness.Automatic(duration(infinite=True))

_COMMON: dict[Profile, tuple[BasePolicy, ...]] = {
    Profile.STATE: (
        _RELIABLE,
        Policy.Durability.TransientLocal,
        Policy.Deadline(duration(seconds=DEADLINE_S)),
    ),
    Profile.RING: (_RELIABLE, Policy.Durability.TransientLocal),
    Profile.COMMAND: (_RELIABLE, Policy.Durability.Volatile),
    Profile.STREAM: (Policy.Reliability.BestEffort, Policy.Durability.Volatile),
    Profile.BULK: (_RELIABLE, Policy.Durability.Volatile),
}

DEPTHS: dict[Profile, int] = {
    Profile.STATE: 1,
    Profile.RING: RING_DEPTH,
    Profile.COMMAND: COMMAND_DEPTH,
    Profile.STREAM: 1,
    Profile.BULK: BULK_DEPTH,
}


@cache
def writer_qos(profile: Profile, lease_s: float = LEASE_S) -> Qos:
    """Keep-last writers everywhere: a dead reader can then never freeze the writer's process.

    Of state `lease_s` is how long its writer may be silent.
    """
    history = Policy.History.KeepLast(DEPTHS[profile])
    policies = [*_COMMON[profile], _XCDR1, history]
    if profile is Profile.STATE:
        policies.append(_lease(lease_s))
    if profile in (Profile.STATE, Profile.RING):
        # A late joiner gets as much as the writer keeps; without this the depth for late joiners would be 1.
        policies.append(Policy.DurabilityService(duration(seconds=0), history, -1, -1, -1))
    # A node's last state outlives it: death shall read as LOST, and only a clean leave as DISPOSED.
    policies.append(Policy.WriterDataLifecycle(autodispose=False))
    return Qos(*policies)


@cache
def reader_qos(profile: Profile) -> Qos:
    """Newest-wins for state and streams; all for the rest, since the loop always takes all."""
    newest_wins = profile in (Profile.STATE, Profile.STREAM)
    history = Policy.History.KeepLast(1) if newest_wins else Policy.History.KeepAll
    lease = (_ANY_LEASE,) if profile is Profile.STATE else ()
    return Qos(*_COMMON[profile], _XCDR1, history, *lease, Policy.IgnoreLocal.Participant)


@cache
def topic_qos(profile: Profile) -> Qos:
    """What a topic entity is made with; readers and writers bring their own."""
    return Qos(*_COMMON[profile], _XCDR1)


@cache
def participant_qos(lease_s: float) -> Qos:
    """A process that is silent for `lease_s` is gone, with everything that is its own."""
    return Qos(_lease(lease_s))


def _lease(lease_s: float) -> BasePolicy:
    return Policy.Liveliness.Automatic(duration(nanoseconds=round(lease_s * 1e9)))
