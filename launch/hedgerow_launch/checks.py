"""What `hedgerow doctor` looks at on this computer: Python, packages, home, lock, network, energy sources."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from hedgerow_launch.lock import holder, home_lock
from hedgerow_nodes.core.environment import Environment

RAPL = Path("/sys/class/powercap")
NVIDIA = Path("/dev/nvidiactl")
CORE = ("cyclonedds", "msgspec", "numpy", "psutil", "rich", "typer")
EXTRAS = {
    "orchestrator": ("SQLAlchemy", "alembic", "fsspec"),
    "frontend": ("Flask", "flask-openapi3", "pydantic", "waitress"),
    "advice": ("nvidia-ml-py", "onnxruntime", "pillow", "torch", "transformers"),
}


class Verdict(StrEnum):
    """How a check ended: FAIL makes the command's exit code 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """One line of the doctor's report; `way_out` says what to do, empty where nothing is to be done."""

    name: str
    verdict: Verdict
    detail: str
    way_out: str = ""


def python_check() -> Check:
    """The interpreter: 3.11 to 3.13 on Linux."""
    found = f"{sys.version.split()[0]} on {sys.platform}"
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        return Check("python", Verdict.FAIL, found, "use Python 3.11 (tested), 3.12 or 3.13")
    if sys.platform != "linux":
        return Check("python", Verdict.FAIL, found, "Hedgerow runs on Linux")
    return Check("python", Verdict.OK, found)


def package_checks(installed: Callable[[str], str] = version) -> Iterator[Check]:
    """The packages of the core and of each extra."""
    for group, names in (("core", CORE), *EXTRAS.items()):
        missing = missing_packages(names, installed)
        found = [f"{name} {installed(name)}" for name in names if name not in missing]
        if not missing:
            yield Check(f"packages: {group}", Verdict.OK, ", ".join(found))
        elif group == "core":
            yield Check("packages: core", Verdict.FAIL, f"missing: {', '.join(missing)}", "make venv")
        else:
            way_out = f"pip install --editable '.[{group}]' in the checkout, if this computer runs that part"
            yield Check(f"packages: {group}", Verdict.WARN, f"missing: {', '.join(missing)}", way_out)


def missing_packages(names: Iterable[str], installed: Callable[[str], str] = version) -> list[str]:
    """Which of these packages are not installed."""
    missing = []
    for name in names:
        try:
            installed(name)
        except PackageNotFoundError:
            missing.append(name)
    return missing


def home_check(home: Path) -> Check:
    """The home, or the folder it would be made in, can be written to."""
    nearest = next(folder for folder in (home, *home.parents) if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return Check("home", Verdict.FAIL, f"{home} cannot be written to", "set HEDGEROW_HOME to a folder of your own")
    free_gb = psutil.disk_usage(str(nearest)).free / 1e9
    detail = f"{home} ({free_gb:.1f} GB free" + ("" if home.exists() else ", made at the first start") + ")"
    if free_gb < 1:
        return Check("home", Verdict.WARN, detail, "make room: the store grows with every task")
    return Check("home", Verdict.OK, detail)


def lock_check(home: Path) -> Check:
    """Who runs the system of this home."""
    running = holder(home_lock(home))
    if running is None:
        return Check("system", Verdict.WARN, f"nothing runs in {home}", "hedgerow up")
    return Check("system", Verdict.OK, f"pid {running.pid} runs it (domain {running.domain})")


def network_check(environment: Environment) -> Check:
    """Which DDS domain, how the processes find each other, and over which interface."""
    interfaces = psutil.net_if_stats()
    up = sorted(name for name, stats in interfaces.items() if stats.isup)
    where = f"domain {environment.domain}, discovery {environment.discovery}"
    if environment.discovery == "local":
        if "lo" not in up:
            return Check("network", Verdict.FAIL, f"{where}: interface lo is down", "ip link set lo up")
        return Check("network", Verdict.OK, f"{where}, interface lo")
    others = [name for name in up if name != "lo"]
    peers = f", peers {', '.join(environment.peers)}" if environment.peers else ""
    if not others:
        return Check("network", Verdict.FAIL, f"{where}{peers}: no interface but lo", "HEDGEROW_DISCOVERY=local")
    return Check("network", Verdict.OK, f"{where}{peers}, interfaces {', '.join(others)}")


def rapl_check(folder: Path = RAPL) -> Check:
    """The processor's energy counters."""
    counters = sorted(folder.glob("*/energy_uj"))
    readable = [counter for counter in counters if os.access(counter, os.R_OK)]
    if readable:
        return Check("energy: RAPL", Verdict.OK, f"{len(readable)} counters readable")
    if counters:
        way_out = f"chmod o+r {folder}/*/energy_uj, or take the estimates as they are"
        return Check("energy: RAPL", Verdict.WARN, "counters are there, but not readable", way_out)
    return Check("energy: RAPL", Verdict.WARN, "no counters (a virtual machine?)", "energy is estimated, and says so")


def nvml_check(device: Path = NVIDIA, library: Any = None) -> Check:
    """NVIDIA's energy counters.

    Args:
        device: of the driver.
        library: the module `pynvml`, or one that answers like it; imported when left out.
    """
    if not device.exists():
        return Check("energy: NVML", Verdict.WARN, "no NVIDIA GPU", "GPUs are estimated, and the estimate says so")
    if library is None and find_spec("pynvml") is None:
        way_out = "pip install nvidia-ml-py (it provides the module pynvml)"
        return Check("energy: NVML", Verdict.WARN, "a GPU, but no module pynvml", way_out)
    nvml = import_module("pynvml") if library is None else library
    try:
        nvml.nvmlInit()
        count = nvml.nvmlDeviceGetCount()
        nvml.nvmlShutdown()
    except nvml.NVMLError as error:
        way_out = "run nvidia-smi: after an update of the driver its library and its module may be of two versions"
        return Check("energy: NVML", Verdict.WARN, f"a GPU, but its driver does not answer: {error}", way_out)
    return Check("energy: NVML", Verdict.OK, f"the driver answers for {count} GPU(s)")
