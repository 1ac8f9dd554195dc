"""What `hedgerow doctor` finds out about the store without the system: the file, its integrity, the room around it."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from pathlib import Path
from urllib.parse import quote, unquote

import psutil

from hedgerow_launch.checks import Check, Verdict

CHECK_S = 10.0
"""A large store takes longer to read than a person waits: the check ends after so long, and says so."""

LITTLE_ROOM_BYTES = 100_000_000
_STEPS_BETWEEN_LOOKS = 10_000


def sqlite_file(store_url: str) -> Path | None:
    """The store's file, or None when the store is no SQLite file."""
    found = re.fullmatch(r"sqlite(?:\+\w+)?:///(.+)", store_url)
    return Path(unquote(found[1])).absolute() if found else None


def store_check(store_url: str, running: bool) -> Check:
    """The store's file: there, writable, whole, and with room to grow.

    Args:
        store_url: what `HEDGEROW_STORE` names.
        running: the system runs; it says itself how its store is, and the file is not read through beside it.
    """
    path = sqlite_file(store_url)
    if path is None:
        detail = "a database server's; it is judged by whoever runs it"
        return Check("store", Verdict.OK, detail, "" if running else "hedgerow db check connects to it")
    if not path.exists():
        return _absent(path, running)
    for each in (path, path.parent):
        if not os.access(each, os.R_OK | os.W_OK):
            return Check("store", Verdict.FAIL, f"{each} cannot be written", f"make {each} writable for this user")
    free_bytes = psutil.disk_usage(str(path.parent)).free
    detail = f"{path} ({path.stat().st_size / 1e6:.1f} MB, {free_bytes / 1e9:.1f} GB free)"
    if free_bytes < LITTLE_ROOM_BYTES:
        return Check("store", Verdict.FAIL, detail, "make room on this disk; hedgerow db prune frees what is old")
    if running:
        return Check("store", Verdict.OK, detail)
    damage, whole = _damage(path)
    if damage:
        way_out = "restore a copy, or save what can be read: sqlite3 OLD .recover | sqlite3 NEW"
        return Check("store", Verdict.FAIL, f"{detail}: {damage}", way_out)
    return Check("store", Verdict.OK, f"{detail}, {'whole' if whole else f'whole as far as read in {CHECK_S:g} s'}")


def _absent(path: Path, running: bool) -> Check:
    if running:
        way_out = "hedgerow doctor --rescue FILE copies out what the orchestrator still has open; stop nothing before"
        return Check("store", Verdict.FAIL, f"{path} is gone while the system runs", way_out)
    return Check("store", Verdict.OK, f"{path}, made at the first start")


def _damage(path: Path) -> tuple[str, bool]:
    """What SQLite finds wrong, empty if nothing; and whether it came to the end."""
    # Without a log beside it the file is complete, and reading it so leaves no new files behind.
    complete = not path.with_name(f"{path.name}-wal").exists()
    uri = f"file:{quote(str(path))}?mode=ro{'&immutable=1' if complete else ''}"
    gives_up_at_s = time.monotonic() + CHECK_S
    try:
        connection = sqlite3.connect(uri, uri=True)
        try:
            connection.set_progress_handler(lambda: time.monotonic() > gives_up_at_s, _STEPS_BETWEEN_LOOKS)
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
        finally:
            connection.close()
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
            return "", False
        return str(error), True
    return "" if found == ["ok"] else "; ".join(found), True
