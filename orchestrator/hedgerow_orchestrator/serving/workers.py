"""The workers as serving sees them: what they are, what they say of themselves, and what people want of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import msgspec

from hedgerow_idl.plan import HandlerDescription
from hedgerow_idl.serve import InstanceStatus, LinkFigure, Resource, WorkerInfo, WorkerStatus

LEAST_PATIENCE_S = 2.0
"""A loop that goes round says so four times a second; one that has not for so long stands still, however short the
deadline of its worker is."""

FOUND_AGAIN_S = 1.0
"""A process that stood still has lost the others meanwhile, and is heard again when they have found each other, which
takes up to this time. So of a dead one the bus tells first."""

_catalogue = msgspec.json.Decoder(list[HandlerDescription])


@dataclass(slots=True)
class Worker:
    """One worker.

    Attributes:
        is_here: it lives, as the registry knows, and has announced itself.
        catalogue: by type; read once for each announcement.
        statuses: how many of this incarnation have come.
        silent_s: for how long it has said nothing; `is_mute` if it is not here for that alone.
    """

    node_id: str
    name: str = ""
    incarnation: int = 0
    is_here: bool = False
    info: WorkerInfo = field(default_factory=WorkerInfo)
    status: WorkerStatus = field(default_factory=WorkerStatus)
    catalogue: dict[str, HandlerDescription] = field(default_factory=dict)
    statuses: int = 0
    silent_s: float = 0.0
    is_mute: bool = False
    is_cordoned: bool = False
    is_draining: bool = False
    reason: str = ""

    @property
    def label(self) -> str:
        """As people call it."""
        return self.name or self.node_id

    @property
    def takes_new(self) -> bool:
        """It may get instances that it does not have."""
        return self.is_here and not self.is_cordoned and not self.is_draining

    @property
    def resources(self) -> list[Resource]:
        """The providers that it announces."""
        return list(self.info.resources)

    @property
    def speed(self) -> float:
        """Clock times cores, the measure by which costs are scaled; NaN where either is unknown."""
        speed = self.info.clock_hz * self.info.cores
        return speed if speed > 0 else math.nan

    @property
    def item_cpu_s(self) -> float:
        """Processor time to move an item into an instance or out of one; 0 where it was not measured yet."""
        return self.status.item_cpu_s if self.status.item_cpu_s > 0 else 0.0

    @property
    def core_share(self) -> float:
        """How much of a core's time one process gets at most: 1, or less under a limit on processor time."""
        return min(1.0, self.usable_cores)

    @property
    def usable_cores(self) -> float:
        """How many cores' time a second all its processes together may use."""
        return self.info.usable_cores if self.info.usable_cores > 0 else float(self.info.cores or 1)

    @property
    def patience_s(self) -> float:
        """How long it may say nothing: as long as it announces, and never less than a loop may take for one round."""
        deadline_s = self.info.refresh_deadline_s
        return FOUND_AGAIN_S + (max(deadline_s, LEAST_PATIENCE_S) if math.isfinite(deadline_s) else LEAST_PATIENCE_S)

    @property
    def free_bytes(self) -> float:
        """Memory that is available now, else all that it has; infinite where neither is known."""
        if math.isfinite(self.status.memory_available_bytes):
            return self.status.memory_available_bytes
        return float(self.info.memory_bytes) or math.inf

    def link_to(self, node_id: str) -> LinkFigure | None:
        """What it measured of its link to another worker."""
        return next((each for each in self.status.links if each.to_node_id == node_id), None)

    def instance(self, physical_id: str) -> InstanceStatus | None:
        """What it says of an instance."""
        return next((each for each in self.status.instances if each.physical_id == physical_id), None)


def read_catalogue(text: str) -> dict[str, HandlerDescription]:
    """The catalogue of a `WorkerInfo`.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return {each.name: each for each in _catalogue.decode(text)} if text else {}


def union_of_catalogues(workers: list[Worker]) -> dict[str, HandlerDescription]:
    """What any of the workers that are here can run; of two descriptions of one type the first by name counts."""
    union: dict[str, HandlerDescription] = {}
    for worker in sorted(workers, key=lambda each: (each.label, each.node_id)):
        if worker.is_here:
            union = {**worker.catalogue, **union}
    return union
