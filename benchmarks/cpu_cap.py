"""A control group that lets processes have a part of a core's time, where this machine's groups can be written."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

V1 = Path("/sys/fs/cgroup/cpu")
V2 = Path("/sys/fs/cgroup")
PERIOD_US = 20_000
"""Short beside a stage's time, so that a stage does not wait for a whole period."""


def is_writable() -> bool:
    """Whether a group with a limit can be made here."""
    return _parent() is not None


@contextlib.contextmanager
def capped(pid: int, cores: float) -> Iterator[None]:
    """Let a process and all that live below it have so much processor time together, until the block ends.

    Raises:
        OSError: the groups cannot be written.
    """
    parent = _parent()
    if parent is None:
        raise OSError("no control group with a limit on processor time can be made here")
    group = parent / f"hedgerow-{os.getpid()}-{pid}"
    group.mkdir()
    try:
        if parent == V1:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(round(cores * PERIOD_US)))
        else:
            (group / "cpu.max").write_text(f"{round(cores * PERIOD_US)} {PERIOD_US}")
        _move(_family(pid), group)
        yield
    finally:
        left = (int(line) for line in (group / "cgroup.procs").read_text().split())
        _move(left, parent)
        group.rmdir()


def _parent() -> Path | None:
    if os.access(V1 / "cpu.cfs_quota_us", os.R_OK) and os.access(V1, os.W_OK):
        return V1
    delegated = V2 / "cgroup.subtree_control"
    if os.access(V2, os.W_OK) and delegated.exists() and "cpu" in delegated.read_text().split():
        return V2
    return None


def _family(pid: int) -> list[int]:
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]


def _move(pids: Iterable[int], group: Path) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            (group / "cgroup.procs").write_text(str(pid))
