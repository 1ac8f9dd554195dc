"""What a worker reports by itself: its announcement, its status once a second and on every change, and telemetry."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from hedgerow_idl.plan import HandlerDescription
from hedgerow_idl.serve import InstanceStatus, LinkFigure, WorkerInfo, WorkerStatus
from hedgerow_idl.telemetry import PacketRow
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.core.announcement import SPACING_S
from hedgerow_nodes.core.bus import Bus
from hedgerow_nodes.core.identity import Identity
from hedgerow_nodes.worker_side.capabilities import Machine, worker_info
from hedgerow_nodes.worker_side.configuration import WorkerConfiguration
from hedgerow_nodes.worker_side.cpu_limit import usable_cores
from hedgerow_nodes.worker_side.gpus import GpuMeter
from hedgerow_nodes.worker_side.sampling import InstanceProcess
from hedgerow_nodes.worker_side.telemetry_book import TelemetryBook
from hedgerow_nodes.worker_side.watch import Watch

Processes = Callable[[], Sequence[InstanceProcess]]


class Reports:
    """Writes `WorkerInfo`, `WorkerStatus` and `TelemetryBatch`.

    Args:
        bus: the worker's place on the bus.
        identity: who it is.
        machine: what its machine can do.
        gpus: the machine's GPUs.
        folder: whose disk counts.
        configuration: asked again each time.
        now: the wall clock, for stamps.
        clock: the monotonic clock, for durations.
    """

    def __init__(
        self,
        bus: Bus,
        identity: Identity,
        machine: Machine,
        gpus: GpuMeter,
        folder: Path,
        configuration: Callable[[], WorkerConfiguration],
        now: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._identity, self._machine, self._gpus = identity, machine, gpus
        self._configuration, self._now, self._clock = configuration, now, clock
        self._info = bus.writer(BY_NAME["hedgerow/worker_info"])
        self._status = bus.writer(BY_NAME["hedgerow/worker_status"])
        self._batches = bus.writer(BY_NAME["hedgerow/telemetry"])
        self._book = TelemetryBook(identity, configuration().telemetry_rows)
        self._rows_lock = threading.Lock()
        self._rows: list[PacketRow] = []
        self._processes: Processes | None = None
        self._wake = bus.wake
        self._watch = Watch(folder, gpus, self._running, configuration, self._on_health)
        self._is_changed = False
        self._has_health = False
        self._told_at_s = self._looked_at_s = -math.inf
        self._report_at_s = clock()
        self._statuses: list[InstanceStatus] = []
        self._catalogue: Sequence[HandlerDescription] = ()
        self._usable_cores = machine.usable_cores
        self._said_of_them: object = ()

    def watch(self, processes: Processes | None) -> None:
        """Whose processes are looked at."""
        self._processes = processes

    def announce(self, catalogue: Sequence[HandlerDescription]) -> None:
        """Write the announcement, at the start and after every change."""
        self._catalogue = catalogue
        self._info.write(
            worker_info(self._identity, self._machine, self._gpus.look(), self._configuration(), catalogue)
        )
        self._book.most_rows = self._configuration().telemetry_rows
        self._is_changed = True

    def add_rows(self, rows: Iterable[PacketRow]) -> None:
        """Packet events that the host does not tell; from any thread."""
        with self._rows_lock:
            self._rows.extend(rows)

    def changed(self) -> None:
        """Something is worth a status at once."""
        self._is_changed = True

    def look(self, statuses: Callable[[], list[InstanceStatus]]) -> list[InstanceStatus]:
        """The instances, asked for at most every 20 ms; a change among them is worth a status."""
        clock_s = self._clock()
        if clock_s - self._looked_at_s >= SPACING_S:
            self._looked_at_s = clock_s
            self._statuses = statuses()
            said = tuple((one.physical_id, one.state, one.pid, one.epoch, one.reason) for one in self._statuses)
            self._is_changed |= said != self._said_of_them
            self._said_of_them = said
        return self._statuses

    @property
    def next_due_at_s(self) -> float:
        """When `report` has something to do."""
        waits = self._is_changed or self._has_health
        return min(self._report_at_s, self._told_at_s + SPACING_S if waits else math.inf)

    def report(
        self,
        statuses: Callable[[], list[InstanceStatus]],
        links: Callable[[float], list[LinkFigure]],
        take_rows: Callable[[], list[PacketRow]],
    ) -> None:
        """Write what is due."""
        clock_s = self._clock()
        if self._usable_cores != self._machine.usable_cores:
            self._machine = replace(self._machine, usable_cores=self._usable_cores)
            self.announce(self._catalogue)
        if (self._is_changed or self._has_health) and clock_s >= self._told_at_s + SPACING_S:
            self._is_changed = self._has_health = False
            self._told_at_s = clock_s
            status = self._watch.health
            status.node_id, status.incarnation = self._identity.node_id, self._identity.incarnation
            status.stamped_at_s, status.links, status.instances = self._now(), links(clock_s), statuses()
            self._status.write(status)
        if clock_s >= self._report_at_s:
            self._report_at_s = clock_s + self._configuration().report_period_s
            self._send_rows(take_rows())

    def close(self) -> None:
        """Send what is left, and say goodbye."""
        self._watch.close()
        self._send_rows([])
        self._gpus.close()
        node_id, incarnation = self._identity.node_id, self._identity.incarnation
        self._status.dispose(WorkerStatus(node_id=node_id, incarnation=incarnation))
        self._info.dispose(WorkerInfo(node_id=node_id, incarnation=incarnation))

    def _send_rows(self, rows: Sequence[PacketRow]) -> None:
        with self._rows_lock:
            own, self._rows = self._rows, []
        self._book.add([*self._watch.take_rows(), *rows, *own])
        if not self._batches.matched():
            return  # nobody reads: what is kept is bounded here, and counted, not left to the bus to overwrite
        while (batch := self._book.take_batch()) is not None:
            self._batches.write(batch)

    def _running(self) -> Sequence[InstanceProcess]:
        processes = self._processes
        return processes() if processes is not None else ()

    def _on_health(self) -> None:
        # In the thread that looks: a limit may be changed at any time, and the files are read in its own time.
        self._usable_cores = usable_cores(self._machine.cores)
        self._has_health = True
        self._wake()
