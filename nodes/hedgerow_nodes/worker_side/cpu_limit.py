"""How much processor time a process may use: that of its cores, or less where a control group limits it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

V2_PLACES = ("sys/fs/cgroup", "sys/fs/cgroup/unified")
V1_PLACES = ("sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct")


def usable_cores(cores: int, root: Path = Path("/")) -> float:
    """Cores' time a second: `cores`, or the tightest limit of this process's control groups and all above them.

    Version 2 of the kernel's interface has `cpu.max`, version 1 `cpu.cfs_quota_us` and `cpu.cfs_period_us`.

    Args:
        cores: those that the process may run on.
        root: of the file system in which `/proc` and `/sys` are looked up.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return float(cores)
    limits = [float(cores)]
    for line in lines:
        _number, controllers, path = line.split(":", 2)
        if not controllers:
            limits += [_share(*_two(folder / "cpu.max")) for folder in _folders(root, V2_PLACES, path)]
        elif "cpu" in controllers.split(","):
            for folder in _folders(root, V1_PLACES, path):
                limits.append(_share(_one(folder / "cpu.cfs_quota_us"), _one(folder / "cpu.cfs_period_us")))
    return min(limits)


def _folders(root: Path, places: tuple[str, ...], path: str) -> Iterator[Path]:
    """A group's folder and those above it; in a container the path may be the host's, and only the top is there."""
    for place in places:
        for group in (PurePosixPath(path), *PurePosixPath(path).parents):
            yield root / place / str(group).lstrip("/")


def _share(quota: str, period: str) -> float:
    try:
        limit = float(quota) / float(period)
    except (ValueError, ZeroDivisionError):
        return math.inf  # "max", or no such file
    return limit if limit > 0 else math.inf


def _one(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _two(file: Path) -> tuple[str, str]:
    quota, _, period = _one(file).partition(" ")
    return quota, period
