"""What a busy core of this host draws: measured by its energy counters, else from its rated power, else assumed.

`python -m hedgerow_nodes.estimators.devices.host_power` prints as JSON what can be measured here.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hedgerow_nodes.estimators.devices.nvml import Gpu, NvmlUnavailable, read_gpus
from hedgerow_nodes.estimators.devices.rapl import POWERCAP, Rapl, RaplUnavailable
from hedgerow_nodes.estimators.energy.counters import RaplSource
from hedgerow_nodes.estimators.energy.formulas import DEFAULT_W_PER_CORE
from hedgerow_nodes.estimators.energy.meter import Clock, EnergySource, Reading, SourceUnavailable, measure
from hedgerow_nodes.estimators.energy.methods import (
    DECLARED,
    DEFAULT,
    LOAD_SCALED_TDP,
    METHODS,
    RAPL_COUNTER,
    RAPL_PROBE,
    EnergyMethod,
)
from hedgerow_nodes.estimators.interval import Interval

# How long the host is watched at rest and under one busy thread: a counter needs little, a package that samples more.
COUNTER_WATCH_S = (0.2, 0.3)
# Not whole seconds: codecarbon samples each second in a thread that its `stop` does not wait for, and what is stopped
# just then is counted twice.
BACKEND_WATCH_S = (1.5, 2.5)


@dataclass(frozen=True)
class CorePower:
    """Energy of one second of processor time, in joules (so: watts a busy core), with method and source."""

    watts: Interval
    method: str
    source: str


def core_power(
    cores: int,
    *,
    asked: Sequence[EnergySource] = (),
    rapl_root: Path = POWERCAP,
    declared_w_per_core: float | None = None,
    rated_w_per_core: float | None = None,
    rated_source: str = "",
    clock: Clock | None = None,
) -> CorePower:
    """The best figure that this host gives, in this order: counter, rated power over cores, declared, default.

    The source says of each counter that was passed over why it was.

    Args:
        cores: physical cores of the package, at least 1.
        asked: sources that are asked before the counter, such as a backend.
        rapl_root: the powercap tree.
        declared_w_per_core: what the operator says, in watts.
        rated_w_per_core: rated power over the number of cores; `rated_source` says whose figures those are.
        clock: what passes the time while the counter is watched.
    """
    ticking = clock or Clock(cpu_s=time.process_time)
    reasons: list[str] = []
    for source in (*asked, RaplSource(rapl_root)):
        try:
            return _probe(source, cores, ticking, "; ".join(reasons))
        except SourceUnavailable as unavailable:
            reasons.append(str(unavailable))
    reason = "; ".join(reasons)
    if rated_w_per_core is not None:
        left = "" if declared_w_per_core is None else f"; the declared {declared_w_per_core:g} W a core comes after it"
        return _found(rated_w_per_core, LOAD_SCALED_TDP, f"{rated_source}{left}; {reason}")
    if declared_w_per_core is not None:
        return _found(declared_w_per_core, DECLARED, f"node configuration; {reason}")
    source_text = f"assumed {DEFAULT_W_PER_CORE} W a core (an EPYC 9654 at 360 W has 96); {reason}"
    return _found(DEFAULT_W_PER_CORE, DEFAULT, source_text)


def _found(watts: float, method: EnergyMethod, source: str) -> CorePower:
    return CorePower(method.interval(watts), method.name, f"{source}; {method.words}")


def _probe(source: EnergySource, cores: int, clock: Clock, reasons: str) -> CorePower:
    """Watch a source at rest and under one busy thread.

    A second of processor time costs what it adds to the rest, and its share of the rest. A counter itself is good to a
    tenth; another mix of instructions changes the figure by more, so the interval is wider.

    Raises:
        SourceUnavailable: it tells nothing of the processor.
    """
    counter = source.name == RAPL_COUNTER.name
    rest_s, busy_s = COUNTER_WATCH_S if counter else BACKEND_WATCH_S
    rest = measure(lambda: clock.sleep(rest_s), [source], clock)
    busy = measure(lambda: _burn(clock, busy_s), [source], clock)
    if "cpu" not in busy.joules:
        raise SourceUnavailable("; ".join(busy.passed_over) or f"{source.name} tells nothing of the processor")
    # A source that counts this process alone may find nothing at rest; that is no gap, the process was asleep.
    rest_w = _cpu_joules(rest) / rest.window.seconds
    added_j = max(0.0, _cpu_joules(busy) - rest_w * busy.window.seconds)
    watts = added_j / max(busy.window.cpu_s, 1e-9) + rest_w / cores
    method = RAPL_PROBE if counter else METHODS[source.name]
    origin = busy.joules["cpu"].source.partition("; ")[0]
    passed = f"; {reasons}" if reasons else ""
    return _found(watts, method, f"{origin}, rest {rest_w:.3g} W{passed}")


def _cpu_joules(reading: Reading) -> float:
    return reading.joules["cpu"].interval.value if "cpu" in reading.joules else 0.0


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
    watts = RAPL_COUNTER.interval(joules / elapsed_s)
    return {"counted_j": joules, "mean_power_w": watts.value, "low_w": watts.low, "high_w": watts.high}


if __name__ == "__main__":
    print(json.dumps(survey(), indent=2))
