"""Recognises that the machine went down under the store: the last moments before that may not have reached the disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil

from hedgerow_orchestrator.store.engine import sqlite_path, store_url

IDS_SKIPPED = 10_000
"""Far more than are submitted while a disk takes in the log once."""


def ids_to_skip(url: str, booted_at: Callable[[], float] = psutil.boot_time) -> int:
    """How many ids of problems and iterations to leave out; to be asked before anybody opens the store.

    A task is worked on before its submission is on the disk, though nobody is told of it. After a power cut another
    task must not get its ids: a node on another host may still have an output with them. Nothing is left out where the
    log is gone, since the store was then closed in order, or is younger than the system's start.
    """
    path = sqlite_path(store_url(url))
    if path is None:
        return 0
    try:
        log = path.with_name(Path(path).name + "-wal").stat()
    except OSError:
        return 0
    return IDS_SKIPPED if log.st_size > 0 and log.st_mtime < booted_at() else 0
