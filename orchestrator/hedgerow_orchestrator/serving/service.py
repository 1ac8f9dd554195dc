"""One service as the engine holds it: its rows, its epochs, what is being done with it, and what hangs on that."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from hedgerow_idl.plan import PlacedInstance, Plan
from hedgerow_orchestrator.serving.blueprint import Blueprint
from hedgerow_orchestrator.serving.parts import Key
from hedgerow_orchestrator.serving.plan_build import key_of
from hedgerow_orchestrator.serving_states import EpochState, ServiceState
from hedgerow_orchestrator.store.serving_changes import InstanceRow, ServiceEpochRow, ServiceRow


@dataclass(slots=True)
class Epoch:
    """An epoch that some worker may know; `told` are the node ids of those that were sent its plan.

    `why` is what it was made for; the row's reason explains its placement as well.
    """

    row: ServiceEpochRow
    plan: Plan
    why: str = ""
    told: set[str] = field(default_factory=set)

    @property
    def number(self) -> int:
        """Counted from 1."""
        return self.row.epoch

    @property
    def nodes(self) -> list[str]:
        """The node ids of its workers, in order of their first instance."""
        return list(dict.fromkeys(each.node_id for each in self.plan.instances))

    def on(self, node_id: str) -> list[PlacedInstance]:
        """Its instances on a worker."""
        return [each for each in self.plan.instances if each.node_id == node_id]


@dataclass(slots=True)
class Procedure:
    """Something that is being done with a service, step by step; each step waits for answers.

    Attributes:
        kind: `swap` (a new epoch), `start`, `stop`, `delete`, `profile` or `measure` (links).
        phase: of a swap: pause, clear, prepare, start, switch, start_sources; of the others their own name.
        epoch: that is prepared or started.
        waiting: command ids that are not answered.
        failures: (node id, reason, whether the worker is gone or silent) of this step.
        at_sequence: the first that goes by the new epoch, as the workers of the sources answered.
        intents: wishes that are fulfilled when it ends well.
    """

    kind: str
    phase: str
    epoch: int = 0
    cause: str = ""
    waiting: set[str] = field(default_factory=set)
    failures: list[tuple[str, str, bool]] = field(default_factory=list)
    at_sequence: int = -1
    intents: set[str] = field(default_factory=set)
    is_pause: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """An instance that was lost with a start of its worker: how it was, if it may go on should that start come back."""

    incarnation: int
    state: str
    reason: str
    told: str
    may_return: bool


@dataclass(slots=True)
class Drain:
    """An epoch that no source sends by any more, until its items are through."""

    epoch: int
    until_s: float
    begun_at_s: float = 0.0
    at_sequence: int = -1
    seen: dict[str, tuple[int, ...]] = field(default_factory=dict)
    quiet: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    is_deleting: bool = False


@dataclass(slots=True)
class SourcePace:
    """How far a source is: its last sequence, the clock then, and items a second; NaN before two statuses."""

    last_sequence: int
    at_s: float
    rate_hz: float = math.nan

    def ahead(self, seconds: float) -> int:
        """A sequence that it will not have reached in so many seconds, as far as its pace tells."""
        return self.last_sequence + 2 + (math.ceil(self.rate_hz * seconds) if math.isfinite(self.rate_hz) else 0)


@dataclass(slots=True)
class Service:
    """A service.

    Attributes:
        epochs: those that workers may know, by number; `row.epoch` is the one that works.
        logical_ids: by name and replica, for the life of the service.
        is_running: its sources were started and not stopped.
        is_dirty: it is to be placed anew as soon as nothing else is being done with it; `dirty_cause` and
            `dirty_reason` say why.
        again_at_s: not before that by the clock.
        avoid: what did not work lately, with the clock until when it is not tried.
        sources: by logical id how far a source is.
        resume: an epoch whose preparation goes on after a start of the orchestrator.
        rest: by physical id the counters in its last status, once all sources have ended.
        crashes: by logical id when its instances were given up by their workers.
        lost: by physical id what was lost with its worker.
        missing: by physical id how many statuses of its worker have not told of it.
        moved_at_s: when it was last placed, by the clock.
        moves: wishes of people that the next placement follows.
        failed: how many epochs in a row could not be prepared; `last_failure` says why the last one could not.
    """

    row: ServiceRow
    blueprint: Blueprint
    epochs: dict[int, Epoch] = field(default_factory=dict)
    last_epoch: int = 0
    logical_ids: dict[Key, str] = field(default_factory=dict)
    instances: dict[str, InstanceRow] = field(default_factory=dict)
    procedure: Procedure | None = None
    drains: dict[int, Drain] = field(default_factory=dict)
    is_running: bool = False
    is_dirty: bool = False
    dirty_cause: str = ""
    dirty_reason: str = ""
    again_at_s: float = 0.0
    avoid: dict[tuple[Key | None, str], float] = field(default_factory=dict)
    crashes: dict[str, list[float]] = field(default_factory=dict)
    lost: dict[str, Lost] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    sources: dict[str, SourcePace] = field(default_factory=dict)
    rest: dict[str, tuple[int, ...]] = field(default_factory=dict)
    rest_at_s: float = 0.0
    resume: int = 0
    moved_at_s: float = -math.inf
    looked_at_s: float = -math.inf
    moves: dict[Key, str] = field(default_factory=dict)
    boundaries: dict[str, tuple[int, ...]] = field(default_factory=dict)
    intents: set[str] = field(default_factory=set)
    turn: int = 0
    failed: int = 0
    last_failure: str = ""

    @property
    def service_id(self) -> str:
        """Its id."""
        return self.row.service_id

    @property
    def active(self) -> Epoch | None:
        """The epoch that works."""
        epoch = self.epochs.get(self.row.epoch)
        return epoch if epoch is not None and epoch.row.state == EpochState.ACTIVE else None

    @property
    def is_over(self) -> bool:
        """Nothing is left to be done with it."""
        return self.row.state == ServiceState.DELETED

    @property
    def current(self) -> dict[Key, str]:
        """Where the instances of the epoch that works are."""
        active = self.active
        return {key_of(each): each.node_id for each in active.plan.instances} if active else {}

    def placed(self) -> Iterator[tuple[Epoch, PlacedInstance]]:
        """All instances of all epochs that workers may know."""
        for epoch in self.epochs.values():
            for each in epoch.plan.instances:
                yield epoch, each

    def nodes(self) -> list[str]:
        """All workers that may know anything of it."""
        told = [node for epoch in self.epochs.values() for node in sorted(epoch.told)]
        return list(dict.fromkeys([*(each.node_id for _, each in self.placed()), *told]))
