"""codecarbon and carbontracker, where they are installed, behind the same interface as our own sources of energy."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hedgerow_nodes.estimators.energy.meter import Component, EnergySource, SourceUnavailable, Window
from hedgerow_nodes.estimators.energy.methods import CARBONTRACKER_BACKEND, CODECARBON_BACKEND, EnergyMethod
from hedgerow_nodes.estimators.figure import Figure

JOULES_PER_KWH = 3.6e6
SAMPLE_EVERY_S = 0.5
BACKENDS = ("codecarbon", "carbontracker")


class CodecarbonSource:
    """The package codecarbon: its offline tracker, which asks nobody over the network and writes no file.

    What it reads (RAPL, NVML) or computes by its formulas is its own affair, so the interval is the widest.

    Args:
        mode: `process` counts this process and its children, `machine` the whole host.
        options: further arguments of `OfflineEmissionsTracker`, such as `force_cpu_power`.
    """

    name = CODECARBON_BACKEND.name

    def __init__(self, mode: str = "process", **options: Any) -> None:
        self._arguments: dict[str, Any] = {
            "country_iso_code": "USA",  # any will do: only the energy is read
            "tracking_mode": mode,
            "output_methods": [],
            "log_level": "error",
            "allow_multiple_runs": True,
            "measure_power_secs": 1,
        } | options
        self._tracker: Any = None

    def begin(self) -> None:
        """Start a tracker: about two seconds the first time."""
        try:
            from codecarbon import OfflineEmissionsTracker
        except ImportError as error:
            raise SourceUnavailable("codecarbon is not installed; install hedgerow[codecarbon]") from error
        with _guarded("codecarbon"):
            self._tracker = OfflineEmissionsTracker(**self._arguments)
            self._tracker.start()

    def end(self, window: Window) -> Mapping[Component, Figure]:
        """Stop it; a component of which it counted nothing is left out."""
        if self._tracker is None:
            raise SourceUnavailable("codecarbon was not started; call begin first")
        with _guarded("codecarbon"):
            self._tracker.stop()
        # It logs its own errors and goes on without figures.
        data = getattr(self._tracker, "final_emissions_data", None)
        if data is None:
            raise SourceUnavailable("codecarbon failed without figures; its log says why")
        counted: dict[Component, float] = {"cpu": data.cpu_energy, "gpu": data.gpu_energy, "ram": data.ram_energy}
        origin = f"codecarbon {data.codecarbon_version}, mode {data.tracking_mode}"
        return _figures({part: kwh * JOULES_PER_KWH for part, kwh in counted.items()}, CODECARBON_BACKEND, origin)


class CarbontrackerSource:
    """The package carbontracker: its components (RAPL, NVML, or half the rated power), sampled twice a second.

    Its own tracker is left alone: it asks the network where it is, multiplies by a fixed PUE, and ends the process
    where something fails.
    """

    name = CARBONTRACKER_BACKEND.name

    def __init__(self) -> None:
        self._parts: list[Any] = []
        self._stopped = threading.Event()
        self._sampler: threading.Thread | None = None
        self._failure: SourceUnavailable | None = None

    def begin(self) -> None:
        """Find the components and begin to sample them."""
        try:
            from carbontracker.components.component import create_components
            from carbontracker.loggerutil import Logger
        except ImportError as error:
            raise SourceUnavailable("carbontracker is not installed; install hedgerow[carbontracker]") from error
        with _guarded("carbontracker"):
            made = create_components("all", pids=[], devices_by_pid=False, logger=Logger(verbose=0))
            self._parts = [part for part in made if part.available()]
            for part in self._parts:
                part.init()
        if not self._parts:
            raise SourceUnavailable("carbontracker finds nothing that it can read")
        self._stopped, self._failure = threading.Event(), None
        self._sampler = threading.Thread(target=self._sample, name="carbontracker-sampler", daemon=True)
        self._sampler.start()

    def end(self, window: Window) -> Mapping[Component, Figure]:
        """Stop sampling; mean power times time is the energy, as carbontracker counts it."""
        if self._sampler is None:
            raise SourceUnavailable("carbontracker was not started; call begin first")
        self._stopped.set()
        self._sampler.join()
        if self._failure is not None:
            raise self._failure
        joules: dict[Component, float] = {}
        with _guarded("carbontracker"):
            for part in self._parts:
                kwh = float(part.energy_usage([window.seconds])[0])
                part.shutdown()
                if part.name in ("cpu", "gpu"):
                    joules[part.name] = kwh * JOULES_PER_KWH
            devices = ", ".join(str(device) for part in self._parts for device in part.devices())
        return _figures(joules, CARBONTRACKER_BACKEND, f"carbontracker: {devices}")

    def _sample(self) -> None:
        try:
            with _guarded("carbontracker"):
                while True:
                    for part in self._parts:
                        part.collect_power_usage(1)
                    if self._stopped.wait(SAMPLE_EVERY_S):
                        return
        except SourceUnavailable as failure:
            self._failure = failure


def backend(name: str) -> EnergySource:
    """The source of a backend's name.

    Raises:
        ValueError: no backend is called that.
    """
    if name == "codecarbon":
        return CodecarbonSource()
    if name == "carbontracker":
        return CarbontrackerSource()
    raise ValueError(f"backend {name!r} unknown; known: {', '.join(BACKENDS)}")


@contextmanager
def _guarded(package: str) -> Iterator[None]:
    """Whatever a package raises is a reason to ask the next source.

    Raises:
        SourceUnavailable: it raised something.
    """
    try:
        yield
    except Exception as error:  # the packages raise many kinds, some their own
        raise SourceUnavailable(f"{package} failed ({type(error).__name__}: {error})") from error


def _figures(joules: Mapping[Component, float], method: EnergyMethod, origin: str) -> dict[Component, Figure]:
    """What was counted; 0 is what both packages say where they know nothing, so it is left out."""
    source = f"{origin}; {method.words}"
    return {part: Figure(method.interval(used), method.name, source) for part, used in joules.items() if used > 0}
