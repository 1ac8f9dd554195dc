"""What a busy core of this host draws: measured by its energy counters, else from its rated power, else assumed.

`python -m hedgerow_nodes.estimators.devices.host_power` prints as JSON what can be measured here.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hedgerow_nodes.estimators.devices.energy import (
    COUNTER_FACTOR,
    COUNTER_PROBE_FACTOR,
    DECLARED_FACTOR,
    LOAD_SCALED,
    LOAD_SCALED_FACTOR,
)
from hedgerow_nodes.estimators.devices.nvml import Gpu, NvmlUnavailable, read_gpus
from hedgerow_nodes.estimators.devices.rapl import POWERCAP, Rapl, RaplUnavailable
from hedgerow_nodes.estimators.interval import Interval

# 360 W over the 96 cores of an EPYC 9654: a server core at full load.
DEFAULT_W_PER_CORE = 3.75


@dataclass(frozen=True)
class CorePower:
    """Energy of one second of processor time, in joules (so: watts a busy core), with method and source."""

    watts: Interval
    method: str
    source: str


@dataclass(frozen=True)
class Clock:
    """Time and its passing, so that a test needs no time."""

    now_s: Callable[[], float] = time.perf_counter
    cpu_s: Callable[[], float] = time.process_time
    sleep: Callable[[float], None] = time.sleep


def core_power(
    cores: int,
    *,
    rapl_root: Path = POWERCAP,
    declared_w_per_core: float | None = None,
    rated_w_per_core: float | None = None,
    rated_source: str = "",
    clock: Clock | None = None,
) -> CorePower:
    """The best figure that this host gives, in this order: counter, declared, rated power over cores, default.

    Args:
        cores: physical cores of the package, at least 1.
        rapl_root: the powercap tree.
        declared_w_per_core: what the operator says, in watts.
        rated_w_per_core: rated power over the number of cores; `rated_source` says whose figures those are.
        clock: what passes the time while the counter is watched.
    """
    try:
        return _probe(Rapl(rapl_root), cores, clock or Clock())
    except RaplUnavailable as unavailable:
        reason = str(unavailable)
    if declared_w_per_core is not None:
        return _within(declared_w_per_core, DECLARED_FACTOR, "declared", f"node configuration; {reason}")
    if rated_w_per_core is not None:
        return _within(rated_w_per_core, LOAD_SCALED_FACTOR, LOAD_SCALED, f"{rated_source}; {reason}")
    source = f"assumed {DEFAULT_W_PER_CORE} W a core (an EPYC 9654 at 360 W has 96); {reason}"
    return _within(DEFAULT_W_PER_CORE, DECLARED_FACTOR, "default", source)


def _within(watts: float, factor: float, method: str, source: str) -> CorePower:
    return CorePower(Interval.within_factor(watts, factor), method, source)


def _probe(rapl: Rapl, cores: int, clock: Clock) -> CorePower:
    """Watch the counters for 0.2 s at rest and 0.3 s under one busy thread.

    A second of processor time costs what it adds to the rest, and its share of the rest. The counter itself is good
    to a tenth; another mix of instructions changes the figure by more, so the interval is wider.
    """
    rest_j, rest_s, _ = _watch(rapl, clock, lambda: clock.sleep(0.2))
    busy_j, busy_s, cpu_s = _watch(rapl, clock, lambda: _burn(clock, 0.3))
    rest_w = rest_j / rest_s
    watts = max(0.0, busy_j - rest_w * busy_s) / cpu_s + rest_w / cores
    return _within(
        watts, COUNTER_PROBE_FACTOR, "rapl_probe", f"RAPL, {len(rapl.domains)} package(s), rest {rest_w:.3g} W"
    )


def _watch(rapl: Rapl, clock: Clock, action: Callable[[], None]) -> tuple[float, float, float]:
    """Joules, seconds and processor seconds of an action."""
    before, began_s, cpu_s = rapl.read_uj(), clock.now_s(), clock.cpu_s()
    action()
    used_s, used_cpu_s = clock.now_s() - began_s, clock.cpu_s() - cpu_s
    return rapl.joules_between(before, rapl.read_uj()), max(used_s, 1e-9), max(used_cpu_s, 1e-9)


def _burn(clock: Clock, seconds: float) -> None:
    end_s = clock.now_s() + seconds
    block = bytes(65536)
    while clock.now_s() < end_s:
        hashlib.sha256(block).digest()


def survey(
    rapl_root: Path = POWERCAP, library: Any = None, seconds: float = 1.0, clock: Clock | None = None
) -> dict[str, Any]:
    """What this host can measure: RAPL and NVML, each with its reading over a time at rest, or why it cannot.

    A GPU's mean power comes from its energy counter; without one there is only `power_w`, the reading of the moment.
    """
    ticking = clock or Clock()
    rapl, rapl_reason = _rapl(rapl_root)
    before_uj = rapl.read_uj() if rapl else {}
    gpus_before, nvml_reason = _gpus(library)
    began_s = ticking.now_s()
    ticking.sleep(seconds)
    elapsed_s = max(ticking.now_s() - began_s, 1e-9)
    counters: dict[str, Any] = {"readable": rapl is not None, "reason": rapl_reason}
    if rapl:
        joules = rapl.joules_between(before_uj, rapl.read_uj())
        counters |= {"domains": [domain.name for domain in rapl.domains]} | _counted(joules, elapsed_s)
    gpus_after = _gpus(library)[0] if gpus_before else []
    gpus = [_gpu_survey(before, after, elapsed_s) for before, after in zip(gpus_before, gpus_after, strict=False)]
    nvml = {"readable": bool(gpus), "reason": nvml_reason, "gpus": gpus}
    return {"seconds": elapsed_s, "rapl": counters, "nvml": nvml}


def _rapl(root: Path) -> tuple[Rapl | None, str]:
    try:
        return Rapl(root), ""
    except RaplUnavailable as unavailable:
        return None, str(unavailable)


def _gpus(library: Any) -> tuple[list[Gpu], str]:
    try:
        return read_gpus(library), ""
    except NvmlUnavailable as unavailable:
        return [], str(unavailable)


def _gpu_survey(before: Gpu, after: Gpu, elapsed_s: float) -> dict[str, Any]:
    facts = {key: None if isinstance(fact, float) and math.isnan(fact) else fact for key, fact in asdict(after).items()}
    joules = after.energy_j - before.energy_j
    return facts | ({} if math.isnan(joules) else _counted(joules, elapsed_s))


def _counted(joules: float, elapsed_s: float) -> dict[str, float]:
    watts = Interval.within_factor(joules / elapsed_s, COUNTER_FACTOR)
    return {"counted_j": joules, "mean_power_w": watts.value, "low_w": watts.low, "high_w": watts.high}


if __name__ == "__main__":
    print(json.dumps(survey(), indent=2))
