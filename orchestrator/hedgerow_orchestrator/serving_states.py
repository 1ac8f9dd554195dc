"""The states of services, their epochs and intents, as the store, the REST interface and the command name them."""

from __future__ import annotations

from enum import StrEnum


class ServiceState(StrEnum):
    """Where a service stands; of DEGRADED and FAILED its reason says why."""

    PREPARING = "PREPARING"
    READY = "READY"
    RUNNING = "RUNNING"
    SWITCHING = "SWITCHING"
    DEGRADED = "DEGRADED"
    STOPPED = "STOPPED"
    ENDED = "ENDED"
    FAILED = "FAILED"
    DELETED = "DELETED"


class EpochState(StrEnum):
    """Where one placement of a service stands."""

    PREPARING = "PREPARING"
    ACTIVE = "ACTIVE"
    DRAINING = "DRAINING"
    RETIRED = "RETIRED"
    FAILED = "FAILED"


class IntentState(StrEnum):
    """What became of a wish."""

    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    DONE = "DONE"
