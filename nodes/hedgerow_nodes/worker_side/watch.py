"""A thread that looks at the machine and its processes, so that what takes milliseconds holds up no item."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from hedgerow_idl.serve import WorkerStatus
from hedgerow_idl.telemetry import ProcessRow, SystemRow
from hedgerow_nodes.worker_side.configuration import WorkerConfiguration
from hedgerow_nodes.worker_side.gpus import GpuMeter
from hedgerow_nodes.worker_side.health import HealthMeter
from hedgerow_nodes.worker_side.sampling import InstanceProcess, Sampler

MOST_ROWS = 100_000


class Watch:
    """Looks at regular times.

    Args:
        folder: whose disk counts.
        gpus: the machine's GPUs.
        processes: the instances' processes; called in the thread.
        configuration: asked again each time.
        on_health: called in the thread when there is a new look at the health.
        clock: the monotonic clock.
    """

    def __init__(
        self,
        folder: Path,
        gpus: GpuMeter,
        processes: Callable[[], Sequence[InstanceProcess]],
        configuration: Callable[[], WorkerConfiguration],
        on_health: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._meter = HealthMeter(folder, gpus)
        self._sampler = Sampler(gpus)
        self._processes = processes
        self._configuration = configuration
        self._on_health = on_health
        self._clock = clock
        self._rows: deque[SystemRow | ProcessRow] = deque(maxlen=MOST_ROWS)
        self._over = threading.Event()
        self.health = WorkerStatus()
        self._meter.fill(self.health)
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
        self._thread.start()

    def take_rows(self) -> list[SystemRow | ProcessRow]:
        """What was seen since the last call."""
        rows = []
        while self._rows:
            rows.append(self._rows.popleft())
        return rows

    def close(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join(1.0)

    def _look(self) -> None:
        configuration = self._configuration()
        health_at_s = self._clock() + configuration.health_period_s
        rows_at_s = self._clock() + configuration.collect_period_s
        while not self._over.wait(max(0.0, min(health_at_s, rows_at_s) - self._clock())):
            configuration, clock_s = self._configuration(), self._clock()
            if clock_s >= rows_at_s:
                at_s = time.time()
                self._rows.extend(self._sampler.systems(at_s))
                self._rows.extend(self._sampler.processes(self._processes(), at_s))
                rows_at_s = max(rows_at_s + configuration.collect_period_s, clock_s)
            if clock_s >= health_at_s:
                health = WorkerStatus()
                self._meter.fill(health)
                self.health = health
                self._on_health()
                health_at_s = max(health_at_s + configuration.health_period_s, clock_s)
